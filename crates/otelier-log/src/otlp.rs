use std::time::SystemTime;

use opentelemetry::Context;
use opentelemetry::logs::{LogRecord as _, Logger, Severity};
use tracing_core::{Level, Metadata};

use crate::ids::context_lives;
use crate::line::Line;

/// Any OpenTelemetry logger, whatever its type of record.
pub(crate) trait OtlpSink: Send + Sync {
    /// Whether a record made now would go anywhere.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool;

    /// Emits what `line` holds.
    fn emit(&self, time: SystemTime, metadata: &'static Metadata<'static>, line: &mut Line);
}

impl<L: Logger + Send + Sync> OtlpSink for L {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let severity = severity(*metadata.level());
        context_lives()
            && !Context::is_current_telemetry_suppressed()
            && self.event_enabled(severity, metadata.target(), Some(metadata.name()))
    }

    fn emit(&self, time: SystemTime, metadata: &'static Metadata<'static>, line: &mut Line) {
        let mut record = self.create_log_record();
        record.set_timestamp(time);
        record.set_observed_timestamp(time);
        record.set_severity_number(severity(*metadata.level()));
        record.set_severity_text(metadata.level().as_str());
        record.set_target(metadata.target());
        if let Some(body) = line.body.take() {
            record.set_body(body.into());
        }
        if let Some(request) = &line.ids.request {
            record.add_attribute("request.id", request.id().to_string());
            if let Some(tenant) = request.tenant() {
                record.add_attribute("tenant.id", tenant.as_str().to_owned());
            }
            if let Some(user) = request.user() {
                record.add_attribute("user.id", user.as_str().to_owned());
            }
        }
        record.add_attributes(line.attributes.drain(..));
        match line.ids.trace {
            Some(trace) => {
                record.set_trace_context(trace.trace_id, trace.span_id, Some(trace.flags));
                Logger::emit(self, record);
            }
            None => {
                // Or the logger would take the trace of a context to which the event does not belong.
                let _no_trace = Context::new().attach();
                Logger::emit(self, record);
            }
        }
    }
}

fn severity(level: Level) -> Severity {
    match level {
        Level::TRACE => Severity::Trace,
        Level::DEBUG => Severity::Debug,
        Level::INFO => Severity::Info,
        Level::WARN => Severity::Warn,
        Level::ERROR => Severity::Error,
    }
}
