//! What only a global subscriber sees: events from inside the formatting of a value, which do not reach
//! a scoped one, and from a thread's end.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::fmt;
use std::sync::OnceLock;

use otelier_log::{DropReason, JsonLayer, Stats};
use serde_json::{Map, Value, json};
use support::Sink;
use tracing::{Level, Span, info, info_span};
use tracing_subscriber::prelude::*;

fn global() -> &'static (Sink, Stats) {
    static GLOBAL: OnceLock<(Sink, Stats)> = OnceLock::new();
    GLOBAL.get_or_init(|| {
        let sink = Sink::default();
        let layer = JsonLayer::builder().writer(sink.clone()).build();
        let stats = layer.stats();
        tracing_subscriber::registry().with(layer).init();
        (sink, stats)
    })
}

fn lines(target: &str) -> Vec<Map<String, Value>> {
    let lines = global().0.json().into_iter();
    lines.filter(|line| line["target"] == target).collect()
}

#[test]
fn a_value_that_logs_while_it_is_formatted_has_its_own_line() {
    struct Logs;
    impl fmt::Debug for Logs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            info!(target: "logs", inner = 1, "from inside");
            Span::current().record("recorded", 2);
            f.write_str("done")
        }
    }
    global();
    let _span = info_span!("s", made = ?Logs, recorded = 0).entered();
    Span::current().record("recorded", tracing::field::debug(Logs));
    info!(target: "logs", a = ?Logs, b = 2, "outer");

    let [made, recorded, inner, outer] = &lines("logs")[..] else {
        panic!()
    };
    for line in [made, recorded, inner] {
        assert_eq!(
            (&line["message"], &line["inner"]),
            (&json!("from inside"), &json!(1))
        );
    }
    assert_eq!(
        (&outer["message"], &outer["a"], &outer["b"]),
        (&json!("outer"), &json!("done"), &json!(2))
    );
    assert_eq!(
        (&outer["made"], &outer["recorded"]),
        (&json!("done"), &json!(2))
    );
}

#[test]
fn a_value_that_logs_itself_without_end_is_stopped_and_counted() {
    struct Mirror;
    impl fmt::Debug for Mirror {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            tracing::warn!(target: "mirror", again = ?self, "inside");
            f.write_str("mirror")
        }
    }
    let (_, stats) = global();
    tracing::warn!(target: "mirror", first = ?Mirror, "outside");
    let lines = lines("mirror");
    assert_eq!(lines.last().unwrap()["first"], "mirror");
    assert_eq!(lines.len(), 4);
    let mut dropped = stats.lines_dropped();
    assert!(dropped.any(|entry| entry == (Level::WARN, DropReason::Recursion, 1)));
}

/// A thread's destructors run in the reverse order of first use: here when OpenTelemetry's context,
/// the registry's and the layer's own storage are gone.
#[test]
fn a_line_from_the_end_of_a_thread_comes_out() {
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            info!(target: "late", a = 1, "late");
        }
    }
    thread_local!(static LATE: Late = const { Late });
    global();
    let thread = std::thread::spawn(|| {
        LATE.with(|_| ());
        let _request = support::attach("req-1", 1);
        info_span!("s").in_scope(|| info!(target: "late", "early"));
    });
    thread.join().unwrap();
    let [early, late] = &lines("late")[..] else {
        panic!()
    };
    assert_eq!(early["request_id"], "req-1");
    assert_eq!((&late["a"], late.get("request_id")), (&json!(1), None));
}
