//! Names made to break a logger. `Sink` checks of each line that it is one write, one line, within its
//! bound, and JSON in which no key comes twice.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use otelier_log::JsonLayer;
use serde_json::json;
use support::{LINE_LIMIT, attach, dynamic, logged, logged_by};
use tracing::field::Value;
use tracing::{Level, info, info_span};

const RESERVED: [&str; 19] = [
    "timestamp",
    "level",
    "message",
    "target",
    "trace_id",
    "span_id",
    "trace_flags",
    "request_id",
    "tenant_id",
    "user_id",
    "service",
    "environment",
    "file",
    "line",
    "thread",
    "truncated_bytes",
    "request.id",
    "tenant.id",
    "user.id",
];

#[test]
fn no_field_takes_a_key_of_the_line() {
    let others = || RESERVED.into_iter().filter(|name| *name != "message");
    let mut event: Vec<(&'static str, &dyn Value)> = others()
        .map(|name| (name, &"forged" as &dyn Value))
        .collect();
    event.extend([
        ("message", &"real" as &dyn Value),
        ("message", &"second"),
        ("field.level", &"literal"),
    ]);
    let builder = JsonLayer::builder().service("checkout").environment("prod");
    let line = logged_by(builder, || {
        let in_span = RESERVED.map(|name| (name, &"forged by a span" as &dyn Value));
        let _span = dynamic::span(&in_span).entered();
        let _request = attach("req-1", 1);
        dynamic::event(Level::WARN, "real", &event);
    })
    .line();
    for (key, value) in [
        ("level", "WARN"),
        ("message", "real"),
        ("target", "real"),
        ("request_id", "req-1"),
        ("tenant_id", "acme"),
        ("service", "checkout"),
        ("environment", "prod"),
        ("field.message", "second"),
        ("field.field.level", "literal"),
    ] {
        assert_eq!(line[key], value, "{key}");
    }
    for name in others() {
        assert_eq!(line[&format!("field.{name}")], "forged");
    }
    assert!(!line.contains_key("user_id"));
}

#[test]
fn an_event_made_by_hand_has_one_message_and_each_key_once() {
    let fields: [(&'static str, &dyn Value); 3] = [("message", &"m"), ("a", &1), ("b", &2)];
    let behind: [(&'static str, &dyn Value); 3] = [("a", &1), ("message", &"m"), ("b", &2)];
    for preset in support::naming::PRESETS {
        for places in [
            [0, 0, 1],
            [1, 0, 0],
            [1, 1, 0],
            [2, 1, 0],
            [0, 1, 0],
            [1, 1, 1],
            [0, 0, 0],
        ] {
            for fields in [fields, behind] {
                let builder = JsonLayer::builder().keys(preset);
                let line = logged_by(builder, || dynamic::event_of(&fields, places)).line();
                assert!(!line.is_empty(), "{places:?}");
            }
        }
    }
    let line = logged(|| dynamic::event_of(&fields, [0, 0, 1])).line();
    assert_eq!((&line["message"], &line["a"]), (&json!("m"), &json!(1)));
    let line = logged(|| dynamic::event_of(&behind, [1, 2, 0])).line();
    assert_eq!((&line["message"], &line["b"]), (&json!("m"), &json!(2)));
}

#[test]
fn any_name_becomes_a_valid_key() {
    let names = [
        "",
        "a",
        "a.b",
        "a.b.c",
        "quote\"",
        "back\\slash",
        "line\nfeed",
        "\r",
        "\u{1b}[2J",
        "\0",
        "\u{202e}bidi",
        "e\u{301}",
        "\u{e9}",
        "\",\"level\":\"ERROR",
        "}{",
        "\u{e0041}",
        "漢字",
        "field.",
        "field.a",
    ];
    let lines = logged(|| {
        let r#type = 1;
        info!(r#type);
        let fields = names.each_ref().map(|name| (*name, name as &dyn Value));
        dynamic::event(Level::INFO, "t", &fields);
    });
    let [raw, line] = &lines.json()[..] else {
        panic!()
    };
    assert_eq!(raw["type"], 1);
    for name in names {
        assert_eq!(line[name], name);
    }
}

#[test]
fn the_innermost_of_equal_names_counts_and_the_first_within_one_event() {
    let line = logged(|| {
        let _outer = info_span!("outer", a = "outer", b = "outer", c = "outer").entered();
        let _inner = info_span!("inner", a = "inner", b = "inner").entered();
        info!(a = "event", a = "again", "e\u{301}" = 1, "\u{e9}" = 2);
    })
    .line();
    assert_eq!(
        [&line["a"], &line["b"], &line["c"]],
        ["event", "inner", "outer"]
    );
    assert_eq!((&line["e\u{301}"], &line["\u{e9}"]), (&json!(1), &json!(2)));
}

#[test]
fn a_huge_key_is_left_out_and_the_other_fields_stay() {
    let key: &'static str = "k".repeat(65_536).leak();
    let other: &'static str = "k".repeat(65_000).leak();
    let fields: [(&'static str, &dyn Value); 3] = [(key, &1), ("a", &2), (other, &3)];
    let line = logged(|| dynamic::event(Level::INFO, "t", &fields)).line();
    assert_eq!(line["a"], 2);
    assert!(line.keys().all(|key| !key.starts_with('k')));
    assert!(line["truncated_bytes"].as_u64().unwrap() >= 130_536);
}

#[test]
fn ten_thousand_fields_make_one_full_line() {
    let builder = JsonLayer::builder()
        .service("s".repeat(256))
        .environment("e".repeat(256));
    let lines = logged_by(builder, || dynamic::event(Level::INFO, "t", &many_fields()));
    let line = lines.line();
    assert!(
        lines.lines()[0].len() > LINE_LIMIT - 160,
        "the room is used"
    );
    assert_eq!(line["field_500"], "value");
    assert!(line["truncated_bytes"].as_u64().unwrap() > 100_000);
}

#[test]
fn a_line_says_what_its_spans_had_no_room_for() {
    let line = logged(|| {
        let span = dynamic::span(&many_fields());
        span.record("field_9999", "recorded late, without room");
        span.record("field_0", 0);
        span.in_scope(|| info!(a = 1));
    })
    .line();
    assert_eq!((&line["a"], &line["field_0"]), (&json!(1), &json!(0)));
    assert!(!line.contains_key("field_9999"));
    assert!(line["truncated_bytes"].as_u64().unwrap() > 100_000);
}

fn many_fields() -> Vec<(&'static str, &'static dyn Value)> {
    (0..10_000)
        .map(|i| (&*format!("field_{i}").leak(), &"value" as &dyn Value))
        .collect()
}
