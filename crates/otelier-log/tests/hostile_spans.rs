//! Spans that are recorded in at odd times, and values that take locks. (Values that log need a global
//! subscriber: see `global.rs`.)

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::fmt;
use std::sync::{Arc, Mutex};

use otelier_log::JsonLayer;
use serde_json::json;
use support::{Sink, logged};
use tracing::{Dispatch, info, info_span};
use tracing_subscriber::prelude::*;

/// Does something whenever it is formatted.
struct Does<F>(F);

impl<F: Fn()> fmt::Debug for Does<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0();
        f.write_str("done")
    }
}

#[test]
fn a_value_may_record_in_the_span_it_is_recorded_in() {
    let line = logged(|| {
        let span = info_span!("s", a = 0, b = 0);
        let records = Does(|| _ = span.record("a", 1));
        span.record("b", tracing::field::debug(&records));
        let again = Does(|| _ = span.record("a", 2));
        span.in_scope(|| info!(c = ?again, "m"));
    })
    .line();
    assert_eq!([&line["b"], &line["c"]], ["done"; 2]);
    assert_eq!(line["a"], 2);
}

#[test]
fn a_value_may_take_a_lock_that_is_held_where_lines_are_written() {
    /// Writes under a lock, as a file that is shared does.
    #[derive(Clone)]
    struct Locked(Arc<Mutex<u64>>, Sink);
    impl std::io::Write for Locked {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let mut lines = self.0.lock().unwrap();
            *lines += 1;
            self.1.write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (lock, sink) = (Arc::new(Mutex::new(0)), Sink::default());
    let writer = Locked(Arc::clone(&lock), sink.clone());
    let layer = JsonLayer::builder().writer(move || writer.clone()).build();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let takes = Does(|| drop(lock.lock().unwrap()));
                tracing::dispatcher::with_default(&dispatch, || {
                    for n in 0..200 {
                        info_span!("s", a = ?takes).in_scope(|| info!(n, b = ?takes, "{takes:?}"));
                    }
                });
            });
        }
    });
    assert_eq!(sink.json().len(), 800);
    assert_eq!(*lock.lock().unwrap(), 800);
}

#[test]
fn recording_in_a_closed_span_does_nothing() {
    let sink = Sink::default();
    let layer = JsonLayer::builder().writer(sink.clone()).build();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    tracing::dispatcher::with_default(&dispatch, || {
        let gone = info_span!("s", a = 1);
        let (id, metadata) = (gone.id().unwrap(), gone.metadata().unwrap());
        drop(gone);
        // Its place in the registry is free for another.
        let next = info_span!("next", b = 2);
        let values = [Some(&3 as &dyn tracing::field::Value)];
        let values = metadata.fields().value_set_all(&values);
        dispatch.record(&id, &tracing::span::Record::new(&values));
        next.in_scope(|| info!("m"));
    });
    let line = sink.line();
    assert_eq!((line.get("a"), &line["b"]), (None, &json!(2)));
}

#[test]
fn a_span_may_be_recorded_in_on_one_thread_while_another_logs_in_it() {
    let sink = Sink::default();
    let layer = JsonLayer::builder().writer(sink.clone()).build();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    let span = tracing::dispatcher::with_default(&dispatch, || info_span!("s", a = 0, b = "x"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..2_000_u64 {
                span.record("a", n);
                span.record("b", "y".repeat(n as usize % 40).as_str());
            }
        });
        scope.spawn(|| {
            tracing::dispatcher::with_default(&dispatch, || {
                (0..500).for_each(|_| span.in_scope(|| info!("m")));
            });
        });
    });
    let lines = sink.json();
    assert_eq!(lines.len(), 500);
    assert!(
        lines
            .iter()
            .all(|line| line["a"].is_u64() && line["b"].is_string())
    );
}
