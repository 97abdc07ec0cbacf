//! OpenTelemetry's own events, which come while its context is being changed.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use opentelemetry::logs::{AnyValue, LogRecord, Logger, Severity};
use otelier_log::JsonLayer;
use support::{Sink, attach};
use tracing_subscriber::prelude::*;

/// Takes all records, and counts none.
#[derive(Clone)]
struct Anything;

struct Record;

impl LogRecord for Record {
    fn set_event_name(&mut self, _: &'static str) {}
    fn set_target<T: Into<std::borrow::Cow<'static, str>>>(&mut self, _: T) {
        panic!("no record is made of these");
    }
    fn set_timestamp(&mut self, _: std::time::SystemTime) {}
    fn set_observed_timestamp(&mut self, _: std::time::SystemTime) {}
    fn set_severity_text(&mut self, _: &'static str) {}
    fn set_severity_number(&mut self, _: Severity) {}
    fn set_body(&mut self, _: AnyValue) {}
    fn add_attributes<I, K, V>(&mut self, _: I)
    where
        I: IntoIterator<Item = (K, V)>,
        K: Into<opentelemetry::Key>,
        V: Into<AnyValue>,
    {
    }
    fn add_attribute<K: Into<opentelemetry::Key>, V: Into<AnyValue>>(&mut self, _: K, _: V) {}
    fn set_trace_context(
        &mut self,
        _: opentelemetry::TraceId,
        _: opentelemetry::SpanId,
        _: Option<opentelemetry::TraceFlags>,
    ) {
    }
}

impl Logger for Anything {
    type LogRecord = Record;

    fn create_log_record(&self) -> Record {
        Record
    }

    fn emit(&self, _: Record) {}

    fn event_enabled(&self, _: Severity, _: &str, _: Option<&str>) -> bool {
        true
    }
}

#[test]
fn they_are_written_without_a_look_at_the_context_and_without_a_record() {
    let sink = Sink::default();
    let layer = JsonLayer::builder().writer(sink.clone()).logger(Anything);
    let layer = layer.build();
    let stats = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let _request = attach("req-1", 1);
        tracing::warn!(target: "opentelemetry", name = "Context.AttachFailed", "too many");
    });
    let line = sink.line();
    assert_eq!(line["message"], "too many");
    assert_eq!((line.get("trace_id"), line.get("request_id")), (None, None));
    assert_eq!(stats.records_lost(), 0);
}
