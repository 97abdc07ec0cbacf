//! What `timed!` tells of a scope and of a future, however they end.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use otelier_log::timed;
use serde_json::{Map, Value, json};
use support::logged;

#[test]
fn a_timed_scope_is_a_warning_from_its_threshold_on_and_else_for_debugging() {
    let lines = timed_lines(|| {
        let timed = timed!("load_user").threshold(Duration::ZERO);
        tracing::info!(duration_ms = 0.5, "inside");
        drop(timed);
        let _timed = timed!("load_user").threshold(Duration::MAX);
    });
    assert_eq!(
        lines[0]["message"], "inside",
        "nothing is logged before the end"
    );
    let line = |level, slow| {
        json!({
            "level": level, "message": "load_user", "target": "otelier::performance",
            "category": "performance", "name": "load_user", "slow": slow,
        })
    };
    assert_eq!(lines[1..], [line("WARN", true), line("DEBUG", false)]);
}

#[test]
fn a_timed_scope_left_by_a_panic_says_so() {
    let [line] = timed_lines(|| {
        let panics = || {
            let _timed = timed!("load_user");
            std::panic::resume_unwind(Box::new("no noise on stderr"))
        };
        catch_unwind(panics).unwrap_err();
    })
    .try_into()
    .unwrap();
    assert_eq!(line["panicked"], true);
}

#[test]
fn a_timed_future_is_measured_from_its_first_poll_to_its_end() {
    let lines = timed_lines(|| {
        let mut polls = 0;
        let future = std::future::poll_fn(|_| {
            polls += 1;
            tracing::info!(duration_ms = 0.5, "poll {polls}");
            if polls < 3 {
                Poll::Pending
            } else {
                Poll::Ready(42)
            }
        });
        let mut future = pin!(timed!("load_user").threshold(Duration::ZERO).around(future));
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(future.as_mut().poll(&mut cx), Poll::Pending);
        assert_eq!(future.as_mut().poll(&mut cx), Poll::Pending);
        assert_eq!(future.as_mut().poll(&mut cx), Poll::Ready(42));
        tracing::info!(duration_ms = 0.5, "done");
    });
    let messages: Vec<_> = lines
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        messages,
        ["poll 1", "poll 2", "poll 3", "load_user", "done"]
    );
    let line = &lines[3];
    assert_eq!(
        [&line["level"], &line["slow"]],
        [&json!("WARN"), &json!(true)]
    );
    assert_eq!([line.get("cancelled"), line.get("panicked")], [None, None]);
}

#[test]
fn a_timed_future_dropped_before_its_end_says_so_once_and_one_never_polled_is_silent() {
    let lines = timed_lines(|| {
        let future = || Box::pin(timed!("load_user").around(std::future::pending::<()>()));
        drop(future());
        let mut future = future();
        let poll = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["cancelled"], true);
    assert_eq!(lines[0].get("panicked"), None);
}

#[test]
fn a_timed_future_that_panics_says_so_even_if_the_panic_is_caught_around_the_poll() {
    let lines = timed_lines(|| {
        let future = async { std::panic::resume_unwind(Box::new("no noise on stderr")) };
        let mut future = Box::pin(timed!("load_user").around(future));
        let poll = || -> Poll<()> {
            future
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
        };
        catch_unwind(AssertUnwindSafe(poll)).unwrap_err();
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["panicked"], true);
    assert_eq!(lines[0].get("cancelled"), None);
}

/// A line of a `timed!`, with its duration taken out and seen to be one.
fn timed_line(mut line: Map<String, Value>) -> Value {
    let duration = line.remove("duration_ms").unwrap();
    assert!(
        duration.is_f64() && duration.as_f64().unwrap() >= 0.0,
        "{duration}"
    );
    line.remove("timestamp");
    line.into()
}

fn timed_lines(work: impl FnOnce()) -> Vec<Value> {
    logged(work).json().into_iter().map(timed_line).collect()
}
