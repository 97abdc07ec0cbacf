//! The fields of a request: in which lines they are, and what they give way to.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::time::{Duration, SystemTime};

use opentelemetry::Context;
use opentelemetry::logs::{AnyValue, LoggerProvider as _};
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider};
use otelier_context::{Level, Outcome, RequestContext, RequestEnd, RequestObserver as _};
use otelier_log::{JsonLayer, log_context};
use serde_json::{Value, json};
use support::{Sink, attach, logged, logged_by, masked};
use tracing::{Dispatch, info, info_span};
use tracing_subscriber::prelude::*;

fn end() -> RequestEnd<'static> {
    let duration = Duration::from_millis(12);
    RequestEnd::new(Outcome::Complete, Level::Info, SystemTime::now(), duration)
}

#[test]
fn a_field_is_in_each_later_line_of_its_request_and_in_no_other() {
    let lines = logged(|| {
        let first = attach("req-1", 1);
        info!("before");
        assert!(log_context! { order_id = 42, "cart.size" = 1.5, paid = true });
        info!("after");
        info_span!("s").in_scope(|| info!("in a span"));
        drop(first);
        assert!(!log_context! { order_id = 1 });
        info!("in no request");
        let _second = attach("req-2", 2);
        info!("of another");
    });
    let fields: Vec<_> = lines
        .json()
        .iter()
        .map(|line| ["order_id", "cart.size", "paid"].map(|key| line.get(key).cloned()))
        .collect();
    let set = [Some(json!(42)), Some(json!(1.5)), Some(json!(true))];
    let none = [None, None, None];
    assert_eq!(fields, [none.clone(), set.clone(), set, none.clone(), none]);
}

#[test]
fn a_field_set_again_has_its_new_value_in_its_old_place() {
    let lines = logged(|| {
        let _request = attach("req-1", 1);
        log_context! { step = "pay", order_id = 42 };
        log_context! { step = "ship" };
        info!(target: "t", "m");
    });
    let line = masked(&lines.lines()[0]);
    assert!(
        line.ends_with(r#""tenant_id":"acme","step":"ship","order_id":42}"#),
        "{line}"
    );
}

fn set_from_below() {
    log_context! { from = "far below" };
}

#[test]
fn a_field_may_be_set_from_anywhere_below_also_on_another_thread() {
    let sink = Sink::default();
    let layer = JsonLayer::builder().writer(sink.clone()).build();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    tracing::dispatcher::with_default(&dispatch, || {
        let _request = attach("req-1", 1);
        info_span!("s").in_scope(set_from_below);
        let (cx, elsewhere) = (Context::current(), dispatch.clone());
        let work = move || {
            let _guard = cx.attach();
            log_context! { thread_of = "a pool" };
            tracing::dispatcher::with_default(&elsewhere, || info!("there"));
        };
        std::thread::spawn(work).join().unwrap();
        info!("here");
    });
    let [there, here] = &sink.json()[..] else {
        panic!("two lines")
    };
    for line in [there, here] {
        assert_eq!(line["from"], "far below");
        assert_eq!(line["thread_of"], "a pool");
        assert_eq!(line["request_id"], "req-1");
    }
}

#[test]
fn the_access_line_has_the_fields_too_and_its_own_count_more() {
    let sink = Sink::default();
    let layer = JsonLayer::builder()
        .writer(sink.clone())
        .field("region", "eu-1")
        .field("order_id", 0)
        .build();
    let access = layer.access_log("info".parse().unwrap());
    let _request = attach("req-1", 1);
    log_context! { order_id = 42, "url.path" = "/forged", category = "forged", slow = true };
    access.on_end(&end());
    let line = sink.line();
    assert_eq!(
        (&line["order_id"], &line["region"]),
        (&json!(42), &json!("eu-1"))
    );
    assert_eq!(
        (&line["category"], &line["slow"]),
        (&json!("access"), &json!(false))
    );
    assert_ne!(line["url.path"], "/forged");
}

#[test]
fn the_event_counts_most_then_the_spans_the_request_and_all_lines() {
    let names = ["a", "b", "c", "d", "e"];
    let builder = names
        .into_iter()
        .fold(JsonLayer::builder(), |builder, name| {
            builder.field(name, "static")
        });
    let line = logged_by(builder, || {
        let _request = attach("req-1", 1);
        log_context! { a = "request", b = "request", c = "request", d = "request" };
        let _outer = info_span!("outer", a = "outer", b = "outer", c = "outer").entered();
        let _inner = info_span!("inner", a = "inner", b = "inner").entered();
        info!(a = "event");
    })
    .line();
    assert_eq!(
        names.map(|name| &line[name]),
        ["event", "inner", "outer", "request", "static"]
    );
}

#[test]
fn a_reserved_name_is_written_behind_a_prefix() {
    let builder = JsonLayer::builder()
        .field("request_id", "static")
        .field("level", "static");
    let line = logged_by(builder, || {
        let _request = attach("req-1", 1);
        log_context! { level = "FATAL", tenant_id = "forged", "trace_id" = "forged", message = "forged" };
        info!("real");
    })
    .line();
    for (key, value) in [
        ("message", "real"),
        ("level", "INFO"),
        ("request_id", "req-1"),
        ("tenant_id", "acme"),
        ("field.level", "FATAL"),
        ("field.tenant_id", "forged"),
        ("field.trace_id", "forged"),
        ("field.message", "forged"),
        ("field.request_id", "static"),
    ] {
        assert_eq!(line[key], value, "{key}");
    }
}

#[test]
fn an_explicit_parents_request_gives_the_fields() {
    let lines = logged(|| {
        let first = attach("req-1", 1);
        log_context! { of = "the first" };
        let span = info_span!("s");
        drop(first);
        let _second = attach("req-2", 2);
        log_context! { of = "the second" };
        info!(parent: &span, "m");
        info!(parent: None, "m");
        info!("m");
    });
    let of: Vec<_> = lines
        .json()
        .iter()
        .map(|line| line.get("of").cloned())
        .collect();
    assert_eq!(
        of,
        [Some(json!("the first")), None, Some(json!("the second"))]
    );
}

#[test]
fn a_record_of_opentelemetry_has_the_fields_with_their_types() {
    let exporter = InMemoryLogExporter::default();
    let provider = SdkLoggerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let builder = JsonLayer::builder()
        .field("region", "eu-1")
        .field("a", "static")
        .logger(provider.logger("otelier"));
    logged_by(builder, || {
        let _request = attach("req-1", 1);
        log_context! { a = "request", order_id = 42_u32, ratio = 0.5, large = u64::MAX, level = true };
        info!("m");
    });
    let logs = exporter.get_emitted_logs().unwrap();
    let attributes: Vec<_> = logs[0]
        .record
        .attributes_iter()
        .map(|(key, value)| (key.as_str(), value.clone()))
        .collect();
    let text = |text: &'static str| AnyValue::from(text);
    assert_eq!(
        attributes,
        [
            ("request.id", text("req-1")),
            ("tenant.id", text("acme")),
            ("a", text("request")),
            ("order_id", 42.into()),
            ("ratio", 0.5.into()),
            ("large", text("18446744073709551615")),
            ("field.level", true.into()),
            ("region", text("eu-1")),
        ]
    );
}

/// A request takes 32 fields and 4,096 bytes; each may take six times as much when it is escaped.
#[test]
fn as_many_fields_as_a_request_takes_leave_a_line_within_its_bound() {
    let names: Vec<&'static str> = (0..RequestContext::MAX_FIELDS + 8)
        .map(|n| &*format!("f{n}\u{1b}").leak())
        .collect();
    let line = logged(|| {
        let _request = attach("req-1", 1);
        let request = otelier_context::current().unwrap();
        for name in &names {
            request.set_field(name, "\u{1b}".repeat(120));
        }
        info!(a = 1, "{}", "x".repeat(20_000));
    })
    .line();
    let there = names
        .iter()
        .filter(|name| line.contains_key(**name))
        .count();
    assert!(there > 10, "{there} of {}", names.len());
    assert_eq!(line["a"], Value::from(1));
}
