//! Any value of a field: how it is logged, and what is to be read of it.

use std::error::Error;
use std::fmt;

use otelier_context::FieldValue;
use serde_json::{Value as Json, json};
use tracing::field::{DebugValue, Value, debug};

#[derive(Debug, Clone)]
pub(crate) enum Any {
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

/// What `tracing` gets of an [`Any`].
pub(crate) enum Held {
    Plain(Box<dyn Value>),
    Text(DebugValue<Text>),
    Error(Box<dyn Error + 'static>),
    Bytes(Vec<u8>),
}

impl Held {
    pub(crate) fn value(&self) -> Box<dyn Value + '_> {
        match self {
            Self::Plain(value) => Box::new(&**value),
            Self::Text(text) => Box::new(text),
            Self::Error(error) => Box::new(&**error),
            Self::Bytes(bytes) => Box::new(&bytes[..]),
        }
    }
}

impl Any {
    pub(crate) fn held(&self) -> Held {
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

    /// The value in a line.
    pub(crate) fn json(&self) -> Json {
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
            Self::Bytes(bytes) => hex(bytes).concat().into(),
            Self::Panics(text) => json!(format!("{text}<panicked>")),
            Self::Fails(text) => json!(format!("{text}<format error>")),
            Self::Error(messages) if messages.len() == 1 => json!({"message": messages[0]}),
            Self::Error(messages) => json!({"message": messages[0], "chain": messages[1..]}),
        }
    }

    /// The value where it is the message.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Error(messages) => messages[0].clone(),
            Self::F64(value) => format!("{value:?}"),
            Self::Bytes(bytes) => format!("[{}]", hex(bytes).join(", ")),
            any => match any.json() {
                Json::String(text) => text,
                other => other.to_string(),
            },
        }
    }
}

impl From<&FieldValue> for Any {
    fn from(value: &FieldValue) -> Self {
        match value {
            FieldValue::Bool(value) => Self::Bool(*value),
            FieldValue::I64(value) => Self::I64(*value),
            FieldValue::U64(value) => Self::U64(*value),
            FieldValue::F64(value) => Self::F64(*value),
            FieldValue::Str(text) => Self::Str(text.to_string()),
            other => unreachable!("{other:?}"),
        }
    }
}

fn hex(bytes: &[u8]) -> Vec<String> {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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

/// Writes a text, then fails or panics.
pub(crate) struct Text(String, Result<(), Option<fmt::Error>>);

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)?;
        self.1.or_else(|failure| match failure {
            Some(error) => Err(error),
            None => std::panic::resume_unwind(Box::new("no noise on stderr")),
        })
    }
}
