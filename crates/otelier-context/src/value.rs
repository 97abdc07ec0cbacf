use std::borrow::Cow;
use std::sync::Arc;

use crate::RequestContext;

/// The value of a field that an application added to its request.
///
/// A clone shares the text. Of a text that is longer than all fields of a request may be, the rest is
/// not even copied.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FieldValue {
    /// True or false.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A number with a fraction; it may be infinite or NaN.
    F64(f64),
    /// A text.
    Str(Arc<str>),
}

impl FieldValue {
    /// What the value takes of [`RequestContext::MAX_FIELD_BYTES`].
    pub(crate) fn text_len(&self) -> usize {
        match self {
            Self::Str(text) => text.len(),
            _ => 0,
        }
    }
}

impl From<&str> for FieldValue {
    fn from(text: &str) -> Self {
        // One character more than there is room for: enough to be seen as too long.
        Self::Str(floor(text, RequestContext::MAX_FIELD_BYTES + 4).into())
    }
}

impl From<String> for FieldValue {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<Cow<'_, str>> for FieldValue {
    fn from(text: Cow<'_, str>) -> Self {
        (*text).into()
    }
}

macro_rules! from {
    ($($variant:ident: $($number:ty)+;)+) => {
        $($(
            impl From<$number> for FieldValue {
                fn from(value: $number) -> Self {
                    Self::$variant(value.into())
                }
            }
        )+)+
    };
}

from! {
    Bool: bool;
    I64: i8 i16 i32 i64;
    U64: u8 u16 u32 u64;
    F64: f32 f64;
}

impl From<usize> for FieldValue {
    fn from(value: usize) -> Self {
        Self::U64(value as u64)
    }
}

impl From<isize> for FieldValue {
    fn from(value: isize) -> Self {
        Self::I64(value as i64)
    }
}

/// An attribute of the same type; a text where the number is beyond OpenTelemetry's signed integers.
impl From<FieldValue> for opentelemetry::Value {
    fn from(value: FieldValue) -> Self {
        match value {
            FieldValue::Bool(value) => value.into(),
            FieldValue::I64(value) => value.into(),
            FieldValue::U64(value) => {
                i64::try_from(value).map_or_else(|_| value.to_string().into(), Self::from)
            }
            FieldValue::F64(value) => value.into(),
            FieldValue::Str(text) => text.into(),
        }
    }
}

/// As much of a text as `max` bytes hold, to the end of a character.
pub(crate) fn floor(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::Value;

    #[test]
    fn a_value_keeps_its_type() {
        assert_eq!(FieldValue::from(true), FieldValue::Bool(true));
        assert_eq!(FieldValue::from(-1), FieldValue::I64(-1));
        assert_eq!(FieldValue::from(1_u8), FieldValue::U64(1));
        assert_eq!(FieldValue::from(usize::MAX), FieldValue::U64(u64::MAX));
        assert_eq!(FieldValue::from(0.5), FieldValue::F64(0.5));
        let text = FieldValue::Str("a".into());
        assert_eq!(FieldValue::from("a"), text);
        assert_eq!(FieldValue::from("a".to_owned()), text);
        assert_eq!(FieldValue::from(Cow::Borrowed("a")), text);
    }

    #[test]
    fn an_attribute_has_the_type_of_its_value() {
        for (value, attribute) in [
            (true.into(), Value::Bool(true)),
            (i64::MIN.into(), Value::I64(i64::MIN)),
            (7_u64.into(), Value::I64(7)),
            (u64::MAX.into(), Value::from("18446744073709551615")),
            (0.5.into(), Value::F64(0.5)),
            (FieldValue::from("a"), Value::from("a")),
        ] {
            assert_eq!(Value::from(value), attribute);
        }
    }

    #[test]
    fn what_can_never_fit_is_not_copied() {
        for character in ["x", "é", "€", "🦀"] {
            let len = FieldValue::from(character.repeat(100_000)).text_len();
            let over = len - RequestContext::MAX_FIELD_BYTES;
            assert!((1..=4).contains(&over), "{character}: {len}");
        }
    }
}
