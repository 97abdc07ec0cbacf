//! The same events as OpenTelemetry log records.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider as _, Severity};
use opentelemetry::{Context, Key};
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLogRecord, SdkLoggerProvider};
use otelier_log::{Format, JsonLayer, JsonLayerBuilder};
use support::{Sink, attach, logged_by};
use tracing::{info, info_span, warn};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

/// Records are kept while the provider lives.
struct Otlp(SdkLoggerProvider, InMemoryLogExporter);

fn otlp() -> (JsonLayerBuilder, Otlp) {
    let exporter = InMemoryLogExporter::default();
    let provider = SdkLoggerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let builder = JsonLayer::builder().logger(provider.logger("otelier"));
    (builder, Otlp(provider, exporter))
}

fn records(Otlp(provider, exporter): &Otlp) -> Vec<SdkLogRecord> {
    provider.force_flush().unwrap();
    let logs = exporter.get_emitted_logs().unwrap();
    logs.into_iter().map(|log| log.record).collect()
}

fn attributes(record: &SdkLogRecord) -> Vec<(&str, AnyValue)> {
    record
        .attributes_iter()
        .map(|(key, value)| (key.as_str(), value.clone()))
        .collect()
}

fn text(text: &'static str) -> AnyValue {
    text.into()
}

#[test]
fn a_record_has_the_lines_fields_with_their_types() {
    let (builder, otlp) = otlp();
    let lines = logged_by(builder, || {
        let _request = attach("req-1", 7);
        let _span = info_span!("s", route = "/a", attempt = 1, recorded = 0).entered();
        tracing::Span::current().record("recorded", 2);
        warn!(target: "shop", attempt = 3, ok = true, ratio = 0.5, large = u64::MAX, raw = "a\u{1b}\n", level = "x", debug = ?Some(1), "m {}", "\n");
    });
    let [record] = &records(&otlp)[..] else {
        panic!()
    };
    assert_eq!(record.severity_number(), Some(Severity::Warn));
    assert_eq!(record.severity_text(), Some("WARN"));
    assert_eq!(record.target().map(AsRef::as_ref), Some("shop"));
    assert_eq!(record.body(), Some(&text("m \n")));
    assert!(record.timestamp().is_some());
    assert_eq!(
        attributes(record),
        [
            ("request.id", text("req-1")),
            ("tenant.id", text("acme")),
            ("attempt", 3_i64.into()),
            ("ok", true.into()),
            ("ratio", 0.5.into()),
            ("large", text("18446744073709551615")),
            ("raw", text("a\u{1b}\n")),
            ("field.level", text("x")),
            ("debug", text("Some(1)")),
            ("route", text("/a")),
            ("recorded", 2_i64.into()),
        ]
    );
    let context = record.trace_context().unwrap();
    assert_eq!(context.span_id, 7.into());
    assert!(context.trace_flags.unwrap().is_sampled());
    assert_eq!(lines.line()["attempt"], 3);
}

#[test]
fn an_error_and_bytes_keep_their_shape() {
    let (builder, otlp) = otlp();
    let error = std::io::Error::other(std::fmt::Error);
    logged_by(builder, || {
        info!(
            error = &error as &dyn std::error::Error,
            bytes = &b"\0\xff"[..]
        );
    });
    let [record] = &records(&otlp)[..] else {
        panic!()
    };
    let message = std::fmt::Error.to_string();
    let expected = AnyValue::from_iter([(Key::from("message"), AnyValue::from(message))]);
    assert_eq!(
        attributes(record),
        [
            ("error", expected),
            ("bytes", AnyValue::from(&b"\0\xff"[..]))
        ]
    );
}

#[test]
fn an_explicit_parents_ids_are_the_records() {
    let (builder, otlp) = otlp();
    logged_by(builder, || {
        let first = attach("req-1", 1);
        let span = info_span!("s");
        drop(first);
        let _second = attach("req-2", 2);
        info!(parent: &span, "of the first");
        info!(parent: None, "of none");
        info!("of the second");
    });
    let ids: Vec<_> = records(&otlp)
        .iter()
        .map(|record| {
            (
                record.trace_context().map(|context| context.span_id),
                attributes(record).first().map(|(_, id)| id.clone()),
            )
        })
        .collect();
    assert_eq!(
        ids,
        [
            (Some(1.into()), Some(text("req-1"))),
            (None, None),
            (Some(2.into()), Some(text("req-2")))
        ]
    );
}

#[test]
fn where_telemetry_is_suppressed_there_are_lines_but_no_records() {
    let (builder, otlp) = otlp();
    let lines = logged_by(builder, || {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        info!("from the exporter");
    });
    assert_eq!(lines.line()["message"], "from the exporter");
    assert!(records(&otlp).is_empty());
}

#[test]
fn without_lines_there_are_records_and_they_are_bounded_alike() {
    let (builder, otlp) = otlp();
    let long = "é".repeat(100_000);
    let lines = logged_by(builder.format(Format::None), || {
        let _span = info_span!("s", in_span = long.as_str()).entered();
        info!(a = long.as_str(), b = %long, c = long.as_bytes(), d = 4, "{long}");
    });
    assert!(lines.lines().is_empty());
    let [record] = &records(&otlp)[..] else {
        panic!()
    };
    let length = |value: &AnyValue| match value {
        AnyValue::String(text) => text.as_str().len(),
        AnyValue::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    let attributes = attributes(record);
    // Four fields, that of the span, and how much is gone.
    assert_eq!(attributes.len(), 6);
    let lost = attributes.iter().find(|(key, _)| *key == "truncated_bytes");
    assert!(matches!(lost, Some((_, AnyValue::Int(1..)))));
    assert!(attributes.iter().all(|(_, value)| length(value) < 8_300));
    assert!(attributes.iter().any(|(_, value)| *value == 4_i64.into()));
    assert!(record.body().is_some_and(|body| length(body) < 8_300));
}

/// The second layer has the logger, so the first one kept no typed values.
#[test]
fn a_layer_with_a_logger_beside_one_without_has_all_values() {
    for logger_first in [true, false] {
        let (builder, otlp) = otlp();
        let sink = Sink::default();
        let with = builder
            .writer(sink.clone())
            .build()
            .with_filter(LevelFilter::INFO);
        let work = || {
            let span = info_span!("s", a = 1, b = 2, c = tracing::field::Empty);
            span.record("c", 3);
            span.record("a", 4);
            span.in_scope(|| info!("m"));
        };
        let without = JsonLayer::builder()
            .writer(sink.clone())
            .build()
            .with_filter(LevelFilter::INFO);
        if logger_first {
            tracing::subscriber::with_default(
                tracing_subscriber::registry().with(vec![with, without]),
                work,
            );
        } else {
            tracing::subscriber::with_default(
                tracing_subscriber::registry().with(vec![without, with]),
                work,
            );
        }
        let [record] = &records(&otlp)[..] else {
            panic!()
        };
        assert_eq!(
            attributes(record),
            [
                ("a", 4_i64.into()),
                ("b", 2_i64.into()),
                ("c", 3_i64.into())
            ]
        );
    }
}

struct Fake {
    panics: bool,
    asked: Arc<AtomicBool>,
}

struct FakeRecord;

impl LogRecord for FakeRecord {
    fn set_event_name(&mut self, _: &'static str) {}
    fn set_target<T: Into<std::borrow::Cow<'static, str>>>(&mut self, _: T) {}
    fn set_timestamp(&mut self, _: std::time::SystemTime) {}
    fn set_observed_timestamp(&mut self, _: std::time::SystemTime) {}
    fn set_severity_text(&mut self, _: &'static str) {}
    fn set_severity_number(&mut self, _: Severity) {}
    fn set_body(&mut self, _: AnyValue) {}
    fn add_attributes<I, K, V>(&mut self, _: I)
    where
        I: IntoIterator<Item = (K, V)>,
        K: Into<Key>,
        V: Into<AnyValue>,
    {
    }
    fn add_attribute<K: Into<Key>, V: Into<AnyValue>>(&mut self, _: K, _: V) {}
}

impl Logger for Fake {
    type LogRecord = FakeRecord;

    fn create_log_record(&self) -> FakeRecord {
        assert!(self.panics, "a record nobody wants");
        FakeRecord
    }

    fn emit(&self, _: FakeRecord) {
        panic!("in emit");
    }

    fn event_enabled(&self, level: Severity, target: &str, _: Option<&str>) -> bool {
        assert_eq!((level, target), (Severity::Info, "t"));
        self.asked.store(true, Ordering::Relaxed);
        self.panics
    }
}

/// The SDK's logger looks by itself; others may not.
#[test]
fn a_logger_is_not_asked_where_telemetry_is_suppressed() {
    let asked = Arc::new(AtomicBool::new(false));
    let logger = Fake {
        panics: true,
        asked: Arc::clone(&asked),
    };
    logged_by(JsonLayer::builder().logger(logger), || {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        info!(target: "t", "m");
    });
    assert!(!asked.load(Ordering::Relaxed));
}

#[test]
fn a_logger_that_declines_or_panics_costs_no_line() {
    for panics in [false, true] {
        let sink = Sink::default();
        let logger = Fake {
            panics,
            asked: Arc::default(),
        };
        let layer = JsonLayer::builder()
            .writer(sink.clone())
            .logger(logger)
            .build();
        let stats = layer.stats();
        tracing::subscriber::with_default(
            tracing_subscriber::registry().with(layer),
            || info!(target: "t", "m"),
        );
        assert_eq!(sink.line()["message"], "m");
        assert_eq!(stats.records_lost(), u64::from(panics));
    }
}

#[test]
fn a_span_s_value_is_cut_in_the_record_where_it_is_in_the_line() {
    let (builder, otlp) = otlp();
    let stats = {
        let sink = Sink::default();
        let layer = builder.writer(sink.clone()).build();
        let stats = layer.stats();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let _span = info_span!("s", big = "\u{1b}é".repeat(1_000)).entered();
            info!("{}", "m".repeat(7_000));
        });
        let line = sink.line();
        let [record] = &records(&otlp)[..] else {
            panic!()
        };
        let attributes = attributes(record);
        let big = attributes.iter().find(|(key, _)| *key == "big");
        let text = line["big"].as_str().unwrap().to_owned();
        assert!(text.ends_with('…') && text.len() > 1_000);
        assert_eq!(big.map(|(_, value)| value.clone()), Some(text.into()));
        stats
    };
    assert_eq!(stats.lines_truncated(), 1);
}
