use std::cell::Cell;
use std::time::Duration;

use opentelemetry::logs::Severity;
use opentelemetry::trace::{Link, SpanKind, TraceId, TraceState};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{BatchLogProcessor, LogProcessor, SdkLogRecord};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

thread_local! {
    static OWN: Cell<bool> = const { Cell::new(false) };
}

/// Keeps this thread, on which exporters run, out of the telemetry.
///
/// OpenTelemetry's suppressed scope is not enough: h2 gives its connection a `tracing` span without a
/// parent, whose context knows nothing of the scope. What happens in it would be exported, and that
/// export again.
pub(crate) fn mark_thread() {
    OWN.set(true);
}

/// Samples no span of a marked thread.
#[derive(Debug, Clone)]
pub(crate) struct ForeignSpans(pub(crate) Sampler);

impl ShouldSample for ForeignSpans {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        if OWN.get() {
            return SamplingResult {
                decision: SamplingDecision::Drop,
                attributes: Vec::new(),
                trace_state: TraceState::default(),
            };
        }
        let inner = &self.0;
        inner.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

/// Passes on no log record of a marked thread.
#[derive(Debug)]
pub(crate) struct ForeignLogs(pub(crate) BatchLogProcessor);

impl LogProcessor for ForeignLogs {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if !OWN.get() {
            self.0.emit(record, scope);
        }
    }

    fn event_enabled(&self, level: Severity, target: &str, name: Option<&str>) -> bool {
        !OWN.get() && self.0.event_enabled(level, target, name)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}
