//! Logging while a thread ends, with a panic hook that logs: alone in its process, for the hook.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::cell::RefCell;
use std::thread;

use otelier_log::{JsonLayer, Levels};
use support::Sink;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

struct LogsAtItsEnd;

impl Drop for LogsAtItsEnd {
    fn drop(&mut self) {
        tracing::info!("a thread's last words");
    }
}

thread_local! {
    static FIRST: RefCell<Option<LogsAtItsEnd>> = const { RefCell::new(None) };
}

#[test]
fn a_line_from_a_thread_local_s_end_is_written_without_a_panic() {
    let sink = Sink::default();
    let builder = JsonLayer::builder().thread(true);
    let layer = builder.writer(sink.clone()).build();
    // So that the filter, too, asks for the tenant.
    let levels: Levels = "info".parse().unwrap();
    let noisy = "noisy".parse().unwrap();
    levels.set_tenant(&noisy, LevelFilter::ERROR).unwrap();
    let layer = layer.with_filter(levels);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))
        .expect("the only one of this process");
    std::panic::set_hook(Box::new(|panic| {
        if thread::current().name() == Some("ending") {
            tracing::error!(%panic, "panicked");
        }
    }));

    run(|| tracing::info!("alive"));
    let lines = sink.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains("a thread's last words"), "{lines:?}");

    // A look at a context that is gone is a panic, which this crate catches: its hook runs, and logs.
    run(|| drop(opentelemetry::Context::new().attach()));
    let lines = sink.lines();
    let last = lines.last().unwrap();
    assert!(last.contains("a thread's last words"), "{lines:?}");
}

fn run(work: fn()) {
    let ending = thread::Builder::new().name("ending".to_owned());
    let thread = ending.spawn(move || {
        // Made before anything else of this thread, so the last to end.
        FIRST.set(Some(LogsAtItsEnd));
        work();
    });
    thread.expect("there are threads").join().expect("no panic");
}
