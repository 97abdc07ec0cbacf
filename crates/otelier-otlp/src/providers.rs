use std::sync::Arc;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{self, BatchLogProcessor, LogExporter, SdkLoggerProvider};
use opentelemetry_sdk::trace::{
    self, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanExporter,
};
use otelier_metrics::Registry;

use crate::Error;
use crate::config::{Batch, Config, Warning};
use crate::export::{log_exporter, span_exporter};
use crate::own::{ForeignLogs, ForeignSpans};
use crate::report::{Reporter, Warned};
use crate::runtime::ExportRuntime;

/// The SDK's providers with our exporters under them; a signal that is not exported has no reporter.
#[derive(Clone)]
pub(crate) struct Providers {
    pub(crate) tracers: SdkTracerProvider,
    pub(crate) loggers: Option<SdkLoggerProvider>,
    pub(crate) traces: Option<Arc<Reporter>>,
    pub(crate) logs: Option<Arc<Reporter>>,
    pub(crate) runtime: Option<ExportRuntime>,
}

impl Providers {
    pub(crate) fn build(
        config: &Config,
        resource: &Resource,
        registry: &Registry,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, Error> {
        let runtime = match config.traces().or(config.logs()) {
            Some(_) => Some(ExportRuntime::start()?),
            None => None,
        };
        let warned = Arc::new(Warned::default());
        let mut tracers = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(ForeignSpans(sampler(config)))
            .with_span_limits(config.limits.counts);
        let mut traces = None;
        if let Some((otlp, runtime)) = config.traces().zip(runtime.as_ref()) {
            let reporter = Arc::new(Reporter::new(otlp, registry, &warned)?);
            let exporter = span_exporter(otlp, &config.limits, runtime, &reporter, warnings)?;
            tracers = tracers.with_span_processor(span_processor(exporter, otlp.batch));
            traces = Some(reporter);
        }
        let mut loggers = None;
        let mut logs = None;
        if let Some((otlp, runtime)) = config.logs().zip(runtime.as_ref()) {
            let reporter = Arc::new(Reporter::new(otlp, registry, &warned)?);
            let exporter = log_exporter(otlp, runtime, &reporter, warnings)?;
            let provider = SdkLoggerProvider::builder()
                .with_resource(resource.clone())
                .with_log_processor(log_processor(exporter, otlp.batch));
            loggers = Some(provider.build());
            logs = Some(reporter);
        }
        Ok(Self {
            tracers: tracers.build(),
            loggers,
            traces,
            logs,
            runtime,
        })
    }
}

/// With the SDK disabled nothing is recorded but what belongs to a sampled trace from elsewhere: if
/// that were not sampled here, whoever is called from here would not sample it either.
fn sampler(config: &Config) -> Sampler {
    if config.is_disabled() {
        return Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
    }
    config.sampler.clone()
}

fn span_processor(exporter: impl SpanExporter + 'static, batch: Batch) -> BatchSpanProcessor {
    let config = trace::BatchConfigBuilder::default()
        .with_max_queue_size(batch.queue)
        .with_max_export_batch_size(batch.size)
        .with_scheduled_delay(batch.delay)
        .build();
    BatchSpanProcessor::builder(exporter)
        .with_batch_config(config)
        .build()
}

fn log_processor(exporter: impl LogExporter + 'static, batch: Batch) -> ForeignLogs {
    let config = logs::BatchConfigBuilder::default()
        .with_max_queue_size(batch.queue)
        .with_max_export_batch_size(batch.size)
        .with_scheduled_delay(batch.delay)
        .build();
    let processor = BatchLogProcessor::builder(exporter).with_batch_config(config);
    ForeignLogs(processor.build())
}
