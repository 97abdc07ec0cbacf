//! `error.fingerprint`: the same for the same fault, another for another one, and never a field's.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::collections::HashSet;
use std::error::Error;
use std::fmt;

use opentelemetry::logs::{AnyValue, LoggerProvider as _};
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider};
use otelier_log::{Format, JsonLayer, JsonLayerBuilder, Keys, Preset, error, log_context};
use support::{attach, logged, logged_by};
use tracing::{Level, debug, error as log, info, info_span, trace, warn};

const KEY: &str = "error.fingerprint";

/// The only line's fingerprint, which is 16 hex digits.
fn of(work: impl FnOnce()) -> String {
    let line = logged(work).line();
    let text = line[KEY].as_str().unwrap().to_owned();
    assert!(
        text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit()),
        "{text}"
    );
    text
}

fn all_same(values: &[String]) {
    assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
}

fn all_differ(values: &[String]) {
    let unique: HashSet<_> = values.iter().collect();
    assert_eq!(unique.len(), values.len(), "{values:?}");
}

#[test]
fn only_lines_of_errors_have_one() {
    let lines = logged(|| {
        trace!("m");
        debug!("m");
        info!("m");
        warn!(error = "x", "m");
        log!("m");
    });
    let has: Vec<_> = lines
        .json()
        .iter()
        .map(|line| line.contains_key(KEY))
        .collect();
    assert_eq!(has, [false, false, false, false, true]);
}

fn not_found(user: &str) -> String {
    of(|| log!(target: "t", user, "user {user} not found"))
}

#[test]
fn numbers_and_quotations_do_not_count() {
    all_same(&[
        not_found("42"),
        not_found("977"),
        not_found("0198c0de-7a11-7e51-9c0d-3b0b5a7e0001"),
    ]);
    all_same(&[
        not_found("\"ann\""),
        not_found("\"bob \\\" \u{1b}\n é\""),
        not_found("'x'"),
    ]);
    all_differ(&[not_found("42"), not_found("\"ann\""), not_found("ann")]);
}

/// What stands in no quotes, but ends where the value's own quotes do.
#[test]
fn the_quotes_of_a_value_are_no_quotation() {
    let of_text = |text: &str| of(|| log!(target: "t", error = text));
    let of_display = |text: &str| of(|| log!(target: "t", error = %text));
    all_differ(&[of_text("an \"open door"), of_text("an \"open quote")]);
    all_same(&[of_text("an \"open door"), of_display("an \"open door")]);
    all_same(&[of_text("no \"a\""), of_display("no \"b\"")]);
}

#[test]
fn another_message_target_or_set_of_fields_is_another_fault() {
    all_differ(&[
        of(|| log!(target: "t", "m")),
        of(|| log!(target: "t", "n")),
        of(|| log!(target: "u", "m")),
        of(|| log!(target: "t", a = 1, "m")),
        of(|| log!(target: "t", b = 1, "m")),
        of(|| log!(target: "t", a = 1, b = 1, "m")),
        of(|| log!(target: "t", a = 1)),
    ]);
}

#[test]
fn values_spans_requests_and_fields_of_all_lines_do_not_count() {
    let fault = |a: i64| log!(target: "t", a, "m");
    let elsewhere = of(|| {
        let _request = attach("req-1", 1);
        log_context! { order_id = 7 };
        info_span!("s", b = "x", error = "of the span").in_scope(|| fault(2));
    });
    let builder = JsonLayer::builder()
        .service("checkout")
        .field("region", "eu-1");
    let of_all = logged_by(builder, || fault(3)).line()[KEY]
        .as_str()
        .unwrap()
        .to_owned();
    all_same(&[of(|| fault(1)), elsewhere, of_all]);
}

#[derive(Debug)]
struct Failure(String, Option<Box<Failure>>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.1.as_deref()?)
    }
}

fn failure(messages: &[&str]) -> Failure {
    let (first, rest) = messages.split_first().unwrap();
    let source = (!rest.is_empty()).then(|| Box::new(failure(rest)));
    Failure((*first).to_owned(), source)
}

#[test]
fn an_error_counts_with_its_whole_chain() {
    let of_error = |messages: &[&str]| {
        let failed = failure(messages);
        of(|| log!(target: "t", error = error(&failed), "m"))
    };
    all_differ(&[
        of_error(&["read"]),
        of_error(&["write"]),
        of_error(&["read", "disk full"]),
        of_error(&["read", "timeout"]),
        of_error(&["read", "timeout", "timeout"]),
    ]);
    all_same(&[
        of_error(&["read 1", "disk 2 full"]),
        of_error(&["read 77", "disk 3.5 full"]),
    ]);
    let plain = |messages: &[&str]| {
        let failed = failure(messages);
        of(|| log!(target: "t", error = &failed as &dyn Error, "m"))
    };
    all_same(&[of_error(&["read", "timeout"]), plain(&["read", "timeout"])]);
}

#[test]
fn an_error_as_text_counts_under_its_usual_names_and_no_other_field_does() {
    let (read, write) = (failure(&["read"]), failure(&["write"]));
    let err = |e: &Failure| of(|| log!(target: "t", err = %e, "m"));
    let error = |e: &Failure| of(|| log!(target: "t", error = ?e.0, "m"));
    let text = |e: &Failure| of(|| log!(target: "t", error = e.0, "m"));
    let other = |e: &Failure| of(|| log!(target: "t", cause = %e, "m"));
    all_differ(&[err(&read), err(&write)]);
    all_differ(&[text(&read), text(&write)]);
    // As Debug it is a quotation.
    all_same(&[error(&read), error(&write)]);
    all_same(&[other(&read), other(&write)]);
}

/// The fingerprints in the line and in the record of OpenTelemetry.
fn both(builder: JsonLayerBuilder, work: impl FnOnce()) -> (Option<String>, Vec<AnyValue>) {
    let exporter = InMemoryLogExporter::default();
    let provider = SdkLoggerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let lines = logged_by(builder.logger(provider.logger("otelier")), work).lines();
    let json = lines
        .first()
        .and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let logs = exporter.get_emitted_logs().unwrap();
    let attributes = logs[0].record.attributes_iter();
    let of_record = attributes.filter(|(key, _)| key.as_str() == KEY);
    (
        json.and_then(|json| json[KEY].as_str().map(str::to_owned)),
        of_record.map(|(_, value)| value.clone()).collect(),
    )
}

#[test]
fn a_record_has_the_same_value_whatever_the_format() {
    for text in [
        "user 42 not found",
        "no \"file\"",
        "C:\\dir\\file",
        "tab\there",
        "\u{1b}[2J\u{e0041}é",
        "a \\\" b",
    ] {
        let failed = failure(&[text, text]);
        let fault = || log!(target: "t", error = error(&failed), "{text}");
        let expected = of(fault);
        let builder = JsonLayer::builder;
        let (line, record) = both(builder(), fault);
        assert_eq!(line.as_deref(), Some(&*expected));
        assert_eq!(record, [AnyValue::from(expected.clone())]);
        for format in [Format::Human, Format::None] {
            let (line, record) = both(builder().format(format), fault);
            assert_eq!(line, None);
            assert_eq!(
                record,
                [AnyValue::from(expected.clone())],
                "{format:?} {text:?}"
            );
        }
        for preset in [Preset::Otel, Preset::Ecs, Preset::Gcp, Preset::Datadog] {
            let (_, record) = both(builder().keys(preset), fault);
            assert_eq!(record, [AnyValue::from(expected.clone())], "{preset:?}");
        }
    }
}

#[test]
fn no_field_can_forge_it() {
    let forge = || {
        let _request = attach("req-1", 1);
        log_context! { "error.fingerprint" = "request" };
        let _span = info_span!("s", error.fingerprint = "span").entered();
        tracing::event!(Level::ERROR, { "error.fingerprint" = "forged" }, "m");
    };
    let builder = || JsonLayer::builder().field(KEY, "static");
    let line = logged_by(builder(), forge).line();
    assert_eq!(line["field.error.fingerprint"], "forged");
    let real = line[KEY].as_str().unwrap();
    assert_eq!(real.len(), 16);
    let (_, record) = both(builder(), forge);
    assert_eq!(record, [AnyValue::from(real.to_owned())]);
    let keys = Keys::default().nest_fields("labels").unwrap();
    let line = logged_by(builder().keys(keys), forge).line();
    assert_eq!(line["labels"]["field.error.fingerprint"], "forged");

    let (line, record) = both(builder(), || info!(error.fingerprint = "forged", "m"));
    assert_eq!((line, record), (None, vec![]));
}
