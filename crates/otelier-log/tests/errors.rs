//! Errors as fields: their type, chain and stack trace, and whatever their code does.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider};
use otelier_log::{Format, JsonLayer, Preset, error, error_with_stacktrace};
use serde_json::json;
use support::{logged, logged_by};
use tracing::{info, info_span};
use tracing_subscriber::layer::SubscriberExt as _;

/// A message and its source.
#[derive(Debug)]
struct Failure(&'static str, Option<Box<Failure>>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.1.as_deref()?)
    }
}

fn failure(messages: &[&'static str]) -> Failure {
    let (first, rest) = messages.split_first().unwrap();
    Failure(first, (!rest.is_empty()).then(|| Box::new(failure(rest))))
}

#[test]
fn an_error_says_its_type_and_its_chain() {
    let failed = failure(&["order \"7\"\n", "write", "disk full"]);
    let line = logged(|| {
        info_span!("s", in_span = error(&failed)).in_scope(|| info!(error = error(&failed)));
    })
    .line();
    let expected = json!({
        "message": "order \"7\"\n",
        "chain": ["write", "disk full"],
        "type": "errors::Failure",
    });
    assert_eq!([&line["error"], &line["in_span"]], [&expected; 2]);
}

#[test]
fn an_error_without_a_source_has_no_chain() {
    let failed = "x".parse::<u8>().unwrap_err();
    let line = logged(|| info!(error = error(&failed))).line();
    assert_eq!(
        line["error"],
        json!({"message": failed.to_string(), "type": "core::num::error::ParseIntError"})
    );
}

#[test]
fn a_stack_trace_stands_behind_the_type_and_is_bounded() {
    let failed = failure(&["m", "cause"]);
    let short = logged(|| info!(error = error_with_stacktrace(&failed, &"at a\nat b"))).line();
    assert_eq!(short["error"]["stacktrace"], "at a\nat b");
    assert_eq!(short["error"]["type"], "errors::Failure");
    let long = "at é\n".repeat(100_000);
    let line = logged(|| {
        let _span = info_span!("s", last = 1).entered();
        info!(error = error_with_stacktrace(&failed, &long), after = 2);
    })
    .line();
    let kept = line["error"]["stacktrace"].as_str().unwrap();
    let kept = kept.trim_end_matches('…');
    assert!(
        long.starts_with(kept) && kept.len() > 1_000,
        "{}",
        kept.len()
    );
    assert_eq!((&line["last"], &line["after"]), (&json!(1), &json!(2)));
    assert_eq!(line["error"]["chain"], json!(["cause"]));
    assert!(line["truncated_bytes"].as_u64().is_some());
}

/// How an error's own code may go wrong.
#[derive(Debug, Clone, Copy)]
enum Broken {
    Panics,
    Fails,
    NeverEnds,
    IsACircle,
    PanicsInSource,
}

static WRITTEN: AtomicU64 = AtomicU64::new(0);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half ")?;
        match self {
            Self::Panics => panic!("in Display"),
            Self::Fails => Err(fmt::Error),
            Self::NeverEnds => loop {
                f.write_str(&"é".repeat(512))?;
                WRITTEN.fetch_add(1, Ordering::Relaxed);
            },
            Self::IsACircle | Self::PanicsInSource => Ok(()),
        }
    }
}

impl Error for Broken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::PanicsInSource => panic!("in source"),
            Self::IsACircle => Some(self),
            _ => None,
        }
    }
}

#[test]
fn an_error_that_panics_or_fails_is_marked() {
    for (broken, message) in [
        (Broken::Panics, "half <panicked>"),
        (Broken::Fails, "half <format error>"),
        (Broken::PanicsInSource, "half "),
    ] {
        let line = logged(|| {
            info!(
                a = error(&broken),
                b = &broken as &dyn Error,
                c = error_with_stacktrace(&broken, &broken)
            );
        })
        .line();
        assert_eq!(
            line["a"],
            json!({"message": message, "type": "errors::Broken"})
        );
        assert_eq!(line["b"], json!({"message": message}));
        assert_eq!(line["c"]["stacktrace"], message);
    }
}

#[test]
fn an_error_that_never_ends_is_cut() {
    let broken = Broken::NeverEnds;
    let line = logged(|| {
        info!(
            a = error(&broken),
            b = error_with_stacktrace(&broken, &broken),
            after = 1
        );
    })
    .line();
    for text in [
        &line["a"]["message"],
        &line["b"]["message"],
        &line["b"]["stacktrace"],
    ] {
        assert!(text.as_str().unwrap().ends_with("é…"), "{text}");
    }
    assert_eq!(
        (&line["a"]["type"], &line["after"]),
        (&json!("errors::Broken"), &json!(1))
    );
    assert!(WRITTEN.load(Ordering::Relaxed) < 100, "it was stopped");
}

#[test]
fn a_circle_of_sources_is_cut() {
    let line = logged(|| info!(a = error(&Broken::IsACircle))).line();
    let chain = line["a"]["chain"].as_array().unwrap();
    assert_eq!(chain.len(), 17);
    assert_eq!((&chain[15], &chain[16]), (&json!("half "), &json!("…")));
    assert_eq!(line["a"]["type"], "errors::Broken");
}

#[test]
fn an_error_is_a_field_among_the_others_where_fields_are_nested() {
    let failed = failure(&["m", "cause"]);
    let builder = JsonLayer::builder().keys(Preset::Otel);
    let line = logged_by(builder, || tracing::error!(error = error(&failed), "m")).line();
    assert_eq!(
        line["attributes"]["error"],
        json!({"message": "m", "chain": ["cause"], "type": "errors::Failure"})
    );
    assert!(line["attributes"]["error.fingerprint"].is_string());
    assert!(!line.contains_key("error") && !line.contains_key("error.fingerprint"));
}

#[test]
fn a_record_of_opentelemetry_and_a_line_for_people_have_the_error_too() {
    let exporter = InMemoryLogExporter::default();
    let provider = SdkLoggerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let failed = failure(&["m", "cause"]);
    let builder = JsonLayer::builder().format(Format::Human);
    let lines = logged_by(builder.logger(provider.logger("otelier")), || {
        info!(target: "t", error = error_with_stacktrace(&failed, &"at a"));
    });
    let line = lines.lines().remove(0);
    let expected =
        r#" error={"message":"m","chain":["cause"],"type":"errors::Failure","stacktrace":"at a"}"#;
    assert!(line.ends_with(expected), "{line}");
    let logs = exporter.get_emitted_logs().unwrap();
    let attributes: Vec<_> = logs[0].record.attributes_iter().collect();
    let text = format!("{attributes:?}");
    for part in [
        "\"message\"",
        "\"chain\"",
        "\"type\"",
        "errors::Failure",
        "\"stacktrace\"",
        "at a",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn below_the_filters_level_an_error_is_not_looked_at() {
    logged(|| {
        let quiet = tracing::level_filters::LevelFilter::OFF;
        let nothing = tracing_subscriber::registry().with(quiet);
        tracing::subscriber::with_default(nothing, || {
            info!(error = error(&Broken::NeverEnds), "{}", unreachable_text());
        });
    });
}

fn unreachable_text() -> &'static str {
    unreachable!("it is not evaluated")
}
