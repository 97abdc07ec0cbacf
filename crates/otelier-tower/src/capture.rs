use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};

use crate::inbound::cut;
use crate::semconv::REDACTED;

/// The most values of a header that go on a span.
const MAX_VALUES: usize = 8;
/// The most of a value that goes on a span, in bytes.
const MAX_VALUE: usize = 256;

/// What must not leave the process, whatever the settings say.
const SECRETS: [HeaderName; 5] = [
    HeaderName::from_static("authorization"),
    HeaderName::from_static("cookie"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("set-cookie"),
    HeaderName::from_static("x-api-key"),
];

/// The headers that go on a span, and the attributes that they become.
#[derive(Debug, Default)]
pub(crate) struct Captured(Vec<(HeaderName, Key)>);

impl Captured {
    /// These headers, as attributes whose names begin so.
    pub(crate) fn new(names: impl IntoIterator<Item = HeaderName>, prefix: &str) -> Self {
        let mut captured = Self::default();
        for name in names {
            // An attribute twice would be two values for one name.
            if captured.0.iter().all(|(other, _)| *other != name) {
                let key: Arc<str> = [prefix, name.as_str()].concat().into();
                captured.0.push((name, key.into()));
            }
        }
        captured
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attributes of those headers that there are.
    pub(crate) fn attributes(&self, headers: &HeaderMap) -> impl Iterator<Item = KeyValue> {
        self.0.iter().filter_map(|(name, key)| {
            let values = headers.get_all(name).iter().take(MAX_VALUES);
            let values: Vec<_> = values.map(|value| text(name, value)).collect();
            let array = Value::Array(Array::String(values));
            headers
                .contains_key(name)
                .then(|| KeyValue::new(key.clone(), array))
        })
    }
}

fn text(name: &HeaderName, value: &HeaderValue) -> StringValue {
    if SECRETS.contains(name) || value.is_sensitive() {
        return REDACTED.into();
    }
    // A character that begins within the bound ends within these bytes.
    let bytes = value.as_bytes();
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_VALUE + 3)]);
    cut(&text, MAX_VALUE).to_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(captured: &Captured, headers: &HeaderMap) -> Vec<(String, String)> {
        let attributes = captured.attributes(headers);
        attributes
            .map(|pair| (pair.key.to_string(), pair.value.to_string()))
            .collect()
    }

    fn captured(names: &[&'static str]) -> Captured {
        let names = names.iter().map(|name| HeaderName::from_static(name));
        Captured::new(names, "http.request.header.")
    }

    #[test]
    fn each_header_is_one_attribute_and_an_absent_one_is_none() {
        let mut headers = HeaderMap::new();
        headers.append("x-a", HeaderValue::from_static("1"));
        headers.append("x-a", HeaderValue::from_static("2"));
        headers.append("x-other", HeaderValue::from_static("3"));
        assert_eq!(
            values(&captured(&["x-a", "x-absent", "x-a"]), &headers),
            [(
                "http.request.header.x-a".to_owned(),
                r#"["1","2"]"#.to_owned()
            )]
        );
    }

    #[test]
    fn secrets_are_never_captured() {
        let mut headers = HeaderMap::new();
        let mut sensitive = HeaderValue::from_static("s3cret");
        for name in SECRETS {
            headers.append(name, sensitive.clone());
        }
        sensitive.set_sensitive(true);
        headers.append("x-own", sensitive);
        let names = SECRETS
            .into_iter()
            .chain([HeaderName::from_static("x-own")]);
        let values = values(&Captured::new(names, ""), &headers);
        assert_eq!(values.len(), 6);
        assert!(
            values.iter().all(|(_, value)| value == r#"["REDACTED"]"#),
            "{values:?}"
        );
    }

    #[test]
    fn values_are_bounded_in_number_and_length() {
        let mut headers = HeaderMap::new();
        for _ in 0..1_000 {
            headers.append("x-a", HeaderValue::from_static("1"));
        }
        let [(_, value)] = &values(&captured(&["x-a"]), &headers)[..] else {
            panic!("one attribute");
        };
        assert_eq!(value.matches('1').count(), MAX_VALUES);

        let name = HeaderName::from_static("x-a");
        for (value, expected) in [
            (["a".repeat(255), "é".repeat(2)].concat(), "a".repeat(255)),
            (["a".repeat(253), "😀".repeat(2)].concat(), "a".repeat(253)),
            ("a".repeat(65_536), "a".repeat(256)),
            ("é".repeat(1_000), "é".repeat(128)),
        ] {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            assert_eq!(text(&name, &value).as_str(), expected);
        }
        let value = HeaderValue::from_bytes(b"caf\xe9").unwrap();
        assert_eq!(text(&name, &value).as_str(), "caf\u{fffd}");
    }
}
