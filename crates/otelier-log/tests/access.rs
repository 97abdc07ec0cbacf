//! The line of a request that has ended.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::time::{Duration, SystemTime};

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider};
use otelier_context::{Level, Outcome, RequestEnd, RequestObserver as _};
use otelier_log::{AccessLog, JsonLayer, Levels};
use serde_json::json;
use support::{Sink, attach, masked};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::writer::MakeWriterExt as _;

fn access_log(filter: &str) -> (AccessLog, Sink) {
    let sink = Sink::default();
    let layer = JsonLayer::builder()
        .service("checkout")
        .writer(sink.clone())
        .build();
    (layer.access_log(filter.parse().unwrap()), sink)
}

fn end(level: Level) -> RequestEnd<'static> {
    RequestEnd::new(
        Outcome::Complete,
        level,
        SystemTime::now(),
        Duration::from_nanos(12_345_678),
    )
}

fn full() -> RequestEnd<'static> {
    let mut end = end(Level::Error);
    end.method = "GET";
    end.route = Some("/orders/{id}");
    end.operation = Some("createOrder");
    end.path = "/orders/42";
    end.status_code = Some(500);
    end.head = Some(Duration::from_millis(12));
    end.bytes_in = Some(7);
    end.bytes_out = Some(512);
    end.client_address = Some("2001:db8::1".parse().unwrap());
    end.user_agent = Some("curl/8 \"x\"");
    end.protocol_version = Some("1.1");
    end.error_type = Some("500");
    end
}

#[test]
fn a_full_access_line_has_its_keys_in_this_order() {
    let (access, sink) = access_log("info");
    let _request = attach("req-1", 1);
    access.on_end(&full());
    insta::assert_snapshot!(masked(&sink.lines()[0]), @r#"{"timestamp":"<time>","level":"ERROR","message":"GET /orders/{id} 500","target":"otelier::access","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"0000000000000001","trace_flags":"01","request_id":"req-1","tenant_id":"acme","category":"access","http.request.method":"GET","http.route":"/orders/{id}","operation":"createOrder","url.path":"/orders/42","http.response.status_code":500,"duration_ms":12.345678,"head_ms":12.0,"bytes_in":7,"bytes_out":512,"client.address":"2001:db8::1","user_agent.original":"curl/8 \"x\"","network.protocol.version":"1.1","error.type":"500","slow":false,"error.fingerprint":"e0f4c9d38ff9296b","service":"checkout"}"#);
}

#[test]
fn what_is_not_known_is_absent_and_the_message_has_no_gap() {
    let (access, sink) = access_log("info");
    let mut end = end(Level::Info);
    end.path = "/";
    access.on_end(&end);
    (end.method, end.status_code) = ("GET", Some(404));
    access.on_end(&end);
    let lines = sink.lines();
    insta::assert_snapshot!(masked(&lines[0]), @r#"{"timestamp":"<time>","level":"INFO","message":"_OTHER","target":"otelier::access","category":"access","http.request.method":"_OTHER","url.path":"/","duration_ms":12.345678,"slow":false,"service":"checkout"}"#);
    assert_eq!(sink.json()[1]["message"], "GET 404");
}

#[test]
fn a_request_is_slow_from_the_threshold_on() {
    let (access, sink) = access_log("info");
    for (access, millis) in [
        (access.clone(), 499),
        (access.clone(), 500),
        (access.slow_threshold(Duration::from_millis(10)), 10),
    ] {
        let mut end = end(Level::Info);
        end.duration = Duration::from_millis(millis);
        access.on_end(&end);
    }
    let slow: Vec<_> = sink
        .json()
        .iter()
        .map(|line| line["slow"].clone())
        .collect();
    assert_eq!(slow, [json!(false), json!(true), json!(true)]);
}

#[test]
fn a_stream_is_slow_by_the_time_to_its_head() {
    let (access, sink) = access_log("info");
    for head in [499, 500] {
        let mut end = end(Level::Info);
        end.is_stream = true;
        end.duration = Duration::from_secs(60);
        end.head = Some(Duration::from_millis(head));
        access.on_end(&end);
    }
    let slow = |line: usize| sink.json()[line]["slow"].clone();
    assert_eq!([slow(0), slow(1)], [json!(false), json!(true)]);
}

#[test]
fn the_filter_counts_for_the_target_otelier_access() {
    for (filter, written) in [
        ("info", 3),
        ("warn", 2),
        ("off,otelier::access=error", 1),
        ("info,otelier=off", 0),
    ] {
        let (access, sink) = access_log(filter);
        for level in [Level::Info, Level::Warn, Level::Error] {
            access.on_end(&end(level));
        }
        assert_eq!(sink.lines().len(), written, "{filter}");
    }
}

#[test]
fn what_a_client_sends_does_not_push_the_other_fields_out() {
    let (access, sink) = access_log("info");
    let long = "/\u{1b}".repeat(65_536);
    let mut end = full();
    (end.path, end.user_agent) = (long.as_str(), Some(long.as_str()));
    access.on_end(&end);
    let line = sink.line();
    assert_eq!(
        (&line["http.response.status_code"], &line["slow"]),
        (&json!(500), &json!(false))
    );
    assert!(line["url.path"].as_str().unwrap().ends_with('…'));
}

#[test]
fn a_writer_that_chooses_by_level_gets_access_lines_by_their_level() {
    let (errors, others) = (Sink::default(), Sink::default());
    let writer = errors
        .clone()
        .with_max_level(tracing::Level::ERROR)
        .or_else(others.clone());
    let access = JsonLayer::builder()
        .writer(writer)
        .build()
        .access_log(Levels::new(Targets::new().with_default(LevelFilter::INFO)));
    access.on_end(&end(Level::Error));
    access.on_end(&end(Level::Warn));
    assert_eq!(
        (
            errors.line()["level"].as_str(),
            others.line()["level"].as_str()
        ),
        (Some("ERROR"), Some("WARN"))
    );
}

#[test]
fn the_logger_of_the_layer_gets_access_lines_too() {
    let exporter = InMemoryLogExporter::default();
    let provider = SdkLoggerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = JsonLayer::builder()
        .writer(Sink::default())
        .logger(provider.logger("otelier"))
        .build();
    let _request = attach("req-1", 3);
    layer.access_log("info".parse().unwrap()).on_end(&full());
    let logs = exporter.get_emitted_logs().unwrap();
    let record = &logs[0].record;
    let attribute = |name: &str| {
        record
            .attributes_iter()
            .find(|(key, _)| key.as_str() == name)
            .map(|(_, value)| value.clone())
    };
    assert_eq!(attribute("category"), Some("access".into()));
    assert_eq!(attribute("http.response.status_code"), Some(500_i64.into()));
    assert_eq!(attribute("request.id"), Some("req-1".into()));
    assert_eq!(record.trace_context().unwrap().span_id, 3.into());
    assert_eq!(record.target().map(AsRef::as_ref), Some("otelier::access"));
}
