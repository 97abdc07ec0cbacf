//! Each preset's line as it is promised. All lines are read by strict parsers.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use otelier_log::{JsonLayer, JsonLayerBuilder, Keys, Preset};
use serde_json::Value;
use support::naming::PRESETS;
use support::{attach, dynamic, logged_by, masked, parse};
use tracing::{Level, info, info_span, warn};

fn builder(keys: impl Into<Keys>) -> JsonLayerBuilder {
    JsonLayer::builder()
        .keys(keys)
        .service("checkout")
        .environment("prod")
        .field("region", "eu-1")
}

/// A line that has all there is, with its time and line number masked.
fn full(keys: impl Into<Keys>) -> String {
    let builder = builder(keys).source(true).thread(true);
    let thread = std::thread::Builder::new().name("worker-1".to_owned());
    let log = move || {
        let mut at = 0;
        let sink = logged_by(builder, || {
            let _request = attach("req-1", 0xf0_67aa_0ba9_02b7);
            let request = otelier_context::current().unwrap();
            request.set_user("ann".parse().unwrap());
            let _outer = info_span!("request", route = "/orders/{id}", step = "outer").entered();
            let _inner = info_span!("load", step = "inner", cached = true).entered();
            at = line!() + 1;
            warn!(target: "shop::orders", order_id = 42_000, amount = 12.5, "slow {}", "load");
        });
        let [line] = sink.lines().try_into().unwrap();
        parse(&line);
        masked(&line).replace(&format!("\":{at}"), "\":<line>")
    };
    thread.spawn(log).unwrap().join().unwrap()
}

#[test]
fn a_full_line_of_otelier() {
    insta::assert_snapshot!(full(Preset::Otelier), @r#"{"timestamp":"<time>","level":"WARN","message":"slow load","target":"shop::orders","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","trace_flags":"01","request_id":"req-1","tenant_id":"acme","user_id":"ann","order_id":42000,"amount":12.5,"step":"inner","cached":true,"route":"/orders/{id}","region":"eu-1","service":"checkout","environment":"prod","file":"crates/otelier-log/tests/presets.rs","line":<line>,"thread":"worker-1"}"#);
}

#[test]
fn a_full_line_of_otel() {
    insta::assert_snapshot!(full(Preset::Otel), @r#"{"timestamp":"<time>","severity_text":"WARN","severity_number":13,"body":"slow load","scope":"shop::orders","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","trace_flags":"01","attributes":{ "request.id":"req-1","tenant.id":"acme","user.id":"ann","order_id":42000,"amount":12.5,"step":"inner","cached":true,"route":"/orders/{id}","region":"eu-1","code.file.path":"crates/otelier-log/tests/presets.rs","code.line.number":<line>,"thread.name":"worker-1"},"resource":{"service.name":"checkout","deployment.environment.name":"prod"}}"#);
}

#[test]
fn a_full_line_of_ecs() {
    insta::assert_snapshot!(full(Preset::Ecs), @r#"{"@timestamp":"<time>","log.level":"WARN","message":"slow load","log.logger":"shop::orders","trace.id":"4bf92f3577b34da6a3ce929d0e0e4736","span.id":"00f067aa0ba902b7","request.id":"req-1","tenant.id":"acme","user.id":"ann","order_id":42000,"amount":12.5,"step":"inner","cached":true,"route":"/orders/{id}","region":"eu-1","service.name":"checkout","service.environment":"prod","ecs.version":"8.11.0","log.origin.file.name":"crates/otelier-log/tests/presets.rs","log.origin.file.line":<line>,"process.thread.name":"worker-1"}"#);
}

#[test]
fn a_full_line_of_gcp_without_a_project() {
    insta::assert_snapshot!(full(Preset::Gcp), @r#"{"time":"<time>","severity":"WARNING","message":"slow load","target":"shop::orders","logging.googleapis.com/trace":"4bf92f3577b34da6a3ce929d0e0e4736","logging.googleapis.com/spanId":"00f067aa0ba902b7","logging.googleapis.com/trace_sampled":true,"request_id":"req-1","tenant_id":"acme","user_id":"ann","order_id":42000,"amount":12.5,"step":"inner","cached":true,"route":"/orders/{id}","region":"eu-1","service":"checkout","environment":"prod","logging.googleapis.com/sourceLocation":{"file":"crates/otelier-log/tests/presets.rs","line":<line>},"thread":"worker-1"}"#);
}

#[test]
fn a_full_line_of_gcp_with_a_project() {
    let keys = Keys::from(Preset::Gcp).gcp_project("shop-prod");
    let trace = r#""logging.googleapis.com/trace":"projects/shop-prod/traces/4bf92f3577b34da6a3ce929d0e0e4736","#;
    let line = full(keys);
    assert!(line.contains(trace), "{line}");
    let without = line.replace("projects/shop-prod/traces/", "");
    assert_eq!(without, full(Preset::Gcp));
}

/// Datadog reads the lower 64 bits of a trace id, in decimal: `a3ce929d0e0e4736` is
/// 11,803,532,876,627,986,230 and `00f067aa0ba902b7` is 67,667,974,448,284,343.
#[test]
fn a_full_line_of_datadog() {
    insta::assert_snapshot!(full(Preset::Datadog), @r#"{"timestamp":"<time>","status":"warn","message":"slow load","logger.name":"shop::orders","dd.trace_id":"11803532876627986230","dd.span_id":"67667974448284343","request_id":"req-1","tenant_id":"acme","usr.id":"ann","order_id":42000,"amount":12.5,"step":"inner","cached":true,"route":"/orders/{id}","region":"eu-1","dd.service":"checkout","dd.env":"prod","file":"crates/otelier-log/tests/presets.rs","line":<line>,"logger.thread_name":"worker-1"}"#);
}

#[test]
fn ids_of_datadog_are_whole_at_both_ends_of_their_range() {
    for (span, text) in [(1, "1"), (u64::MAX, "18446744073709551615")] {
        let line = logged_by(builder(Preset::Datadog), || {
            let _request = attach("req-1", span);
            info!("m");
        })
        .line();
        assert_eq!(line["dd.span_id"], text);
    }
}

/// The preset's word for each level.
fn levels(preset: Preset, key: &str) -> Vec<Value> {
    let sink = logged_by(JsonLayer::builder().keys(preset), || {
        for level in [
            Level::TRACE,
            Level::DEBUG,
            Level::INFO,
            Level::WARN,
            Level::ERROR,
        ] {
            dynamic::event(level, "t", &[]);
        }
    });
    sink.json().iter().map(|line| line[key].clone()).collect()
}

#[test]
fn each_level_has_its_presets_name() {
    let upper = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];
    assert_eq!(levels(Preset::Otelier, "level"), upper);
    assert_eq!(levels(Preset::Otel, "severity_text"), upper);
    assert_eq!(levels(Preset::Otel, "severity_number"), [1, 5, 9, 13, 17]);
    assert_eq!(levels(Preset::Ecs, "log.level"), upper);
    assert_eq!(
        levels(Preset::Gcp, "severity"),
        ["DEBUG", "DEBUG", "INFO", "WARNING", "ERROR"]
    );
    assert_eq!(
        levels(Preset::Datadog, "status"),
        ["trace", "debug", "info", "warn", "error"]
    );
}

/// The line of an event in no trace and no request.
fn bare(keys: impl Into<Keys>, log: impl FnOnce()) -> String {
    let sink = logged_by(JsonLayer::builder().keys(keys), log);
    sink.line();
    masked(&sink.lines()[0])
}

#[test]
fn without_trace_request_and_fields_no_key_is_left_over() {
    let lines = PRESETS.map(|preset| bare(preset, || info!(target: "t", "m")));
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"timestamp":"<time>","level":"INFO","message":"m","target":"t"}
    {"timestamp":"<time>","severity_text":"INFO","severity_number":9,"body":"m","scope":"t","attributes":{}}
    {"@timestamp":"<time>","log.level":"INFO","message":"m","log.logger":"t","ecs.version":"8.11.0"}
    {"time":"<time>","severity":"INFO","message":"m","target":"t"}
    {"timestamp":"<time>","status":"info","message":"m","logger.name":"t"}
    "#);
    let lines = PRESETS.map(|preset| bare(preset, || dynamic::event(Level::INFO, "t", &[])));
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"timestamp":"<time>","level":"INFO","target":"t"}
    {"timestamp":"<time>","severity_text":"INFO","severity_number":9,"scope":"t","attributes":{}}
    {"@timestamp":"<time>","log.level":"INFO","log.logger":"t","ecs.version":"8.11.0"}
    {"time":"<time>","severity":"INFO","target":"t"}
    {"timestamp":"<time>","status":"info","logger.name":"t"}
    "#);
}

#[test]
fn a_thread_without_a_name_has_no_key() {
    for preset in PRESETS {
        let log = move || logged_by(builder(preset).thread(true), || info!("m")).line();
        let line = std::thread::spawn(log).join().unwrap();
        assert!(!line.values().any(|value| value == ""), "{line:?}");
    }
}
