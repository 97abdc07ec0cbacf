use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

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

/// Which measurements carry their span as an exemplar (OpenTelemetry specification, metrics/sdk.md,
/// "ExemplarFilter").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExemplarFilter {
    /// Those in a sampled span.
    #[default]
    TraceBased,
    /// Those in any span, sampled or not.
    AlwaysOn,
    /// None.
    AlwaysOff,
}

/// A histogram whose buckets carry the trace that last fell into them as an exemplar.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: HistogramWithExemplars<Exemplar>,
    filter: ExemplarFilter,
}

impl Histogram {
    pub(crate) fn new(bounds: &'static [f64], filter: ExemplarFilter) -> Self {
        Self {
            buckets: HistogramWithExemplars::new(bounds.iter().copied()),
            filter,
        }
    }

    /// Records a value, and the span in which it was measured as its exemplar if the registry's
    /// [`ExemplarFilter`] takes it. A value that is not finite is not recorded.
    pub fn observe(&self, value: f64, span: &SpanContext) {
        if !value.is_finite() {
            return;
        }
        let is_exemplar = match self.filter {
            ExemplarFilter::TraceBased => span.is_sampled(),
            ExemplarFilter::AlwaysOn => span.is_valid(),
            ExemplarFilter::AlwaysOff => false,
        };
        let exemplar = is_exemplar.then(|| Exemplar {
            trace_id: span.trace_id(),
            span_id: span.span_id(),
        });
        // The encoder cannot write a time before 1970.
        let now = || Some(SystemTime::now()).filter(|now| *now >= UNIX_EPOCH);
        let at = exemplar.as_ref().and_then(|_| now());
        self.buckets.observe(value, exemplar, at);
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        self.buckets.encode(encoder)
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
        observe_filtered(value, flags, ExemplarFilter::default())
    }

    fn observe_filtered(value: f64, flags: TraceFlags, filter: ExemplarFilter) -> String {
        let registry = Registry::new("test").exemplars(filter);
        let family = registry
            .histogram_seconds::<[(&str, &str); 0]>("wait", "Wait", DURATION_BUCKETS)
            .unwrap();
        let span = SpanContext::new(1.into(), 2.into(), flags, false, TraceState::NONE);
        family.handle([]).observe(value, &span);
        registry.expose(None).unwrap().body
    }

    #[test]
    fn the_filter_decides_what_is_an_exemplar() {
        use ExemplarFilter::{AlwaysOff, AlwaysOn};
        let on = observe_filtered(0.3, TraceFlags::NOT_SAMPLED, AlwaysOn);
        assert!(on.contains("trace_id"), "{on}");
        let off = observe_filtered(0.3, TraceFlags::SAMPLED, AlwaysOff);
        assert!(!off.contains("trace_id"), "{off}");
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
