use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::{EncodeLabel as _, EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family as Unbounded, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;

/// How many series a metric may have, besides the one that takes what is beyond.
pub const MAX_SERIES: usize = 2_000;

/// A metric by its label sets, at most [`MAX_SERIES`] of them.
///
/// Label sets that come later share one series, labelled `otel_metric_overflow="true"` as the
/// OpenTelemetry metrics SDK does (specification, metrics/sdk.md, "Overflow attribute").
pub struct Family<L, M> {
    series: Unbounded<Series<L>, M, Constructor<M>>,
    count: Arc<Mutex<usize>>,
    own: Overflow,
    name: Arc<str>,
}

impl<L: Clone + Eq + Hash, M: Clone> Family<L, M> {
    pub(crate) fn new(
        name: &str,
        make: impl Fn() -> M + Send + Sync + 'static,
        overflow: &Overflow,
    ) -> Self {
        Self {
            series: Unbounded::new_with_constructor(Constructor(Arc::new(make))),
            count: Arc::default(),
            own: overflow.clone(),
            name: name.into(),
        }
    }

    /// The series of these labels, made if it is new.
    ///
    /// This hashes the labels and takes a lock: where it can, the caller keeps the handle.
    pub fn handle(&self, labels: L) -> M {
        self.handle_within(MAX_SERIES, labels)
    }

    /// As [`handle`](Self::handle), but makes a series only while there are fewer than `places`.
    ///
    /// For label sets that others can bring about, so that those that matter find a place.
    pub fn handle_within(&self, places: usize, labels: L) -> M {
        let labels = Series::Of(labels);
        if let Some(series) = self.series.get(&labels) {
            return series.clone();
        }
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = self.series.get(&labels) {
            return series.clone(); // another thread was first
        }
        if *count >= places.min(MAX_SERIES) {
            drop(count);
            self.overflowed();
            return self.series.get_or_create_owned(&Series::Overflow);
        }
        *count += 1;
        self.own.series.get_or_create(&self.label()).inc();
        self.series.get_or_create_owned(&labels)
    }

    pub(crate) fn metric(&self) -> Unbounded<Series<L>, M, Constructor<M>> {
        self.series.clone()
    }

    fn overflowed(&self) {
        let name = &*self.name;
        if self.own.overflows.get_or_create(&self.label()).inc() == 0 {
            tracing::warn!(
                target: "otelier::metrics",
                metric = name,
                "{name} has as many series as it may, further label sets share one: \
                 look for a label with unbounded values"
            );
        }
    }

    fn label(&self) -> MetricLabel {
        [("metric", Arc::clone(&self.name))]
    }
}

impl<L, M> Clone for Family<L, M> {
    fn clone(&self) -> Self {
        Self {
            series: self.series.clone(),
            count: Arc::clone(&self.count),
            own: self.own.clone(),
            name: Arc::clone(&self.name),
        }
    }
}

impl<L, M> fmt::Debug for Family<L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("name", &self.name)
            .field("series", &self.count)
            .finish_non_exhaustive()
    }
}

type MetricLabel = [(&'static str, Arc<str>); 1];

/// A registry's metrics about its own metrics.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overflow {
    pub(crate) series: Unbounded<MetricLabel, Gauge>,
    pub(crate) overflows: Unbounded<MetricLabel, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Series<L> {
    Of(L),
    Overflow,
}

impl<L: EncodeLabelSet> EncodeLabelSet for Series<L> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        match self {
            Self::Of(labels) => labels.encode(encoder),
            Self::Overflow => ("otel_metric_overflow", "true").encode(encoder.encode_label()),
        }
    }
}

pub(crate) struct Constructor<M>(Arc<dyn Fn() -> M + Send + Sync>);

impl<M> Clone for Constructor<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> fmt::Debug for Constructor<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Constructor")
    }
}

impl<M> MetricConstructor<M> for Constructor<M> {
    fn new_metric(&self) -> M {
        (self.0)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    #[test]
    fn threads_that_make_a_series_at_once_count_it_once() {
        let registry = Registry::new("test");
        let hits = registry
            .counter::<[(&str, u64); 1]>("hits", "Hits")
            .unwrap();
        let barrier = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for path in 0..50 {
                        barrier.wait();
                        hits.handle([("path", path)]).inc();
                    }
                });
            }
        });
        let body = registry.expose(None).unwrap().body;
        assert!(
            body.contains("otelier_series{metric=\"hits\"} 50\n"),
            "{body}"
        );
    }

    #[test]
    fn label_sets_beyond_the_bound_share_one_series() {
        let registry = Registry::new("test");
        let hits = registry
            .counter::<[(&str, String); 1]>("hits", "Hits")
            .unwrap();
        let hit = |path: usize| hits.handle([("path", path.to_string())]).inc();
        (0..10 * MAX_SERIES).for_each(|path| {
            hit(path);
        });
        hit(7);

        let body = registry.expose(None).unwrap().body;
        let series = body.lines().filter(|line| line.starts_with("hits_total"));
        assert_eq!(series.count(), MAX_SERIES + 1);
        let beyond = 9 * MAX_SERIES;
        for line in [
            "hits_total{path=\"7\"} 2",
            &format!("hits_total{{otel_metric_overflow=\"true\"}} {beyond}"),
            &format!("otelier_series{{metric=\"hits\"}} {MAX_SERIES}"),
            &format!("otelier_series_overflow_total{{metric=\"hits\"}} {beyond}"),
        ] {
            assert!(body.lines().any(|other| other == line), "{line}");
        }
    }
}
