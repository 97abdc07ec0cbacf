use std::fmt;
use std::time::SystemTime;

use opentelemetry::trace::{SpanContext, SpanId, TraceId};
use prometheus_client::encoding::EncodeLabel as _;
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, LabelSetEncoder, MetricEncoder};
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Upper bounds for durations of requests and calls, in seconds, as the semantic conventions for HTTP
/// and RPC metrics advise.
pub const DURATION_BUCKETS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// A histogram whose buckets carry the trace that last fell into them as an exemplar.
#[derive(Clone, Debug)]
pub struct Histogram(HistogramWithExemplars<Exemplar>);

impl Histogram {
    pub(crate) fn new(buckets: &'static [f64]) -> Self {
        Self(HistogramWithExemplars::new(buckets.iter().copied()))
    }

    /// Records a value, and the span in which it was measured as its exemplar if that is sampled. A
    /// value that is not finite is not recorded.
    pub fn observe(&self, value: f64, span: &SpanContext) {
        if !value.is_finite() {
            return;
        }
        let exemplar = span.is_sampled().then(|| Exemplar {
            trace_id: span.trace_id(),
            span_id: span.span_id(),
        });
        let at = exemplar.as_ref().map(|_| SystemTime::now());
        self.0.observe(value, exemplar, at);
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        self.0.encode(encoder)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[derive(Debug)]
struct Exemplar {
    trace_id: TraceId,
    span_id: SpanId,
}

impl EncodeLabelSet for Exemplar {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        ("trace_id", self.trace_id.to_string()).encode(encoder.encode_label())?;
        ("span_id", self.span_id.to_string()).encode(encoder.encode_label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;
    use opentelemetry::trace::{TraceFlags, TraceState};

    fn observe(value: f64, flags: TraceFlags) -> String {
        let registry = Registry::new("test");
        let family = registry
            .histogram_seconds::<[(&str, &str); 0]>("wait", "Wait", DURATION_BUCKETS)
            .unwrap();
        let span = SpanContext::new(1.into(), 2.into(), flags, false, TraceState::NONE);
        family.handle([]).observe(value, &span);
        registry.expose(None).body
    }

    #[test]
    fn a_sampled_span_is_the_exemplar_of_its_bucket() {
        let body = observe(0.3, TraceFlags::SAMPLED);
        let bucket = body
            .lines()
            .find(|line| line.contains(r#"le="0.5""#))
            .unwrap();
        let exemplar = format!(
            " 1 # {{trace_id=\"{:032x}\",span_id=\"{:016x}\"}} 0.3 ",
            1, 2
        );
        assert!(bucket.contains(&exemplar), "{bucket}");
    }

    #[test]
    fn an_unsampled_span_is_no_exemplar() {
        let body = observe(0.3, TraceFlags::NOT_SAMPLED);
        assert!(body.contains("wait_seconds_count{} 1"), "{body}");
        assert!(!body.contains("trace_id"), "{body}");
    }

    #[test]
    fn what_is_not_finite_does_not_poison_the_sum() {
        for value in [f64::NAN, f64::INFINITY] {
            assert!(observe(value, TraceFlags::SAMPLED).contains("wait_seconds_sum{} 0"));
        }
    }
}
