//! Any event under any spans, in any request, is one valid line of any preset that says what was logged.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use opentelemetry::logs::{AnyValue, LoggerProvider as _};
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider};
use otelier_context::{FieldValue, RequestContext, RequestId};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use support::any::Any;
use support::case::{Case, Fields, fields_of};
use support::naming::{Naming, PRESETS};
use support::{Sink, logged_by};
use tracing::Level;
use tracing_subscriber::prelude::*;

/// Few names, so that they meet; some of the line's own, some hostile.
fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "c", "user", "a.b", "", "\"", "\n", "\u{1b}[2J", "\u{202e}", "é", "e\u{301}"]),
        2 => prop::sample::select(vec!["message", "level", "timestamp", "trace_id", "tenant_id", "service", "truncated_bytes", "category", "field.level", "field.field.level", "request.id", "error.fingerprint"]),
        1 => prop::sample::select(vec!["body", "attributes", "resource", "severity", "dd", "log", "log.level", "error", "err", "labels", "code", "usr.id"]),
        1 => ".{0,8}".prop_map(|name: String| &*name.leak()),
    ]
}

fn text(longest: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => ".{0,12}".prop_map(String::from),
        2 => "[\"\\\\\n\r\t\u{0}\u{1b}\u{7f}\u{85}\u{2028}\u{202e}\u{200b}\u{feff}\u{e0041}é漢🦀x]{0,40}".prop_map(String::from),
        1 => ("[x\"\n\u{e0041}é🦀]", 0..longest).prop_map(|(unit, times): (String, usize)| unit.repeat(times)),
    ]
}

fn value(longest: usize) -> impl Strategy<Value = Any> {
    prop_oneof![
        3 => text(longest).prop_map(Any::Str),
        1 => any::<i64>().prop_map(Any::I64),
        1 => any::<u64>().prop_map(Any::U64),
        1 => any::<i128>().prop_map(Any::I128),
        1 => any::<u128>().prop_map(Any::U128),
        1 => float().prop_map(Any::F64),
        1 => any::<bool>().prop_map(Any::Bool),
        1 => vec(any::<u8>(), 0..longest.max(1)).prop_map(Any::Bytes),
        2 => text(longest).prop_map(Any::Debug),
        1 => text(longest).prop_map(Any::Panics),
        1 => text(longest).prop_map(Any::Fails),
        1 => vec(text(longest), 1..5).prop_map(Any::Error),
    ]
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), -1e9..1e9]
}

fn plain(longest: usize) -> impl Strategy<Value = FieldValue> {
    prop_oneof![
        2 => text(longest).prop_map(FieldValue::from),
        1 => any::<i64>().prop_map(FieldValue::from),
        1 => any::<u64>().prop_map(FieldValue::from),
        1 => float().prop_map(FieldValue::from),
        1 => any::<bool>().prop_map(FieldValue::from),
    ]
}

fn fields(longest: usize) -> impl Strategy<Value = Fields> {
    vec((name(), value(longest)), 0..8)
}

fn case(longest: usize) -> impl Strategy<Value = Case> {
    let level = prop::sample::select(vec![Level::DEBUG, Level::INFO, Level::ERROR]);
    let span = (fields(longest), vec((any::<usize>(), value(longest)), 0..3));
    let set = prop::option::of(vec((name(), plain(longest)), 0..6));
    let request = set.prop_map(|set| {
        let request = RequestContext::new("req-1".parse::<RequestId>().unwrap());
        for (name, value) in set? {
            request.set_field(name, value);
        }
        Some(request)
    });
    let statics = vec((name(), plain(longest)), 0..4);
    let all = (level, fields(longest), vec(span, 0..4), request, statics);
    all.prop_map(|(level, event, spans, request, statics)| Case {
        level,
        event,
        spans,
        request,
        statics,
    })
}

fn naming() -> impl Strategy<Value = Naming> {
    let renamed = vec((name(), name()), 0..4);
    let nest = prop::option::of(prop::option::of(name()));
    let all = (prop::sample::select(&PRESETS), renamed, nest);
    all.prop_map(|(preset, renamed, nest)| {
        let naming = Naming::new(preset);
        let naming = renamed
            .into_iter()
            .fold(naming, |naming, (from, to)| naming.rename(from, to));
        match nest {
            Some(nest) => naming.nest(nest),
            None => naming,
        }
    })
}

fn check(line: &Map<String, Json>, case: &Case, naming: &Naming) -> Result<(), TestCaseError> {
    prop_assert_eq!(fields_of(line, naming), case.fields(naming));
    let message = line.get(&naming.message()).cloned();
    prop_assert_eq!(message, case.message().map(Json::from));
    prop_assert!(!line.contains_key(&naming.part("truncated_bytes")));
    Ok(())
}

fn json(value: &AnyValue) -> Json {
    match value {
        AnyValue::String(text) => json!(text.as_str()),
        AnyValue::Int(value) => json!(value),
        AnyValue::Double(value) => Any::F64(*value).json(),
        AnyValue::Boolean(value) => json!(value),
        AnyValue::Bytes(bytes) => Any::Bytes(bytes.to_vec()).json(),
        AnyValue::ListAny(values) => values.iter().map(json).collect(),
        AnyValue::Map(map) => map
            .iter()
            .map(|(key, value)| (key.as_str().to_owned(), json(value)))
            .collect(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn a_line_says_what_was_logged(case in case(8), naming in naming()) {
        let line = logged_by(case.builder(&naming), || case.log()).line();
        check(&line, &case, &naming)?;
    }

    #[test]
    fn a_line_stays_within_its_bound_and_keeps_its_keys_unique(case in case(20_000), naming in naming()) {
        let line = logged_by(case.builder(&naming), || case.log()).line();
        let (fields, expected) = (fields_of(&line, &naming), case.fields(&naming));
        for key in fields.keys() {
            prop_assert!(expected.contains_key(key), "{key}");
        }
        let message = line.get(&naming.message()).and_then(Json::as_str);
        let is_whole = fields == expected && message == case.message().as_deref();
        let lost = line.get(&naming.part("truncated_bytes")).and_then(Json::as_u64);
        prop_assert!(is_whole || lost.is_some_and(|lost| lost > 0));
    }

    #[test]
    fn each_of_two_layers_writes_its_own_line(case in case(8), namings in [naming(), naming()]) {
        let sinks = [Sink::default(), Sink::default()];
        let [first, second] = [0, 1].map(|i| case.builder(&namings[i]).writer(sinks[i].clone()).build());
        let subscriber = tracing_subscriber::registry().with(first).with(second);
        tracing::subscriber::with_default(subscriber, || case.log());
        for (sink, naming) in sinks.iter().zip(&namings) {
            check(&sink.line(), &case, naming)?;
        }
    }

    #[test]
    fn a_record_has_the_same_fields_as_its_line(case in case(8), naming in naming()) {
        let exporter = InMemoryLogExporter::default();
        let provider = SdkLoggerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let builder = case.builder(&naming).logger(provider.logger("otelier"));
        let line = logged_by(builder, || case.log()).line();
        check(&line, &case, &naming)?;
        let [log] = &exporter.get_emitted_logs().unwrap()[..] else { panic!("one record") };
        let mut attributes = Map::new();
        for (key, value) in log.record.attributes_iter() {
            prop_assert!(attributes.insert(key.to_string(), json(value)).is_none(), "{key} twice");
        }
        let id = attributes.remove("request.id");
        prop_assert_eq!(id, case.request.as_ref().map(|_| json!("req-1")));
        let fingerprint = attributes.remove("error.fingerprint");
        prop_assert_eq!(fingerprint.is_some(), case.level == Level::ERROR);
        prop_assert_eq!(attributes, case.attributes(&naming));
        prop_assert_eq!(log.record.body().map(json), case.message().map(Json::from));
    }
}
