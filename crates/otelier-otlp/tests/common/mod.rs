#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::future::Future;
use std::time::Duration;

use opentelemetry::logs::{LogRecord as _, Logger as _};
use opentelemetry::trace::{Span as _, Tracer as _};
use otelier_metrics::Registry;
use otelier_otlp::{Config, Pipeline, SdkLoggerProvider};
use otelier_testing::Collector;

pub(crate) mod proxy;

pub(crate) const SPANS: &str = "otel_sdk_exporter_span_exported_total";
pub(crate) const LOGS: &str = "otel_sdk_exporter_log_exported_total";

/// Long enough for any machine; no test waits for it unless it fails.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

pub(crate) fn collector() -> Collector {
    block_on(Collector::start()).unwrap()
}

pub(crate) fn config(variables: &[(&str, &str)]) -> Config {
    Config::from_lookup("checkout", |name| {
        let set = variables.iter().find(|(variable, _)| *variable == name);
        set.map(|(_, value)| (*value).to_owned())
    })
}

/// A pipeline of both signals to this endpoint, and its metrics.
pub(crate) fn pipeline(
    protocol: &str,
    endpoint: &str,
    more: &[(&str, &str)],
) -> (Pipeline, Registry) {
    let mut variables = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
    ];
    variables.extend(more);
    let config = config(&variables);
    assert_eq!(config.warnings(), []);
    let registry = Registry::new("checkout");
    (Pipeline::start(config, &registry).unwrap(), registry)
}

pub(crate) fn endpoint(collector: &Collector, protocol: &str) -> String {
    match protocol {
        "grpc" => collector.grpc_endpoint(),
        _ => collector.http_endpoint(),
    }
}

/// Ends a span of this name and emits a log record.
pub(crate) fn record(pipeline: &Pipeline, name: &'static str) {
    pipeline.tracer("app").start(name).end();
    if let Some(logger) = pipeline.logger("app") {
        let mut record = logger.create_log_record();
        record.set_body(name.into());
        logger.emit(record);
    }
}

/// Tries to export what was recorded, well or ill.
pub(crate) fn flush(pipeline: &Pipeline) {
    let _ = pipeline.tracer_provider().force_flush();
    let _ = pipeline
        .logger_provider()
        .map(SdkLoggerProvider::force_flush);
}

/// A counter's value; 0 if it has no such series.
pub(crate) fn count(registry: &Registry, name: &str, error_type: &str) -> u64 {
    let labels = match error_type {
        "" => String::new(),
        _ => format!("error_type=\"{error_type}\""),
    };
    let body = registry.expose(None).unwrap().body;
    let mut samples = body.lines().filter_map(|line| line.rsplit_once(' '));
    samples
        .find(|(series, _)| *series == format!("{name}{{{labels}}}"))
        .map_or(0, |(_, value)| value.parse().unwrap())
}
