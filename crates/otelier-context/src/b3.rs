use std::sync::LazyLock;

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};

use crate::trace_context::hex;

const B3: &str = "b3";
const TRACE_ID: &str = "x-b3-traceid";
const SPAN_ID: &str = "x-b3-spanid";
const SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";

static SINGLE_FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| [B3.to_owned()]);
static MULTI_FIELDS: LazyLock<[String; 4]> =
    LazyLock::new(|| [TRACE_ID, SPAN_ID, SAMPLED, FLAGS].map(str::to_owned));

/// Zipkin's B3 headers, as OpenTelemetry uses them.
///
/// It reads both forms, the single header first, and writes the one it was made for. Trace ids of 64
/// bits are padded on the left. The debug flag counts as sampled and is handed on. Where the headers
/// leave the decision open, the parent counts as not sampled. A decision without ids becomes a remote
/// context without ids, which a parent-based sampler of the SDK obeys, and which does not replace a
/// parent that another propagator has found. Anything else that breaks the format is no parent.
///
/// ```
/// use opentelemetry::propagation::TextMapPropagator as _;
/// use opentelemetry::trace::TraceContextExt as _;
/// use otelier_context::{B3Propagator, HeaderExtractor};
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("b3", "a3ce929d0e0e4736-00f067aa0ba902b7-1".parse()?);
///
/// let cx = B3Propagator::single().extract(&HeaderExtractor(&headers));
/// let trace_id = cx.span().span_context().trace_id().to_string();
/// assert_eq!(trace_id, "0000000000000000a3ce929d0e0e4736");
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct B3Propagator {
    writes: Form,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Single,
    Multi,
}

impl B3Propagator {
    /// Writes the single header `b3`.
    pub fn single() -> Self {
        let writes = Form::Single;
        Self { writes }
    }

    /// Writes the headers `x-b3-traceid`, `x-b3-spanid` and `x-b3-sampled` or `x-b3-flags`.
    pub fn multi() -> Self {
        let writes = Form::Multi;
        Self { writes }
    }
}

impl TextMapPropagator for B3Propagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let span = cx.span();
        let parent = span.span_context();
        if !parent.is_valid() {
            return;
        }
        let (trace_id, span_id) = (parent.trace_id(), parent.span_id());
        let debug = cx.get::<DebugFlag>().is_some();
        let sampling = match (debug, parent.is_sampled()) {
            (true, _) => "d",
            (false, true) => "1",
            (false, false) => "0",
        };
        match self.writes {
            Form::Single => injector.set(B3, format!("{trace_id}-{span_id}-{sampling}")),
            Form::Multi => {
                injector.set(TRACE_ID, trace_id.to_string());
                injector.set(SPAN_ID, span_id.to_string());
                if debug {
                    injector.set(FLAGS, "1".to_owned());
                } else {
                    injector.set(SAMPLED, sampling.to_owned());
                }
            }
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let single = only(extractor, B3).and_then(parse_single);
        let Some(parent) = single.or_else(|| parse_multi(extractor)) else {
            return cx.clone();
        };
        if parent.ids.is_none() && cx.has_active_span() {
            return cx.clone();
        }
        let (trace_id, span_id) = parent.ids.unwrap_or((TraceId::INVALID, SpanId::INVALID));
        let is_sampled = matches!(parent.sampling, Some(Sampling::Accept | Sampling::Debug));
        let flags = TraceFlags::default().with_sampled(is_sampled);
        let remote = SpanContext::new(trace_id, span_id, flags, true, TraceState::default());
        let cx = cx.with_remote_span_context(remote);
        match parent.sampling {
            Some(Sampling::Debug) => cx.with_value(DebugFlag),
            _ => cx,
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(match self.writes {
            Form::Single => SINGLE_FIELDS.as_slice(),
            Form::Multi => MULTI_FIELDS.as_slice(),
        })
    }
}

/// In a context: the caller asked for this trace whatever it costs, and so do we of others. Trace flags
/// of the W3C have no bit for it.
#[derive(Debug)]
struct DebugFlag;

/// At least one of the two is there.
#[derive(Debug, PartialEq)]
struct Parent {
    ids: Option<(TraceId, SpanId)>,
    sampling: Option<Sampling>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Sampling {
    Deny,
    Accept,
    Debug,
}

/// `trace-id "-" span-id [ "-" sampling [ "-" parent-span-id ] ]`, or the sampling alone.
fn parse_single(header: &str) -> Option<Parent> {
    let sampling = |text: &str| match text {
        "0" => Some(Sampling::Deny),
        "1" => Some(Sampling::Accept),
        "d" => Some(Sampling::Debug),
        _ => None,
    };
    if let Some(alone) = sampling(header) {
        return Some(Parent {
            ids: None,
            sampling: Some(alone),
        });
    }
    let mut parts = header.splitn(4, '-');
    let ids = parse_ids(parts.next()?, parts.next()?)?;
    let sampling = match parts.next() {
        Some(text) => Some(sampling(text)?),
        None => None,
    };
    // It is of no use here, but a header with a broken one is a broken header.
    if let Some(parent_span_id) = parts.next() {
        parse_span_id(parent_span_id)?;
    }
    Some(Parent {
        ids: Some(ids),
        sampling,
    })
}

fn parse_multi(extractor: &dyn Extractor) -> Option<Parent> {
    let sampling = match (only(extractor, FLAGS), only(extractor, SAMPLED)) {
        (Some("1"), _) => Some(Sampling::Debug),
        // The words are those of old tracers.
        (_, Some("1" | "true")) => Some(Sampling::Accept),
        (_, Some("0" | "false")) => Some(Sampling::Deny),
        (_, Some(_)) => return None,
        (_, None) => None,
    };
    let ids = match (only(extractor, TRACE_ID), only(extractor, SPAN_ID)) {
        (Some(trace_id), Some(span_id)) => Some(parse_ids(trace_id, span_id)?),
        (None, None) => None,
        _ => return None,
    };
    (ids.is_some() || sampling.is_some()).then_some(Parent { ids, sampling })
}

fn parse_ids(trace_id: &str, span_id: &str) -> Option<(TraceId, SpanId)> {
    let trace_id = trace_id.as_bytes();
    let (high, low) = match trace_id.len() {
        16 => (0, hex(trace_id)?),
        32 => (hex(&trace_id[..16])?, hex(&trace_id[16..])?),
        _ => return None,
    };
    let trace_id = TraceId::from(u128::from(high) << 64 | u128::from(low));
    let span_id = parse_span_id(span_id)?;
    (trace_id != TraceId::INVALID).then_some((trace_id, span_id))
}

fn parse_span_id(text: &str) -> Option<SpanId> {
    let digits = Some(text.as_bytes()).filter(|digits| digits.len() == 16)?;
    let span_id = SpanId::from(hex(digits)?);
    (span_id != SpanId::INVALID).then_some(span_id)
}

/// The header's value, if it came once.
fn only<'a>(extractor: &'a dyn Extractor, name: &str) -> Option<&'a str> {
    let [value] = extractor.get_all(name)?[..] else {
        return None;
    };
    Some(value.trim_matches([' ', '\t']))
}

#[cfg(test)]
mod tests;
