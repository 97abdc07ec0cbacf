use std::fmt::Write as _;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt as _};
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

const BAGGAGE: &str = "baggage";

static FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| [BAGGAGE.to_owned()]);
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// W3C Baggage, as OpenTelemetry's [`Baggage`] in the [`Context`].
///
/// Several headers are joined. Of a repeated key the last member stays. A member is dropped and counted
/// if its key is not a token, if its value has characters outside the grammar or decodes to no UTF-8,
/// and if it does not fit the bounds; a property that breaks the grammar is dropped and counted alone.
/// Values are percent-decoded: they may hold control characters, as any text from a client. Properties
/// are handed on as they are.
///
/// ```
/// use opentelemetry::baggage::BaggageExt as _;
/// use opentelemetry::propagation::TextMapPropagator as _;
/// use otelier_context::{BaggagePropagator, HeaderExtractor};
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("baggage", "plan=gold%20plus;ttl=60, broken".parse()?);
///
/// let cx = BaggagePropagator.extract(&HeaderExtractor(&headers));
/// assert_eq!(cx.baggage().get("plan").map(|value| value.as_str()), Some("gold plus"));
/// assert_eq!(cx.baggage().len(), 1);
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct BaggagePropagator;

impl BaggagePropagator {
    /// The most members that are read, or written.
    pub const MAX_MEMBERS: usize = 64;

    /// The most that is read of all headers together, or written, in bytes.
    pub const MAX_BYTES: usize = 8_192;

    /// How many members and properties were dropped, in this process.
    pub fn dropped() -> u64 {
        DROPPED.load(Ordering::Relaxed)
    }
}

impl TextMapPropagator for BaggagePropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let baggage = cx.baggage();
        if baggage.is_empty() {
            return;
        }
        let (header, dropped) = encode(baggage);
        DROPPED.fetch_add(dropped, Ordering::Relaxed);
        if !header.is_empty() {
            injector.set(BAGGAGE, header);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let Some(headers) = extractor.get_all(BAGGAGE) else {
            return cx.clone();
        };
        let (baggage, dropped) = decode(&headers);
        DROPPED.fetch_add(dropped, Ordering::Relaxed);
        if baggage.is_empty() {
            return cx.clone();
        }
        cx.with_baggage(baggage)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(FIELDS.as_slice())
    }
}

/// The members of the headers, and how much was dropped.
fn decode(headers: &[&str]) -> (Baggage, u64) {
    let mut baggage = Baggage::new();
    // A header that could not be read is an empty one.
    let mut dropped = headers.iter().filter(|header| header.is_empty()).count() as u64;
    let (mut members, mut bytes) = (0, 0);
    for member in headers.iter().flat_map(|header| list(header, ',')) {
        let len = member.len() + usize::from(members > 0);
        let fits =
            members < BaggagePropagator::MAX_MEMBERS && bytes + len <= BaggagePropagator::MAX_BYTES;
        let (pair, metadata) = member.split_once(';').unwrap_or((member, ""));
        let Some((key, value)) = Some(pair).filter(|_| fits).and_then(decode_pair) else {
            dropped += 1;
            continue;
        };
        let metadata = properties(metadata, &mut dropped).join(";");
        baggage.insert_with_metadata(key.to_owned(), value, metadata);
        members += 1;
        bytes += len;
    }
    (baggage, dropped)
}

/// A header's value of at most so many bytes, and how much was dropped. Of a baggage that does not fit
/// it is always the same members that stay.
fn encode(baggage: &Baggage) -> (String, u64) {
    let mut members: Vec<_> = baggage.iter().collect();
    members.sort_unstable_by_key(|(key, _)| *key);
    let mut header = String::new();
    let mut dropped = 0;
    for (key, (value, metadata)) in members {
        let end = header.len();
        if end > 0 {
            header.push(',');
        }
        header.push_str(key.as_str());
        header.push('=');
        percent_encode(value.as_str(), &mut header);
        for property in properties(metadata.as_str(), &mut dropped) {
            header.push(';');
            header.push_str(property);
        }
        if header.len() > BaggagePropagator::MAX_BYTES {
            header.truncate(end);
            dropped += 1;
        }
    }
    (header, dropped)
}

fn decode_pair(pair: &str) -> Option<(&str, String)> {
    let (key, value) = key_value(pair)?;
    Some((key, percent_decode(value)?))
}

/// The properties of a member that keep to the grammar.
fn properties<'a>(metadata: &'a str, dropped: &mut u64) -> Vec<&'a str> {
    let (valid, broken): (Vec<_>, Vec<_>) = list(metadata, ';')
        .partition(|property| is_token(property) || key_value(property).is_some());
    *dropped += broken.len() as u64;
    valid
}

/// `key OWS "=" OWS value` (section 3.2.1); a value may hold more equal signs.
fn key_value(pair: &str) -> Option<(&str, &str)> {
    let (key, value) = pair.split_once('=')?;
    let (key, value) = (trim(key), trim(value));
    (is_token(key) && value.bytes().all(is_baggage_octet)).then_some((key, value))
}

/// What stands between the separators, but for nothing.
fn list(text: &str, separator: char) -> impl Iterator<Item = &str> {
    text.split(separator)
        .map(trim)
        .filter(|item| !item.is_empty())
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

/// Visible ASCII without the double quote, comma, semicolon and backslash (section 3.2.1).
fn is_baggage_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

fn percent_decode(value: &str) -> Option<String> {
    let digit = |byte: u8| Some(char::from(byte).to_digit(16)? as u8);
    let mut decoded = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            _ => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn percent_encode(value: &str, to: &mut String) {
    for byte in value.bytes() {
        if is_baggage_octet(byte) && byte != b'%' {
            to.push(char::from(byte));
        } else {
            let _ = write!(to, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests;
