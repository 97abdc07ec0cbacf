//! Any event under any spans is one valid line that says what was logged.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::error::Error;
use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use support::dynamic;
use support::logged;
use tracing::field::{DebugValue, Value, debug};
use tracing::{Level, Span};

#[derive(Debug, Clone)]
enum Any {
    Str(String),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    Bool(bool),
    Bytes(Vec<u8>),
    Debug(String),
    Panics(String),
    Fails(String),
    Error(Vec<String>),
}

/// A message and its sources.
#[derive(Debug)]
struct Chain(String, Option<Box<Chain>>);

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Chain {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.1.as_deref()?)
    }
}

struct Text(String, Result<(), Option<fmt::Error>>);

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)?;
        self.1.or_else(|failure| match failure {
            Some(error) => Err(error),
            None => std::panic::resume_unwind(Box::new("no noise on stderr")),
        })
    }
}

/// What `tracing` gets of an [`Any`].
enum Held {
    Plain(Box<dyn Value>),
    Text(DebugValue<Text>),
    Error(Box<dyn Error + 'static>),
    Bytes(Vec<u8>),
}

impl Held {
    fn value(&self) -> Box<dyn Value + '_> {
        match self {
            Self::Plain(value) => Box::new(&**value),
            Self::Text(text) => Box::new(text),
            Self::Error(error) => Box::new(&**error),
            Self::Bytes(bytes) => Box::new(&bytes[..]),
        }
    }
}

impl Any {
    fn held(&self) -> Held {
        match self.clone() {
            Self::Str(value) => Held::Plain(Box::new(value)),
            Self::I64(value) => Held::Plain(Box::new(value)),
            Self::U64(value) => Held::Plain(Box::new(value)),
            Self::I128(value) => Held::Plain(Box::new(value)),
            Self::U128(value) => Held::Plain(Box::new(value)),
            Self::F64(value) => Held::Plain(Box::new(value)),
            Self::Bool(value) => Held::Plain(Box::new(value)),
            Self::Bytes(value) => Held::Bytes(value),
            Self::Debug(text) => Held::Text(debug(Text(text, Ok(())))),
            Self::Panics(text) => Held::Text(debug(Text(text, Err(None)))),
            Self::Fails(text) => Held::Text(debug(Text(text, Err(Some(fmt::Error))))),
            Self::Error(messages) => {
                let chain = messages.into_iter().rev().fold(None, |source, message| {
                    Some(Box::new(Chain(message, source)))
                });
                Held::Error(chain.expect("at least one message"))
            }
        }
    }

    fn expected(&self) -> Json {
        match self {
            Self::Str(text) | Self::Debug(text) => json!(text),
            Self::I64(value) => json!(value),
            Self::U64(value) => json!(value),
            Self::I128(value) => {
                i64::try_from(*value).map_or_else(|_| json!(value.to_string()), Json::from)
            }
            Self::U128(value) => {
                i64::try_from(*value).map_or_else(|_| json!(value.to_string()), Json::from)
            }
            Self::F64(value) if value.is_nan() => json!("NaN"),
            Self::F64(f64::INFINITY) => json!("Infinity"),
            Self::F64(f64::NEG_INFINITY) => json!("-Infinity"),
            Self::F64(value) => json!(value),
            Self::Bool(value) => json!(value),
            Self::Bytes(bytes) => bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into(),
            Self::Panics(text) => json!(format!("{text}<panicked>")),
            Self::Fails(text) => json!(format!("{text}<format error>")),
            Self::Error(messages) if messages.len() == 1 => json!({"message": messages[0]}),
            Self::Error(messages) => json!({"message": messages[0], "chain": messages[1..]}),
        }
    }
}

const HEADER: [&str; 3] = ["timestamp", "level", "target"];

/// Few names, so that they meet; some of the line's own, some hostile.
fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "c", "user", "a.b", "", "\"", "\n", "\u{1b}[2J", "\u{202e}", "é", "e\u{301}"]),
        2 => prop::sample::select(vec!["message", "level", "timestamp", "trace_id", "tenant_id", "service", "truncated_bytes", "category", "field.level", "field.field.level", "request.id"]),
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
        1 => prop_oneof![any::<f64>(), (-1e9..1e9)].prop_map(Any::F64),
        1 => any::<bool>().prop_map(Any::Bool),
        1 => vec(any::<u8>(), 0..longest.max(1)).prop_map(Any::Bytes),
        2 => text(longest).prop_map(Any::Debug),
        1 => text(longest).prop_map(Any::Panics),
        1 => text(longest).prop_map(Any::Fails),
        1 => vec(text(longest), 1..5).prop_map(Any::Error),
    ]
}

type Fields = Vec<(&'static str, Any)>;

/// From the outermost on: a span's fields, and what is recorded in it later for which of them.
type Spans = Vec<(Fields, Vec<(usize, Any)>)>;

fn fields(longest: usize) -> impl Strategy<Value = Fields> {
    vec((name(), value(longest)), 0..8)
}

fn logged_once(longest: usize) -> impl Strategy<Value = (Fields, Spans)> {
    let span = (fields(longest), vec((any::<usize>(), value(longest)), 0..3));
    (fields(longest), vec(span, 0..4))
}

fn with_values<R>(fields: &Fields, run: impl FnOnce(&dynamic::Fields<'_>) -> R) -> R {
    let held: Vec<_> = fields.iter().map(|(_, any)| any.held()).collect();
    let values: Vec<_> = held.iter().map(Held::value).collect();
    let names = fields.iter().map(|(name, _)| *name);
    run(&names
        .zip(values.iter().map(|value| &**value))
        .collect::<Vec<_>>())
}

fn log(event: &Fields, spans: &Spans) -> Map<String, Json> {
    logged(|| {
        let entered: Vec<_> = spans
            .iter()
            .map(|(fields, records)| {
                let span = with_values(fields, dynamic::span);
                for (i, any) in records.iter().filter(|_| !fields.is_empty()) {
                    record(&span, fields[i % fields.len()].0, any);
                }
                span.entered()
            })
            .collect();
        with_values(event, |fields| dynamic::event(Level::INFO, "t", fields));
        entered.into_iter().rev().for_each(drop);
    })
    .line()
}

fn record(span: &Span, name: &'static str, any: &Any) {
    span.record(name, &*any.held().value());
}

/// The names a line should have its fields under, by the rules of the crate's documentation.
fn expected(event: &Fields, spans: &Spans) -> Map<String, Json> {
    let mut line = Map::new();
    let mut event = event.clone();
    if let Some(i) = event.iter().position(|(name, _)| *name == "message") {
        let message = match event.remove(i).1 {
            Any::Error(messages) => messages[0].clone(),
            Any::F64(value) => format!("{value:?}"),
            Any::Bytes(bytes) => format!(
                "[{}]",
                bytes
                    .iter()
                    .map(|b| format!("{b:02x}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            any => match any.expected() {
                Json::String(text) => text,
                other => other.to_string(),
            },
        };
        line.insert("message".to_owned(), message.into());
    }
    let spans = spans.iter().rev().map(|(fields, records)| {
        let mut span: Fields = Vec::new();
        for (name, any) in fields {
            if span.iter().all(|(other, _)| other != name) {
                span.push((name, any.clone()));
            }
        }
        for (i, any) in records.iter().filter(|_| !fields.is_empty()) {
            let name = fields[i % fields.len()].0;
            let field = span.iter_mut().find(|(other, _)| *other == name);
            field.expect("it was declared").1 = any.clone();
        }
        span
    });
    for (name, any) in std::iter::once(event).chain(spans).flatten() {
        let bare = name.trim_start_matches("field.");
        let reserved = [
            "message",
            "level",
            "timestamp",
            "trace_id",
            "tenant_id",
            "service",
            "truncated_bytes",
            "request.id",
        ];
        let key = if reserved.contains(&bare) {
            format!("field.{name}")
        } else {
            name.to_owned()
        };
        line.entry(key).or_insert_with(|| any.expected());
    }
    line
}

proptest! {
    #[test]
    fn a_line_says_what_was_logged((event, spans) in logged_once(8)) {
        let mut line = log(&event, &spans);
        for key in HEADER {
            prop_assert!(line.remove(key).is_some());
        }
        prop_assert_eq!(line, expected(&event, &spans));
    }

    #[test]
    fn a_line_stays_within_its_bound_and_keeps_its_keys_unique((event, spans) in logged_once(20_000)) {
        let line = log(&event, &spans);
        let expected = expected(&event, &spans);
        for key in line.keys().filter(|key| !HEADER.contains(&key.as_str()) && *key != "truncated_bytes") {
            prop_assert!(expected.contains_key(key), "{key}");
        }
        let whole = line.len() == expected.len() + HEADER.len() && expected.iter().all(|(key, value)| line.get(key) == Some(value));
        prop_assert!(whole || line["truncated_bytes"].as_u64().is_some_and(|lost| lost > 0));
    }
}
