use std::sync::LazyLock;

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const MAX_MEMBERS: usize = 32;

static FIELDS: LazyLock<[String; 2]> =
    LazyLock::new(|| [TRACEPARENT.to_owned(), TRACESTATE.to_owned()]);

/// W3C Trace Context: `traceparent` and `tracestate`, to the letter.
///
/// What the SDK's propagator of the same name lets through is refused here: fields of the wrong length,
/// upper-case hex, and several `traceparent` headers. Several `tracestate` headers are joined in their
/// order (section 3.3.1.5); one that breaks the grammar is dropped as a whole and the trace goes on
/// without it (section 4.2).
///
/// ```
/// use opentelemetry::propagation::TextMapPropagator as _;
/// use opentelemetry::trace::TraceContextExt as _;
/// use otelier_context::{HeaderExtractor, TraceContextPropagator};
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse()?);
///
/// let cx = TraceContextPropagator.extract(&HeaderExtractor(&headers));
/// assert_eq!(cx.span().span_context().span_id().to_string(), "00f067aa0ba902b7");
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct TraceContextPropagator;

impl TextMapPropagator for TraceContextPropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let span = cx.span();
        let parent = span.span_context();
        if !parent.is_valid() {
            return;
        }
        let flags = parent.trace_flags() & TraceFlags::SAMPLED;
        let (trace_id, span_id) = (parent.trace_id(), parent.span_id());
        injector.set(
            TRACEPARENT,
            format!("00-{trace_id}-{span_id}-{:02x}", flags.to_u8()),
        );
        let state = parent.trace_state().header();
        if !state.is_empty() {
            injector.set(TRACESTATE, state);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        match extract(extractor) {
            Some(parent) => cx.with_remote_span_context(parent),
            None => cx.clone(),
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(FIELDS.as_slice())
    }
}

fn extract(extractor: &dyn Extractor) -> Option<SpanContext> {
    let [traceparent] = extractor.get_all(TRACEPARENT)?[..] else {
        return None;
    };
    let (trace_id, span_id, flags) = parse_traceparent(traceparent)?;
    let state = extractor
        .get_all(TRACESTATE)
        .and_then(|values| parse_tracestate(&values))
        .unwrap_or_default();
    Some(SpanContext::new(trace_id, span_id, flags, true, state))
}

/// `version "-" trace-id "-" parent-id "-" trace-flags` (sections 3.2.1 to 3.2.4). A version above 00
/// may have more after a further dash.
fn parse_traceparent(header: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let bytes = header.trim_matches([' ', '\t']).as_bytes();
    let (head, rest) = bytes.split_at_checked(55)?;
    if head[2] != b'-' || head[35] != b'-' || head[52] != b'-' {
        return None;
    }
    let version = hex(&head[..2])? as u8;
    match (version, rest.first()) {
        (0xff, _) | (0, Some(_)) => return None,
        (_, None | Some(b'-')) => {}
        (_, Some(_)) => return None,
    }
    let high = u128::from(hex(&head[3..19])?);
    let trace_id = TraceId::from(high << 64 | u128::from(hex(&head[19..35])?));
    let span_id = SpanId::from(hex(&head[36..52])?);
    let flags = TraceFlags::new(hex(&head[53..])? as u8) & TraceFlags::SAMPLED;
    (trace_id != TraceId::INVALID && span_id != SpanId::INVALID)
        .then_some((trace_id, span_id, flags))
}

/// At most 16 hex digits; upper case is not allowed in a `traceparent`, nor in B3.
pub(crate) fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}

/// Sections 3.3.1.1 to 3.3.1.5; empty members are allowed. The API's `TraceState` checks the keys'
/// and the values' lengths, but neither empty keys nor what characters a value is made of.
fn parse_tracestate(headers: &[&str]) -> Option<TraceState> {
    let mut members: Vec<(&str, &str)> = Vec::new();
    for header in headers {
        for member in header.split(',') {
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            if !valid_key(key) || !valid_value(value) || members.len() == MAX_MEMBERS {
                return None;
            }
            if members.iter().all(|(other, _)| *other != key) {
                members.push((key, value));
            }
        }
    }
    TraceState::from_key_value(members).ok()
}

/// `simple-key` or `tenant-id "@" system-id` (section 3.3.1.3.1).
fn valid_key(key: &str) -> bool {
    let part = |text: &str, digit_first: bool, max: usize| {
        let mut bytes = text.bytes();
        let first = bytes
            .next()
            .is_some_and(|b| b.is_ascii_lowercase() || digit_first && b.is_ascii_digit());
        first
            && text.len() <= max
            && bytes.all(|b| {
                b.is_ascii_lowercase()
                    || b.is_ascii_digit()
                    || matches!(b, b'_' | b'-' | b'*' | b'/')
            })
    };
    match key.split_once('@') {
        Some((tenant, system)) => part(tenant, true, 241) && part(system, false, 14),
        None => part(key, true, 256),
    }
}

/// `0*255(chr) nblk-chr`: printable ASCII without comma and equals sign (section 3.3.1.3.2). The
/// members were trimmed, so the last character is not a blank.
fn valid_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && value
            .bytes()
            .all(|b| matches!(b, b' '..=b'~') && b != b',' && b != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_valid_traceparent_is_read() {
        let (trace_id, span_id, flags) = parse_traceparent(VALID).unwrap();
        assert_eq!(trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(span_id.to_string(), "00f067aa0ba902b7");
        assert!(flags.is_sampled());
    }

    #[test]
    fn a_higher_version_is_read_as_far_as_it_is_known() {
        assert!(parse_traceparent(&VALID.replacen("00", "cc", 1)).is_some());
        assert!(parse_traceparent(&format!("cc{}-what-the-future", &VALID[2..])).is_some());
        assert!(parse_traceparent(&format!("cc{}.what", &VALID[2..])).is_none());
        assert!(parse_traceparent(&VALID.replacen("00", "ff", 1)).is_none());
    }

    #[test]
    fn broken_traceparents_are_refused() {
        for broken in [
            "",
            "00",
            &VALID[..54],
            &format!("{VALID}-"),
            &format!("{VALID}-more"),
            &VALID.replace("4bf9", "4BF9"),
            &VALID.replace("4bf9", "4bg9"),
            &VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &VALID.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &VALID.replace('-', "_"),
            &format!("0{VALID}"),
        ] {
            assert_eq!(parse_traceparent(broken), None, "{broken}");
        }
    }

    #[test]
    fn tracestate_headers_are_joined_in_order() {
        let state = parse_tracestate(&["foo=1, ", " ,bar=2\t", "", "t@s=3"]).unwrap();
        assert_eq!(state.header(), "foo=1,bar=2,t@s=3");
    }

    #[test]
    fn of_a_repeated_key_the_first_member_stays() {
        let state = parse_tracestate(&["foo=1,bar=2", "foo=3"]).unwrap();
        assert_eq!(state.header(), "foo=1,bar=2");
    }

    #[test]
    fn a_broken_tracestate_is_dropped_whole() {
        let long_value = format!("a={}", "x".repeat(257));
        for broken in [
            "foo",
            "=1",
            "foo=",
            "foo=a=b",
            "Foo=1",
            "foo =1",
            "f@o@o=1",
            "foo@=1",
            "@foo=1",
            "foo=\u{7f}",
            &long_value,
        ] {
            assert_eq!(parse_tracestate(&[broken]), None, "{broken}");
        }
        let members = |n: usize| {
            (0..n)
                .map(|i| format!("k{i}=v"))
                .collect::<Vec<_>>()
                .join(",")
        };
        assert!(parse_tracestate(&[&members(32)]).is_some());
        assert!(parse_tracestate(&[&members(33)]).is_none());
        assert!(parse_tracestate(&[&format!("{}=1", "k".repeat(256))]).is_some());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(parent in ".*", state in ".*") {
            let _ = parse_traceparent(&parent);
            let _ = parse_tracestate(&[&state]);
        }

        #[test]
        fn what_is_injected_is_extracted(trace in 1u128.., span in 1u64.., sampled: bool) {
            let flags = TraceFlags::default().with_sampled(sampled);
            let state = TraceState::from_key_value([("a", "1"), ("b", "2")]).unwrap();
            let sent = SpanContext::new(trace.into(), span.into(), flags, true, state);
            let mut carrier = std::collections::HashMap::new();
            let cx = Context::new().with_remote_span_context(sent.clone());
            TraceContextPropagator.inject_context(&cx, &mut carrier);
            prop_assert_eq!(extract(&carrier), Some(sent));
        }
    }
}
