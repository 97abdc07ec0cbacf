//! Spans, values and lines at their bounds. `Sink` checks of each line that it is one write, one line,
//! within its bound, and JSON in which no key comes twice.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::error::Error;
use std::fmt;

use otelier_log::JsonLayer;
use serde_json::json;
use support::{Sink, dynamic, logged, logged_by};
use tracing::field::Value;
use tracing::{Level, info, info_span};
use tracing_subscriber::prelude::*;

#[test]
fn what_is_recorded_in_turns_stays_within_a_lines_bound() {
    let line = logged(|| {
        let span = info_span!("s", a = 0, b = 0, c = 0, d = 4);
        let _entered = span.enter();
        let large = "x".repeat(8_000);
        for name in ["a", "b", "c", "a", "b", "c"] {
            span.record(name, large.as_str());
        }
        span.record("a", 1);
        span.record("c", 3);
        info!("m");
    })
    .line();
    assert_eq!([&line["a"], &line["c"], &line["d"]], [1, 3, 4]);
    assert_eq!(line["b"].as_str().unwrap().len(), 8_000);
}

#[test]
fn spans_may_end_anywhere_follow_anything_and_be_logged_for_too_late() {
    let sink = Sink::default();
    let layer = JsonLayer::builder().writer(sink.clone()).build();
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(layer));
    tracing::dispatcher::with_default(&dispatch, || {
        let span = info_span!("s", a = 1);
        span.follows_from(info_span!("other").id());
        let id = span.id().unwrap();
        let elsewhere = dispatch.clone();
        let end = move || tracing::dispatcher::with_default(&elsewhere, || drop(span));
        std::thread::spawn(end).join().unwrap();
        // The span is gone; only its id is left.
        info!(parent: id, "of a closed span");
    });
    let line = sink.line();
    assert_eq!(
        (&line["message"], line.get("a")),
        (&json!("of a closed span"), None)
    );
}

#[test]
fn a_thousand_spans_deep_a_line_is_still_a_line() {
    let lines = logged(|| {
        let spans: Vec<_> = (0..1_000)
            .map(|depth| {
                let name: &'static str = format!("depth_{depth}").leak();
                let text = "y".repeat(20);
                dynamic::span(&[(name, &text.as_str()), ("depth", &depth)]).entered()
            })
            .collect();
        info!(a = 1, "m");
        spans.into_iter().rev().for_each(drop);
    });
    let line = lines.line();
    assert_eq!((&line["a"], &line["depth"]), (&json!(1), &json!(999)));
    assert!(line.contains_key("depth_999") && !line.contains_key("depth_0"));
    assert!(line["truncated_bytes"].as_u64().unwrap() > 10_000);
}

/// Whatever stands at the cut, in the event or in the message.
#[test]
fn a_cut_falls_between_characters_and_escapes() {
    let units = [
        "x",
        "é",
        "漢",
        "🦀",
        "\"",
        "\n",
        "\u{1b}",
        "\u{202e}",
        "\u{e0041}",
        "\\",
        "é\u{1b}\u{e0041}",
    ];
    for (unit, offset) in units
        .iter()
        .flat_map(|unit| (0..14).map(move |offset| (unit, offset)))
    {
        let text = "a".repeat(offset) + &unit.repeat(16_384 / unit.len());
        let line = logged(|| {
            let _span = info_span!("s", in_span = text.as_str()).entered();
            info!(first = text.as_str(), second = %text, "{text}");
        })
        .line();
        for key in ["message", "first", "second", "in_span"] {
            let kept = line[key].as_str().unwrap().strip_suffix('…').unwrap();
            assert!(
                text.starts_with(kept) && kept.len() > 100,
                "{key} {unit:?} {offset}"
            );
        }
        assert!(line["truncated_bytes"].as_u64().unwrap() > 8_000);
    }
}

#[test]
fn a_span_field_is_cut_where_the_event_leaves_too_little_room() {
    for unit in ["x", "é", "🦀", "\u{1b}", "\u{e0041}", "\\"] {
        for used in 0..24 {
            let (text, used) = (unit.repeat(7_000 / unit.len()), "a".repeat(7_000 + used));
            let line = logged(|| {
                let _span = info_span!("s", in_span = text.as_str(), last = 1).entered();
                info!(used, "{}", &used[..7_000]);
            })
            .line();
            let kept = line["in_span"].as_str().unwrap().strip_suffix('…').unwrap();
            assert!(text.starts_with(kept) && kept.len() > 100);
            assert_eq!(line["last"], 1);
            assert!(line["truncated_bytes"].as_u64().unwrap() > 1_000);
        }
    }
}

#[test]
fn long_values_do_not_push_the_others_out() {
    let long = "x".repeat(100_000);
    let bytes = long.as_bytes();
    let line = logged(|| {
        let _span = info_span!("s", a = long, b = long, last = 1).entered();
        info!(c = long, d = %long, e = ?bytes, f = bytes, status = 500, "{long}");
    })
    .line();
    assert_eq!((&line["status"], &line["last"]), (&json!(500), &json!(1)));
    for key in ["message", "a", "b", "c", "d", "e", "f"] {
        assert!(line[key].as_str().unwrap().ends_with('…'), "{key}");
    }
}

/// The padding moves the last fields to each place before the bound.
#[test]
fn whatever_comes_last_before_the_bound_fits() {
    #[derive(Debug)]
    struct LongCircle;
    impl fmt::Display for LongCircle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&"é".repeat(5_000))
        }
    }
    impl Error for LongCircle {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }
    struct Quiet;
    impl fmt::Debug for Quiet {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            std::panic::resume_unwind(Box::new("without the panic hook"))
        }
    }
    let names: Vec<&'static str> = (0..1_000).map(|i| &*format!("{i}").leak()).collect();
    let panics = tracing::field::debug(Quiet);
    let error: &(dyn Error + 'static) = &LongCircle;
    let values: [&dyn Value; 4] = [&i128::MIN, &-1.234_567_890_123_456_7e-300, &panics, &error];
    for (value, padding) in values
        .iter()
        .flat_map(|value| (0..60).map(move |n| (value, n)))
    {
        let padding = "p".repeat(padding);
        let mut fields: Vec<(&'static str, &dyn Value)> = vec![("padding", &padding)];
        fields.extend(names.iter().map(|name| (*name, *value)));
        let builder = JsonLayer::builder().service("s".repeat(64));
        let line = logged_by(builder, || dynamic::event(Level::INFO, "t", &fields)).line();
        assert!(line["truncated_bytes"].as_u64().unwrap() > 0);
        let cut = |value: &serde_json::Value| value.as_str().is_some_and(|text| text.contains('…'));
        assert!(!line.values().any(cut), "no number is cut, nor a mark");
    }
}

#[test]
fn a_header_that_is_too_long_is_cut_and_leaves_room_for_fields() {
    let long: &'static str = "\u{1b}".repeat(65_536).leak();
    let builder = JsonLayer::builder().service(long).environment(long);
    let line = logged_by(builder, || {
        dynamic::event(Level::INFO, long, &[("message", &long), ("a", &1)]);
    })
    .line();
    for key in ["message", "target", "service", "environment"] {
        assert!(line[key].as_str().unwrap().ends_with("\u{1b}…"), "{key}");
    }
    assert_eq!(line["a"], 1);
}
