//! A collector that is not there is told in the log, once a minute at most.
//!
//! It needs a global subscriber, since the exporters have threads of their own.

mod common;

use std::fmt;
use std::sync::{Arc, Mutex};

use common::proxy::closed_address;
use common::*;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "otelier::otlp" {
            let mut line = Line(event.metadata().level().to_string());
            event.record(&mut line);
            self.0.lock().expect("no test panics with it").push(line.0);
        }
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

#[test]
fn many_failures_make_one_warning_which_names_the_endpoint_and_no_secret() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry().with(lines.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let address = closed_address();
    let endpoint = format!("http://{address}/?key=s3cret");
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=s3cret");
    let (pipeline, registry) = pipeline("http/protobuf", &endpoint, &[headers]);
    for _ in 0..3 {
        record(&pipeline, "GET");
        flush(&pipeline);
    }
    let _ = pipeline.shutdown(LONG);
    assert_eq!(count(&registry, SPANS, "unavailable"), 3);
    assert_eq!(count(&registry, LOGS, "unavailable"), 3);

    let lines = lines.0.lock().unwrap();
    let [line] = &lines[..] else {
        panic!("{lines:?}");
    };
    for part in [
        "WARN",
        "signal=traces",
        &format!("endpoint=http://{address}/v1/traces"),
        "error_type=\"unavailable\"",
        "Connection refused",
        "lost=1",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!line.contains("s3cret"), "{line}");
}
