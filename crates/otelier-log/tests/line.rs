//! The line as it is promised: its keys, their order, and whose ids it carries.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use otelier_log::{Format, JsonLayer};
use serde_json::{Value, json};
use support::{Sink, attach, logged, logged_by, masked};
use tracing::{Level, info, info_span, warn};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

#[test]
fn a_full_line_has_its_keys_in_this_order() {
    let builder = JsonLayer::builder().service("checkout").environment("prod");
    let lines = logged_by(builder, || {
        let _request = attach("req-1", 0xf0_67aa_0ba9_02b7);
        otelier_context::current()
            .unwrap()
            .set_user("ann".parse().unwrap());
        let _outer = info_span!(
            "request",
            route = "/orders/{id}",
            step = "outer",
            attempt = 1
        )
        .entered();
        let _inner = info_span!("load_order", step = "inner", cached = true).entered();
        warn!(target: "shop::orders", order_id = 42, amount = 12.5, attempt = 3, note = "\"quoted\"\n", "slow {}", "load");
    });
    insta::assert_snapshot!(masked(&lines.lines()[0]), @r#"{"timestamp":"<time>","level":"WARN","message":"slow load","target":"shop::orders","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","trace_flags":"01","request_id":"req-1","tenant_id":"acme","user_id":"ann","order_id":42,"amount":12.5,"attempt":3,"note":"\"quoted\"\n","step":"inner","cached":true,"route":"/orders/{id}","service":"checkout","environment":"prod"}"#);
}

#[test]
fn what_is_not_known_has_no_key() {
    let lines = logged(|| info!(target: "t", "m"));
    insta::assert_snapshot!(masked(&lines.lines()[0]), @r#"{"timestamp":"<time>","level":"INFO","message":"m","target":"t"}"#);
    let lines = logged(|| info!(target: "t", a = 1));
    insta::assert_snapshot!(masked(&lines.lines()[0]), @r#"{"timestamp":"<time>","level":"INFO","target":"t","a":1}"#);
}

#[test]
fn the_timestamp_is_the_time_of_the_event_in_utc_with_microseconds() {
    let seconds = || std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() % 60;
    let before = seconds();
    let line = logged(|| info!("m")).line();
    let timestamp = line["timestamp"].as_str().unwrap();
    assert_eq!(timestamp.len(), 27);
    assert!(timestamp.ends_with('Z'));
    let second: u64 = timestamp[17..19].parse().unwrap();
    assert!([before, seconds()].contains(&second), "{timestamp}");
}

#[test]
fn a_field_recorded_later_replaces_the_earlier_one_in_its_place() {
    let lines = logged(|| {
        let span = info_span!("s", a = 1, b = tracing::field::Empty, c = "x");
        let _entered = span.enter();
        info!("first");
        span.record("b", "late");
        span.record("a", "longer than before");
        span.record("not declared", 1);
        info!("second");
        info!(b = "of the event", "third");
    });
    assert_eq!(lines.json()[2]["b"], "of the event");
    let fields = |i: usize| {
        let line = lines.lines()[i].clone();
        line[line.find(r#","a""#).unwrap()..].to_owned()
    };
    assert_eq!(fields(0), r#","a":1,"c":"x"}"#);
    assert_eq!(
        fields(1),
        r#","a":"longer than before","c":"x","b":"late"}"#
    );
}

#[test]
fn two_layers_in_one_registry_write_the_same_line() {
    let sinks = [Sink::default(), Sink::default()];
    let [first, second] = [0, 1].map(|i| JsonLayer::builder().writer(sinks[i].clone()).build());
    let subscriber = tracing_subscriber::registry().with(first).with(second);
    tracing::subscriber::with_default(subscriber, || {
        let span = info_span!("s", a = 1);
        span.record("a", 2);
        span.in_scope(|| info!(b = 3, "m"));
    });
    for sink in sinks {
        let line = sink.line();
        assert_eq!((&line["a"], &line["b"]), (&json!(2), &json!(3)));
    }
}

#[test]
fn typed_values_keep_their_type() {
    let line = logged(|| {
        info!(
            max = u64::MAX, min = i64::MIN, precise = 9_007_199_254_740_993_i64, negative_zero = -0.0_f64,
            large = 1e308, tiny = f32::from_bits(1), third = 0.1_f32, nan = f64::NAN, infinite = f64::INFINITY,
            negative = f64::NEG_INFINITY, wide = u128::MAX, deep = i128::MIN, small = 7_u128, minus = -7_i128,
            edge = 1_u128 << 63, yes = true, bytes = &[0xff_u8, 0x00, 0x0a][..], debug = ?Some("x"), display = %'c',
        );
    });
    let line: Vec<Value> = line
        .lines()
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let expected = [
        ("max", json!(u64::MAX)),
        ("min", json!(i64::MIN)),
        ("precise", json!(9_007_199_254_740_993_i64)),
        ("negative_zero", json!(-0.0)),
        ("large", json!(1e308)),
        ("tiny", json!(f64::from(f32::from_bits(1)))),
        ("third", json!(f64::from(0.1_f32))),
        ("nan", json!("NaN")),
        ("infinite", json!("Infinity")),
        ("negative", json!("-Infinity")),
        ("wide", json!(u128::MAX.to_string())),
        ("deep", json!(i128::MIN.to_string())),
        ("small", json!(7)),
        ("minus", json!(-7)),
        ("edge", json!("9223372036854775808")),
        ("yes", json!(true)),
        ("bytes", json!("ff000a")),
        ("debug", json!("Some(\"x\")")),
        ("display", json!("c")),
    ];
    for (key, value) in expected {
        assert_eq!(line[0][key], value, "{key}");
    }
    assert!(
        line[0]["negative_zero"]
            .as_f64()
            .unwrap()
            .is_sign_negative()
    );
}

#[test]
fn an_error_is_an_object_with_its_message_and_chain() {
    #[derive(Debug)]
    struct Failure(&'static str, Option<Box<Failure>>);
    impl std::fmt::Display for Failure {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }
    impl std::error::Error for Failure {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(self.1.as_deref()?)
        }
    }
    let disk = Failure("disk full", None);
    let line = logged(|| info!(cause = &disk as &dyn std::error::Error));
    assert_eq!(line.line()["cause"], json!({"message": "disk full"}));
    let order = Failure(
        "order \"7\"",
        Some(Box::new(Failure("write", Some(Box::new(disk))))),
    );
    let line = logged(|| info!(error = &order as &(dyn std::error::Error + 'static)));
    assert_eq!(
        line.line()["error"],
        json!({"message": "order \"7\"", "chain": ["write", "disk full"]})
    );
}

#[test]
fn the_human_format_is_short_and_escaped() {
    let lines = logged_by(
        JsonLayer::builder()
            .format(Format::Human)
            .service("checkout"),
        || {
            let _request = attach("0198c0de-7a11-7e51-9c0d-3b0b5a7e0001", 1);
            let _span = info_span!("s", route = "/orders/{id}").entered();
            info!(target: "shop", order_id = 42, note = "a\u{1b}[2Jb", "accepted \"{}\"", "x\n");
            warn!(target: "shop", nothing = true);
        },
    );
    let lines: Vec<_> = lines.lines().iter().map(|line| masked(line)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    <time>  INFO shop:                accepted "x\n" order_id=42 note="a\u001b[2Jb" route="/orders/{id}" trace=4bf92f35 request=3b0b5a7e0001
    <time>  WARN shop:                nothing=true route="/orders/{id}" trace=4bf92f35 request=3b0b5a7e0001
    "#);
}

#[test]
fn the_level_is_coloured_and_span_fields_dimmed_only_on_request() {
    let ansi = JsonLayer::builder().format(Format::Human).ansi(true);
    let coloured = logged_by(ansi, || {
        let _plain = info_span!("plain").entered();
        let _span = info_span!("s", b = 1, a = "hidden").entered();
        tracing::error!(a = "\u{1b}[0m", "m");
    });
    let line = coloured.lines()[0].clone();
    let expected =
        "\u{1b}[31mERROR\u{1b}[0m line:                m a=\"\\u001b[0m\"\u{1b}[2m b=1\u{1b}[0m";
    assert!(line.ends_with(expected), "{line:?}");
}

#[test]
fn the_none_format_writes_nothing() {
    let lines = logged_by(JsonLayer::builder().format(Format::None), || info!("m"));
    assert!(lines.lines().is_empty());
}

#[test]
fn a_filter_keeps_its_spans_and_events_out() {
    let sink = Sink::default();
    let layer = JsonLayer::builder()
        .writer(sink.clone())
        .build()
        .with_filter(LevelFilter::INFO);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let _outer = info_span!("outer", a = 1).entered();
        let _inner = tracing::debug_span!("inner", b = 2).entered();
        tracing::event!(Level::DEBUG, "hidden");
        info!("shown");
    });
    let line = sink.line();
    assert_eq!((line.get("a"), line.get("b")), (Some(&json!(1)), None));
}
