mod build;
mod http;
mod span_data;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

pub(crate) use build::{log_exporter, span_exporter};

use self::http::Cause;
use crate::report::Reporter;
use crate::runtime::ExportRuntime;

/// An exporter of OpenTelemetry's, run on our runtime and within its timeout, each end reported.
#[derive(Debug)]
pub(crate) struct Exporter<E> {
    inner: E,
    runtime: ExportRuntime,
    timeout: Duration,
    max_value_length: Option<usize>,
    reporter: Arc<Reporter>,
    /// Why the last HTTP request failed, which the inner exporter does not pass on.
    cause: Cause,
}

impl<E> Exporter<E> {
    async fn run(
        &self,
        count: usize,
        export: impl Future<Output = OTelSdkResult>,
    ) -> OTelSdkResult {
        let ended = self.runtime.run(self.timeout, export).await;
        let result = ended.unwrap_or(Err(OTelSdkError::Timeout(self.timeout)));
        let count = count as u64;
        match &result {
            Ok(()) => self.reporter.exported(count),
            Err(error) => self
                .reporter
                .failed(count, error, self.cause.take().as_deref()),
        }
        result
    }
}

impl SpanExporter for Exporter<opentelemetry_otlp::SpanExporter> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        for span in &mut batch {
            span_data::prepare(span, self.max_value_length);
        }
        self.run(batch.len(), self.inner.export(batch)).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl LogExporter for Exporter<opentelemetry_otlp::LogExporter> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let count = batch.iter().count();
        self.run(count, self.inner.export(batch)).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
