//! Keys under other names, and fields under a key of their own or none. All lines are read by strict
//! parsers.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use otelier_log::{JsonLayer, JsonLayerBuilder, Keys, Preset};
use serde_json::{Map, Value, json};
use support::naming::PRESETS;
use support::{Sink, attach, dynamic, logged_by, masked};
use tracing::{Level, info, info_span};

fn builder(keys: impl Into<Keys>) -> JsonLayerBuilder {
    JsonLayer::builder()
        .keys(keys)
        .service("checkout")
        .environment("prod")
        .field("region", "eu-1")
}

#[test]
fn a_part_and_a_field_may_be_renamed() {
    let keys = Keys::default()
        .rename("message", "msg")
        .and_then(|keys| keys.rename("tenant_id", "organization"))
        .and_then(|keys| keys.rename("status", "code"))
        .and_then(|keys| keys.rename("error.fingerprint", "group"))
        .unwrap();
    let sink = logged_by(builder(keys), || {
        let _request = attach("req-1", 1);
        let _span = info_span!("s", organization = "forged", msg = "forged", status = 1).entered();
        tracing::error!(target: "t", status = 500, code = 2, tenant_id = "free", group = 3, "m");
    });
    insta::assert_snapshot!(masked(&sink.lines()[0]), @r#"{"timestamp":"<time>","level":"ERROR","msg":"m","target":"t","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"0000000000000001","trace_flags":"01","request_id":"req-1","organization":"acme","code":500,"tenant_id":"free","field.group":3,"field.organization":"forged","field.msg":"forged","region":"eu-1","group":"13fe4848c3c86c2d","service":"checkout","environment":"prod"}"#);
}

fn of_a_request(keys: Keys) -> Map<String, Value> {
    let sink = logged_by(builder(keys), || {
        let _request = attach("req-1", 1);
        let _span = info_span!("s", step = "load").entered();
        info!(order_id = 42, "labels" = "mine", "m");
    });
    sink.line()
}

#[test]
fn fields_are_under_a_key_of_their_own_if_it_is_wanted() {
    for preset in PRESETS {
        let line = of_a_request(Keys::from(preset).nest_fields("labels").unwrap());
        let mut fields = line["labels"].clone();
        let fields = fields.as_object_mut().unwrap();
        if preset == Preset::Otel {
            assert_eq!(fields.remove("request.id"), Some(json!("req-1")));
            assert_eq!(fields.remove("tenant.id"), Some(json!("acme")));
        }
        let expected =
            json!({"order_id": 42, "field.labels": "mine", "step": "load", "region": "eu-1"});
        assert_eq!(Value::from(fields.clone()), expected, "{preset:?}");
        assert!(!line.contains_key("order_id") && !line.contains_key("attributes"));
    }
}

#[test]
fn fields_are_at_the_top_if_it_is_wanted() {
    for preset in PRESETS {
        let line = of_a_request(Keys::from(preset).flatten_fields());
        for (key, value) in [
            ("order_id", json!(42)),
            ("labels", json!("mine")),
            ("step", json!("load")),
            ("region", json!("eu-1")),
        ] {
            assert_eq!(line[key], value, "{preset:?}");
        }
        assert!(!line.contains_key("attributes"));
    }
    let line = of_a_request(Keys::from(Preset::Otel).flatten_fields());
    assert_eq!(
        (&line["request.id"], &line["tenant.id"]),
        (&json!("req-1"), &json!("acme"))
    );
}

/// 18 keys, each as long as it may be.
#[test]
fn keys_of_the_greatest_length_leave_room_for_a_line() {
    let parts = [
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
        "error.fingerprint",
        "service",
        "environment",
        "file",
        "line",
        "thread",
        "truncated_bytes",
    ];
    for unit in ["x", "\u{1b}", "\"", "🦀", "\u{e0041}"] {
        let longest = |n: usize| {
            let number = format!("{n:02}");
            (0..256)
                .map(|times| number.clone() + &unit.repeat(times))
                .take_while(|key| Keys::default().rename("level", key).is_ok())
                .last()
                .unwrap()
        };
        let keys = parts
            .iter()
            .enumerate()
            .fold(Keys::default(), |keys, (n, part)| {
                keys.rename(part, &longest(n)).unwrap()
            });
        let service = "\u{1b}".repeat(1_000);
        let builder = JsonLayer::builder()
            .service(service.clone())
            .environment(service);
        let sink: Sink = logged_by(builder.keys(keys).source(true).thread(true), || {
            let _request = attach(&"r".repeat(128), u64::MAX);
            let target: &'static str = "t".repeat(1_000).leak();
            let long = "m".repeat(20_000);
            dynamic::event(Level::ERROR, target, &[("message", &long), ("a", &1)]);
        });
        assert_eq!(sink.line()["a"], 1, "{unit:?}");
    }
}

#[test]
fn in_ecs_no_field_is_within_what_the_line_has_nor_around_it() {
    let sink = logged_by(JsonLayer::builder().keys(Preset::Ecs), || {
        tracing::error!(
            message.id = 1,
            service = "s",
            trace.id.kind = "t",
            error = "kept",
            "m"
        );
    });
    let line = sink.line();
    for key in [
        "field.message.id",
        "field.service",
        "field.trace.id.kind",
        "error",
    ] {
        assert!(line.contains_key(key), "{key}: {line:?}");
    }
    assert!(
        Keys::from(Preset::Ecs)
            .rename("tenant.id", "message.tenant")
            .is_err()
    );
}
