use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn extract(headers: &[(&str, &str)]) -> Context {
    let carrier: HashMap<_, _> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    B3Propagator::single().extract_with_context(&Context::new(), &carrier)
}

fn inject(propagator: B3Propagator, cx: &Context) -> HashMap<String, String> {
    let mut carrier = HashMap::new();
    propagator.inject_context(cx, &mut carrier);
    carrier
}

/// The parent's ids and flag, and whether the debug flag is there.
fn read(headers: &[(&str, &str)]) -> Option<(String, String, bool, bool)> {
    let cx = extract(headers);
    let span = cx.span();
    let parent = span.span_context();
    assert!(!parent.is_valid() || parent.is_remote());
    let ids = (parent.trace_id().to_string(), parent.span_id().to_string());
    let debug = cx.get::<DebugFlag>().is_some();
    cx.has_active_span()
        .then_some((ids.0, ids.1, parent.is_sampled(), debug))
}

#[test]
fn both_forms_are_read_and_the_single_header_first() {
    let padded = format!("{}{}", "0".repeat(16), &TRACE[16..]);
    let other = &TRACE.replace('4', "5");
    for (headers, trace_id, sampled, debug) in [
        (
            &[(B3, &*format!("{TRACE}-{SPAN}-1"))][..],
            TRACE,
            true,
            false,
        ),
        (&[(B3, &format!("{TRACE}-{SPAN}-0"))], TRACE, false, false),
        (&[(B3, &format!("{TRACE}-{SPAN}-d"))], TRACE, true, true),
        (&[(B3, &format!("{TRACE}-{SPAN}"))], TRACE, false, false),
        (
            &[(B3, &format!("{TRACE}-{SPAN}-1-{SPAN}"))],
            TRACE,
            true,
            false,
        ),
        (
            &[(B3, &format!("{}-{SPAN}-1", &TRACE[16..]))],
            &padded,
            true,
            false,
        ),
        (
            &[(TRACE_ID, TRACE), (SPAN_ID, SPAN), (SAMPLED, "1")],
            TRACE,
            true,
            false,
        ),
        (
            &[(TRACE_ID, TRACE), (SPAN_ID, SPAN), (SAMPLED, "true")],
            TRACE,
            true,
            false,
        ),
        (
            &[(TRACE_ID, TRACE), (SPAN_ID, SPAN), (SAMPLED, "0")],
            TRACE,
            false,
            false,
        ),
        (
            &[(TRACE_ID, TRACE), (SPAN_ID, SPAN), (FLAGS, "1")],
            TRACE,
            true,
            true,
        ),
        (
            &[(TRACE_ID, TRACE), (SPAN_ID, SPAN), (FLAGS, "0")],
            TRACE,
            false,
            false,
        ),
        (
            &[(TRACE_ID, &TRACE[16..]), (SPAN_ID, SPAN)],
            &padded,
            false,
            false,
        ),
        (
            &[
                (B3, &format!("{TRACE}-{SPAN}-1")),
                (TRACE_ID, other),
                (SPAN_ID, SPAN),
            ],
            TRACE,
            true,
            false,
        ),
        (
            &[(B3, "broken"), (TRACE_ID, TRACE), (SPAN_ID, SPAN)],
            TRACE,
            false,
            false,
        ),
    ] {
        let expected = (trace_id.to_owned(), SPAN.to_owned(), sampled, debug);
        assert_eq!(read(headers), Some(expected), "{headers:?}");
    }
}

#[test]
fn a_decision_alone_is_handed_to_the_sampler() {
    let no_ids = ("0".repeat(32), "0".repeat(16));
    for (headers, sampled, debug) in [
        ((B3, "0"), false, false),
        ((B3, "1"), true, false),
        ((B3, "d"), true, true),
        ((SAMPLED, "0"), false, false),
        ((FLAGS, "1"), true, true),
    ] {
        let (trace_id, span_id) = no_ids.clone();
        let expected = (trace_id, span_id, sampled, debug);
        assert_eq!(read(&[headers]), Some(expected), "{headers:?}");
    }
}

#[test]
fn a_decision_alone_does_not_replace_another_propagators_parent() {
    let cx = extract(&[(B3, &format!("{TRACE}-{SPAN}-1"))]);
    let denied = HashMap::from([(B3.to_owned(), "0".to_owned())]);
    let cx = B3Propagator::single().extract_with_context(&cx, &denied);
    assert!(cx.span().span_context().is_valid());
}

#[test]
fn what_breaks_the_format_is_no_parent() {
    for broken in [
        "",
        "2",
        "-",
        TRACE,
        &format!("{TRACE}-{SPAN}-"),
        &format!("{TRACE}-{SPAN}-2"),
        &format!("{TRACE}-{SPAN}-1-"),
        &format!("{TRACE}-{SPAN}-1-{SPAN}-"),
        &format!("{TRACE}-{SPAN}-1-xxxxxxxxxxxxxxxx"),
        &format!("{TRACE}-{}-1", &SPAN[1..]),
        &format!("{}-{SPAN}-1", &TRACE[1..]),
        &format!("{}-{SPAN}-1", TRACE.to_uppercase()),
        &format!("{}-{SPAN}-1", "0".repeat(32)),
        &format!("{TRACE}-{}-1", "0".repeat(16)),
        &format!("{}-{SPAN}-1", "é".repeat(16)),
    ] {
        assert_eq!(read(&[(B3, broken)]), None, "{broken}");
    }
    for broken in [
        &[(TRACE_ID, TRACE)][..],
        &[(SPAN_ID, SPAN)],
        &[(TRACE_ID, TRACE), (SPAN_ID, "x")],
        &[(TRACE_ID, TRACE), (SPAN_ID, SPAN), (SAMPLED, "x")],
        &[(FLAGS, "0")],
        &[],
    ] {
        assert_eq!(read(broken), None, "{broken:?}");
    }
}

#[test]
fn a_repeated_header_is_no_parent() {
    let mut headers = http::HeaderMap::new();
    for id in [1, 2] {
        let value = format!("{TRACE}-000000000000000{id}-1");
        headers.append(B3, value.parse().unwrap());
    }
    let cx = B3Propagator::multi().extract(&crate::HeaderExtractor(&headers));
    assert!(!cx.has_active_span());
}

#[test]
fn each_form_is_written_as_the_format_says() {
    let own = |pairs: &[(&str, &str)]| -> HashMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    };
    for sampling in ["0", "1", "d"] {
        let header = format!("{TRACE}-{SPAN}-{sampling}");
        let cx = extract(&[(B3, &header)]);
        assert_eq!(inject(B3Propagator::single(), &cx), own(&[(B3, &header)]));
        let decision = match sampling {
            "d" => (FLAGS, "1"),
            _ => (SAMPLED, sampling),
        };
        let expected = own(&[(TRACE_ID, TRACE), (SPAN_ID, SPAN), decision]);
        assert_eq!(inject(B3Propagator::multi(), &cx), expected);
    }
    for nothing in [Context::new(), extract(&[(B3, "0")])] {
        assert!(inject(B3Propagator::multi(), &nothing).is_empty());
    }
    assert_eq!(B3Propagator::single().fields().collect::<Vec<_>>(), [B3]);
    assert_eq!(B3Propagator::multi().fields().count(), 4);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".*|[0-9a-fd-]{0,70}", other in ".*") {
        let _ = read(&[(B3, &text)]);
        let _ = read(&[(TRACE_ID, &text), (SPAN_ID, &other), (SAMPLED, "1")]);
    }

    #[test]
    fn what_is_injected_is_extracted(trace in 1u128.., span in 1u64.., sampled: bool, multi: bool) {
        let flags = TraceFlags::default().with_sampled(sampled);
        let sent = SpanContext::new(trace.into(), span.into(), flags, true, TraceState::default());
        let propagator = if multi { B3Propagator::multi() } else { B3Propagator::single() };
        let carrier = inject(propagator, &Context::new().with_remote_span_context(sent.clone()));
        let cx = propagator.extract_with_context(&Context::new(), &carrier);
        let read = cx.span().span_context().clone();
        prop_assert_eq!(read, sent);
    }
}
