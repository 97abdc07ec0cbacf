use std::fmt;

use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};

use crate::Attributes;

/// A value of an attribute, a log body or a metric point, as OTLP carries it.
///
/// It compares with plain Rust values, strictly by type: `"200"` is not `200`, and `1` is not `1.0`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// No value.
    #[default]
    Empty,
    /// Text.
    String(String),
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// A floating point number.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list, in the sender's order.
    Array(Vec<Value>),
    /// A map.
    Map(Attributes),
}

impl Value {
    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The floating point number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Double(number) => Some(*number),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }
}

/// On one line: text is quoted and escaped, bytes are hexadecimal.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("(empty)"),
            Self::String(text) => write!(f, "{text:?}"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Double(number) => write!(f, "{number:?}"),
            Self::Bytes(bytes) => f.write_str(&hex(bytes)),
            Self::Array(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{value}")?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => write!(f, "{{{entries}}}"),
        }
    }
}

macro_rules! equal {
    ($($value:ty, $other:ty => $variant:ident;)*) => {$(
        impl PartialEq<$other> for $value {
            fn eq(&self, other: &$other) -> bool {
                matches!(self, Value::$variant(value) if value == other)
            }
        }
    )*};
}

// `&Value` equals `&str` through the standard library's rule for two references.
equal! {
    Value, str => String;
    Value, &str => String;
    Value, String => String;
    &Value, String => String;
    Value, bool => Bool;
    &Value, bool => Bool;
    Value, i64 => Int;
    &Value, i64 => Int;
    Value, f64 => Double;
    &Value, f64 => Double;
}

impl From<AnyValue> for Value {
    // Recursion ends: prost refuses messages nested more than 100 deep.
    fn from(value: AnyValue) -> Self {
        use any_value::Value as Otlp;
        match value.value {
            Some(Otlp::StringValue(text)) => Self::String(text),
            Some(Otlp::BoolValue(flag)) => Self::Bool(flag),
            Some(Otlp::IntValue(number)) => Self::Int(number),
            Some(Otlp::DoubleValue(number)) => Self::Double(number),
            Some(Otlp::BytesValue(bytes)) => Self::Bytes(bytes),
            Some(Otlp::ArrayValue(array)) => {
                Self::Array(array.values.into_iter().map(Self::from).collect())
            }
            Some(Otlp::KvlistValue(list)) => Self::Map(list.values.into()),
            // An index into a table that only profiles have: to be read as empty.
            Some(Otlp::StringValueStrindex(_)) | None => Self::Empty,
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An id in lowercase hexadecimal; none where it is empty or all zero.
pub(crate) fn id(bytes: &[u8]) -> Option<String> {
    bytes.iter().any(|byte| *byte != 0).then(|| hex(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_equals_only_its_own_type() {
        let text = &Value::String("200".to_owned());
        assert_eq!(text, "200");
        assert_ne!(text, 200);

        let integer = &Value::Int(1);
        assert_eq!(integer, 1);
        assert_ne!(integer, 1.0);
        assert_ne!(integer, true);
        assert_ne!(&Value::Double(1.0), 1);
    }

    #[test]
    fn a_displayed_value_stays_on_one_line() {
        let value = Value::Array(vec![
            Value::String("a\n\u{1b}[2J".to_owned()),
            Value::Bytes(vec![0, 255]),
        ]);
        assert_eq!(value.to_string(), r#"["a\n\u{1b}[2J", 00ff]"#);
    }
}
