//! The exporters' own requests make no telemetry that is exported.
//!
//! It needs a global subscriber, since the exporters have threads of their own.

mod common;

use std::sync::Arc;

use common::*;
use opentelemetry::logs::{LogRecord as _, Logger as _};
use opentelemetry::trace::{Span as _, Tracer as _};
use otelier_otlp::SdkLogger;
use otelier_testing::Log;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// Emits every event as a log record, as a log bridge does at level TRACE.
struct Bridge(SdkLogger);

impl<S: Subscriber> Layer<S> for Bridge {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if std::thread::current().name() == Some("otelier-testing") {
            return;
        }
        let mut record = self.0.create_log_record();
        record.set_body(event.metadata().target().into());
        self.0.emit(record);
    }
}

#[test]
fn the_exporters_do_not_trace_themselves() {
    let collector = collector();
    // One signal over each protocol: tonic, h2 and hyper all have spans and events of their own.
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc");
    let traces_endpoint = collector.grpc_endpoint();
    let traces_endpoint = (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        traces_endpoint.as_str(),
    );
    let (pipeline, _registry) = pipeline(
        "http/protobuf",
        &collector.http_endpoint(),
        &[traces, traces_endpoint],
    );
    let layer = tracing_opentelemetry::layer().with_tracer(pipeline.tracer("tracing"));
    let bridge = Bridge(pipeline.logger("bridge").unwrap());
    let subscriber = tracing_subscriber::registry().with(layer).with(bridge);
    tracing::subscriber::set_global_default(subscriber).unwrap();

    for name in ["first", "second"] {
        tracing::trace_span!("app").in_scope(|| {
            pipeline.tracer("app").start(name).end();
            tracing::trace!(target: "app", "event");
        });
        flush(&pipeline);
    }
    pipeline.shutdown(LONG).unwrap();

    let received = collector.received();
    let spans = received.spans();
    // The collector has a thread in this process, whose spans are of no concern here.
    let mut names: Vec<_> = spans
        .filter(|span| {
            let thread = span.attributes().get("thread.name");
            thread.is_none_or(|thread| thread.as_str() != Some("otelier-testing"))
        })
        .iter()
        .map(|span| span.name().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["app", "app", "first", "second"]);
    // The SDK tells of itself on the caller's thread where a crate of the same build has switched that on.
    let of_the_sdk = |log: &Arc<Log>| {
        log.body()
            .as_str()
            .is_some_and(|t| t.starts_with("opentelemetry"))
    };
    let logs = received.logs().filter(|log| !of_the_sdk(log));
    assert_eq!(logs.len(), 2, "{logs}");
    assert!(logs.iter().all(|log| log.body() == "app"));
}
