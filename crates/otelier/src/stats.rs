use std::fmt;

use otelier_context::{BaggagePropagator, RequestContext};
use otelier_metrics::prometheus_client::collector::Collector;
use otelier_metrics::prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use otelier_metrics::prometheus_client::metrics::MetricType;
use otelier_metrics::prometheus_client::metrics::counter::ConstCounter;

/// The counters of crates that know no metrics, as metrics.
#[derive(Debug)]
pub(crate) struct Stats(pub(crate) otelier_log::Stats);

impl Collector for Stats {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut dropped = encoder.encode_descriptor(
            "otelier_log_lines_dropped",
            "Log lines that were lost",
            None,
            MetricType::Counter,
        )?;
        for (level, reason, count) in self.0.lines_dropped() {
            let labels = [("level", level.as_str()), ("reason", reason.as_str())];
            ConstCounter::new(count).encode(dropped.encode_family(&labels)?)?;
        }
        let lost = encoder.encode_descriptor(
            "otelier_log_records_lost",
            "Log records that the OpenTelemetry logger did not take",
            None,
            MetricType::Counter,
        )?;
        ConstCounter::new(self.0.records_lost()).encode(lost)?;
        let mut events = encoder.encode_descriptor(
            "otelier_log_events",
            "Log events of a category, by the name the code gives them",
            None,
            MetricType::Counter,
        )?;
        for event in self.0.events() {
            let labels = [
                ("category", event.category),
                ("name", event.name),
                ("severity", event.severity),
            ];
            ConstCounter::new(event.count).encode(events.encode_family(&labels)?)?;
        }
        let refused = encoder.encode_descriptor(
            "otelier_request_fields_refused",
            "Fields of a request that found no room, as a whole or in part",
            None,
            MetricType::Counter,
        )?;
        ConstCounter::new(RequestContext::fields_refused()).encode(refused)?;
        let late = encoder.encode_descriptor(
            "otelier_request_late_writes",
            "Values that were set on a request after its end, and lost",
            None,
            MetricType::Counter,
        )?;
        ConstCounter::new(RequestContext::late_writes()).encode(late)?;
        let baggage = encoder.encode_descriptor(
            "otelier_baggage_dropped",
            "Members and properties of baggage that broke the grammar or the bounds",
            None,
            MetricType::Counter,
        )?;
        ConstCounter::new(BaggagePropagator::dropped()).encode(baggage)
    }
}
