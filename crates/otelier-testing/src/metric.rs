use std::fmt;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{self as otlp, exemplar, metric, number_data_point};

use crate::source::Source;
use crate::store::{Batch, Export};
use crate::value::id;
use crate::{Attributes, List, Value};

/// A metric as one export brought it.
#[derive(Debug)]
pub struct Metric {
    name: String,
    unit: String,
    description: String,
    kind: MetricKind,
    points: Vec<Point>,
    source: Source,
}

impl Metric {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its unit.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// Its description.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What its points are.
    pub fn kind(&self) -> MetricKind {
        self.kind
    }

    /// Its points, one for each set of attributes.
    pub fn points(&self) -> List<Point> {
        List(self.points.clone())
    }

    /// The attributes of the resource (the service) that sent it.
    pub fn resource(&self) -> &Attributes {
        &self.source.resource
    }

    /// The name of its instrumentation scope.
    pub fn scope(&self) -> &str {
        &self.source.scope
    }

    fn new(metric: otlp::Metric, source: &Source) -> Self {
        let (kind, points) = match metric.data {
            None => (MetricKind::Empty, Vec::new()),
            Some(metric::Data::Gauge(gauge)) => (MetricKind::Gauge, points(gauge.data_points)),
            Some(metric::Data::Sum(sum)) => {
                let kind = MetricKind::Sum {
                    monotonic: sum.is_monotonic,
                };
                (kind, points(sum.data_points))
            }
            Some(metric::Data::Histogram(histogram)) => {
                (MetricKind::Histogram, points(histogram.data_points))
            }
            Some(metric::Data::ExponentialHistogram(histogram)) => (
                MetricKind::ExponentialHistogram,
                points(histogram.data_points),
            ),
            Some(metric::Data::Summary(summary)) => {
                (MetricKind::Summary, points(summary.data_points))
            }
        };
        Self {
            name: metric.name,
            unit: metric.unit,
            description: metric.description,
            kind,
            points,
            source: source.clone(),
        }
    }
}

/// A line for each point.
impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.escape_debug();
        self.points
            .iter()
            .try_for_each(|point| write!(f, "  {name}{point}"))
    }
}

/// What a metric's points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// The sender gave no data.
    Empty,
    /// The latest value.
    Gauge,
    /// A sum: a counter where it only rises, else an up-down counter.
    Sum {
        /// Whether it only rises.
        monotonic: bool,
    },
    /// Counts in buckets of given bounds.
    Histogram,
    /// Counts in buckets of exponential bounds; its buckets are not kept.
    ExponentialHistogram,
    /// Quantiles; only count and sum are kept.
    Summary,
}

/// One point of a metric.
#[derive(Clone, Debug, Default)]
pub struct Point {
    attributes: Attributes,
    value: Value,
    count: Option<u64>,
    sum: Option<f64>,
    buckets: Vec<(f64, u64)>,
    exemplars: Vec<Exemplar>,
}

impl Point {
    /// Its attributes.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The value of a gauge or a sum; [`Value::Empty`] for the others.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// How many measurements a histogram or a summary holds.
    pub fn count(&self) -> Option<u64> {
        self.count
    }

    /// The sum of a histogram's or a summary's measurements.
    pub fn sum(&self) -> Option<f64> {
        self.sum
    }

    /// A histogram's buckets: upper bound (the last is infinity) and count, not cumulative.
    pub fn buckets(&self) -> &[(f64, u64)] {
        &self.buckets
    }

    /// Its exemplars.
    pub fn exemplars(&self) -> &[Exemplar] {
        &self.exemplars
    }
}

/// A line: attributes, and value or count and sum.
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}", self.attributes)?;
        match (self.count, self.sum) {
            (Some(count), Some(sum)) => writeln!(f, "  count {count}, sum {sum}"),
            (Some(count), None) => writeln!(f, "  count {count}"),
            (None, _) => writeln!(f, "  {}", self.value),
        }
    }
}

/// A measurement that a point keeps as an example.
#[derive(Clone, Debug)]
pub struct Exemplar {
    trace_id: Option<String>,
    span_id: Option<String>,
    value: Value,
}

impl Exemplar {
    /// The trace it was measured in, 32 lowercase hexadecimal digits.
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// The span it was measured in, 16 lowercase hexadecimal digits.
    pub fn span_id(&self) -> Option<&str> {
        self.span_id.as_deref()
    }

    /// What was measured.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

impl Export for ExportMetricsServiceRequest {
    fn into_batch(self) -> Batch {
        let mut metrics = Vec::new();
        for block in self.resource_metrics {
            let resource = Source::resource(block.resource);
            for block in block.scope_metrics {
                let source = Source::new(&resource, block.scope);
                let metric = |metric| Arc::new(Metric::new(metric, &source));
                metrics.extend(block.metrics.into_iter().map(metric));
            }
        }
        Batch::Metrics(metrics)
    }
}

fn points<P: Into<Point>>(points: Vec<P>) -> Vec<Point> {
    points.into_iter().map(Into::into).collect()
}

impl From<otlp::NumberDataPoint> for Point {
    fn from(point: otlp::NumberDataPoint) -> Self {
        Self {
            attributes: point.attributes.into(),
            value: match point.value {
                Some(number_data_point::Value::AsInt(number)) => Value::Int(number),
                Some(number_data_point::Value::AsDouble(number)) => Value::Double(number),
                None => Value::Empty,
            },
            exemplars: point.exemplars.into_iter().map(Exemplar::from).collect(),
            ..Self::default()
        }
    }
}

impl From<otlp::HistogramDataPoint> for Point {
    fn from(point: otlp::HistogramDataPoint) -> Self {
        let bounds = point.explicit_bounds.into_iter().chain([f64::INFINITY]);
        Self {
            attributes: point.attributes.into(),
            count: Some(point.count),
            sum: point.sum,
            buckets: bounds.zip(point.bucket_counts).collect(),
            exemplars: point.exemplars.into_iter().map(Exemplar::from).collect(),
            ..Self::default()
        }
    }
}

impl From<otlp::ExponentialHistogramDataPoint> for Point {
    fn from(point: otlp::ExponentialHistogramDataPoint) -> Self {
        Self {
            attributes: point.attributes.into(),
            count: Some(point.count),
            sum: point.sum,
            exemplars: point.exemplars.into_iter().map(Exemplar::from).collect(),
            ..Self::default()
        }
    }
}

impl From<otlp::SummaryDataPoint> for Point {
    fn from(point: otlp::SummaryDataPoint) -> Self {
        Self {
            attributes: point.attributes.into(),
            count: Some(point.count),
            sum: Some(point.sum),
            ..Self::default()
        }
    }
}

impl From<otlp::Exemplar> for Exemplar {
    fn from(exemplar: otlp::Exemplar) -> Self {
        Self {
            trace_id: id(&exemplar.trace_id),
            span_id: id(&exemplar.span_id),
            value: match exemplar.value {
                Some(exemplar::Value::AsInt(number)) => Value::Int(number),
                Some(exemplar::Value::AsDouble(number)) => Value::Double(number),
                None => Value::Empty,
            },
        }
    }
}
