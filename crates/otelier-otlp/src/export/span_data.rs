use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// Does what the SDK leaves undone before a span is exported.
///
/// A clock that was set back while the span ran must not make its duration negative, and strings are
/// cut to so many characters (specification, common/README.md, "Attribute Limits").
pub(super) fn prepare(span: &mut SpanData, max_value_length: Option<usize>) {
    span.end_time = span.end_time.max(span.start_time);
    if let Some(max) = max_value_length {
        cut_values(span, max);
    }
}

fn cut_values(span: &mut SpanData, max: usize) {
    let events = span.events.events.iter_mut();
    let links = span.links.links.iter_mut();
    let attributes = events
        .map(|event| &mut event.attributes)
        .chain(links.map(|link| &mut link.attributes))
        .flatten()
        .chain(&mut span.attributes);
    for KeyValue { value, .. } in attributes {
        match value {
            Value::String(text) => cut(text, max),
            Value::Array(Array::String(texts)) => texts.iter_mut().for_each(|text| cut(text, max)),
            _ => {}
        }
    }
}

fn cut(text: &mut StringValue, max: usize) {
    let end = text.as_str().char_indices().nth(max).map(|(end, _)| end);
    if let Some(end) = end {
        *text = text.as_str()[..end].to_owned().into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{Event, SpanContext, SpanId, SpanKind, Status};
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
    use std::time::{Duration, UNIX_EPOCH};

    fn span() -> SpanData {
        SpanData {
            span_context: SpanContext::NONE,
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Server,
            name: "GET".into(),
            start_time: UNIX_EPOCH + Duration::from_secs(7_200),
            end_time: UNIX_EPOCH + Duration::from_secs(3_600),
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    #[test]
    fn a_clock_set_back_makes_no_negative_duration() {
        let mut span = span();
        prepare(&mut span, None);
        assert_eq!(span.end_time, span.start_time);
    }

    #[test]
    fn values_are_cut_between_characters() {
        let mut span = span();
        let words = vec!["äöüß".into(), "ab".into()];
        span.attributes = vec![
            KeyValue::new("text", "äöüß"),
            KeyValue::new("words", Value::Array(Array::String(words))),
            KeyValue::new("number", 12_345),
        ];
        let attributes = vec![KeyValue::new("text", "x".repeat(1_000))];
        span.events.events = vec![Event::new("e", UNIX_EPOCH, attributes, 0)];

        prepare(&mut span, Some(3));
        let words = vec!["äöü".into(), "ab".into()];
        assert_eq!(
            span.attributes,
            [
                KeyValue::new("text", "äöü"),
                KeyValue::new("words", Value::Array(Array::String(words))),
                KeyValue::new("number", 12_345),
            ]
        );
        assert_eq!(span.events[0].attributes, [KeyValue::new("text", "xxx")]);
    }
}
