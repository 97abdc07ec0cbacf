use http::{HeaderMap, HeaderName};
use opentelemetry::propagation::Extractor;

/// Reads a propagator's fields from HTTP headers. A value that is not visible ASCII reads as an empty
/// one, so that it counts where a second value is an error.
#[derive(Debug)]
pub struct HeaderExtractor<'a>(pub &'a HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let mut values = self.0.get_all(key).iter().peekable();
        values.peek()?;
        Some(values.map(|value| value.to_str().unwrap_or("")).collect())
    }
}
