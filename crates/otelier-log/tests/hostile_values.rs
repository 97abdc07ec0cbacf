//! Values and writers made to break a logger. `Sink` checks of each line that it is one write, one
//! line, within its bound, and JSON in which no key comes twice.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use otelier_log::{DropReason, JsonLayer, Stats};
use serde_json::json;
use support::{Sink, logged};
use tracing::{Level, info, info_span};
use tracing_subscriber::prelude::*;

#[test]
fn invalid_utf_8_and_control_characters_do_no_harm_as_bytes() {
    let line = logged(|| info!(bytes = &b"\xff\xc0\x8a\n\"\x1b"[..])).line();
    assert_eq!(line["bytes"], "ffc08a0a221b");
}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half ")?;
        panic!("in Debug")
    }
}

struct Fails;

impl fmt::Debug for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half ")?;
        Err(fmt::Error)
    }
}

#[test]
fn a_value_that_panics_or_fails_is_marked_and_the_line_comes_out() {
    let line = logged(|| {
        let span = info_span!("s", in_span = ?Panics, recorded = tracing::field::Empty);
        span.record("recorded", tracing::field::debug(Fails));
        span.in_scope(|| info!(a = ?Panics, b = ?Fails, c = 3, "message {Panics:?}"));
    })
    .line();
    for (key, value) in [
        ("message", "message half <panicked>"),
        ("a", "half <panicked>"),
        ("b", "half <format error>"),
        ("in_span", "half <panicked>"),
        ("recorded", "half <format error>"),
    ] {
        assert_eq!(line[key], value);
    }
    assert_eq!(line["c"], 3);
}

#[test]
fn a_value_that_writes_a_gigabyte_is_stopped() {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    struct Endless;
    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for _ in 0..1 << 20 {
                f.write_str(&"x".repeat(1 << 10))?;
                WRITTEN.fetch_add(1 << 10, Ordering::Relaxed);
            }
            Ok(())
        }
    }
    let line = logged(|| info!(endless = %Endless, after = 1, "m {}", Endless)).line();
    assert!(WRITTEN.load(Ordering::Relaxed) < 64 << 10);
    for key in ["message", "endless"] {
        assert!(line[key].as_str().unwrap().ends_with("x…"), "{key}");
    }
    assert_eq!(line["after"], 1);
}

/// One that ignores that it is stopped runs to its end, but nothing of it is kept.
#[test]
fn a_value_that_ignores_errors_cannot_go_on_after_the_cut() {
    struct Stubborn;
    impl fmt::Display for Stubborn {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for _ in 0..2_000 {
                let _ = f.write_str("0123456789");
                let _ = f.write_str("é");
            }
            Ok(())
        }
    }
    let line = logged(|| info!(a = %Stubborn, b = 1)).line();
    let kept = line["a"].as_str().unwrap().strip_suffix('…').unwrap();
    assert!("0123456789é".repeat(2_000).starts_with(kept));
    assert_eq!(line["truncated_bytes"], 24_000 - kept.len());
    assert_eq!(line["b"], 1);
}

#[test]
fn a_value_may_take_the_lock_that_the_writer_takes() {
    struct Locks(Sink);
    impl fmt::Debug for Locks {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} lines before", self.0.lines().len())
        }
    }
    let sink = Sink::default();
    let layer = JsonLayer::builder().writer(sink.clone()).build();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let locks = Locks(sink.clone());
        info_span!("s", span = ?locks).in_scope(|| info!(event = ?locks));
    });
    let line = sink.line();
    assert_eq!([&line["span"], &line["event"]], ["0 lines before"; 2]);
}

#[test]
fn an_error_whose_sources_form_a_circle_or_panic_is_cut() {
    #[derive(Debug)]
    struct Circle;
    impl fmt::Display for Circle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("round")
        }
    }
    impl Error for Circle {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }
    #[derive(Debug)]
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("in Display")
        }
    }
    impl Error for Broken {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            panic!("in source")
        }
    }
    let (circle, broken): (&dyn Error, &dyn Error) = (&Circle, &Broken);
    let line = logged(|| info!(circle, broken)).line();
    let chain = line["circle"]["chain"].as_array().unwrap();
    assert_eq!(chain.len(), 17);
    assert_eq!((&chain[15], &chain[16]), (&json!("round"), &json!("…")));
    assert_eq!(line["broken"], json!({"message": "<panicked>"}));
}

#[test]
fn lines_are_counted_as_written_and_as_truncated() {
    let layer = JsonLayer::builder().writer(Sink::default()).build();
    let stats = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        info!("short");
        info!("{}", "long".repeat(10_000));
    });
    assert_eq!((stats.lines_written(), stats.lines_truncated()), (2, 1));
    assert!(stats.lines_dropped().all(|(.., count)| count == 0));
}

#[test]
fn a_writer_that_fails_or_panics_is_counted_and_harms_nobody() {
    struct Broken;
    impl io::Write for Broken {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            assert!(!line.windows(5).any(|w| w == b"panic"), "in write");
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let layer = JsonLayer::builder().writer(|| Broken).build();
    let stats = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        info!("one");
        tracing::error!("two");
        tracing::error!("panic");
    });
    assert_eq!(stats.lines_written(), 0);
    assert_eq!(dropped(&stats, Level::INFO, DropReason::WriteFailed), 1);
    assert_eq!(dropped(&stats, Level::ERROR, DropReason::WriteFailed), 1);
    assert_eq!(dropped(&stats, Level::ERROR, DropReason::WriterPanicked), 1);
}

fn dropped(stats: &Stats, level: Level, reason: DropReason) -> u64 {
    let mut all = stats.lines_dropped();
    all.find(|(l, r, _)| (*l, *r) == (level, reason)).unwrap().2
}
