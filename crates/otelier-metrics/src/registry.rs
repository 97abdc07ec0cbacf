use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Unit};

use crate::expose::{self, Exposition};
use crate::family::{Family, Overflow};
use crate::histogram::{ExemplarFilter, Histogram};
use crate::target::Target;

/// The metrics of one service; a cheap handle, cloned freely.
///
/// Registering takes a lock and belongs to start-up; recording goes through the handles that the
/// families give out and takes none of this registry's.
#[derive(Clone, Debug)]
pub struct Registry {
    inner: Arc<Mutex<Inner>>,
    target: Target,
    overflow: Overflow,
    exemplars: ExemplarFilter,
}

#[derive(Debug, Default)]
struct Inner {
    names: HashSet<String>,
    metrics: prometheus_client::registry::Registry,
}

impl Registry {
    /// A registry whose `target_info` names this service.
    pub fn new(service: &str) -> Self {
        let target = Target::new(service);
        let overflow = Overflow::default();
        let mut metrics = prometheus_client::registry::Registry::default();
        metrics.register_collector(Box::new(target.clone()));
        metrics.register(
            "otelier_series",
            "Series that a metric holds",
            overflow.series.clone(),
        );
        metrics.register(
            "otelier_series_overflow",
            "Label sets that found their metric full",
            overflow.overflows.clone(),
        );
        let names = [
            "target_info",
            "otelier_series",
            "otelier_series_overflow_total",
        ];
        Self {
            inner: Arc::new(Mutex::new(Inner {
                names: names.map(str::to_owned).into(),
                metrics,
            })),
            target,
            overflow,
            exemplars: ExemplarFilter::default(),
        }
    }

    /// Which measurements carry an exemplar, in the histograms that are registered through this handle
    /// and its clones from here on. Default: those in a sampled span.
    #[must_use]
    pub fn exemplars(mut self, filter: ExemplarFilter) -> Self {
        self.exemplars = filter;
        self
    }

    /// Replaces the labels of `target_info`, given as resource attributes (`service.name`).
    pub fn set_target<K: AsRef<str>, V: ToString>(
        &self,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) {
        self.target.set(attributes);
    }

    /// Registers a counter. Its name comes without `_total`, which the exposition adds.
    ///
    /// # Errors
    ///
    /// If the name is not a metric name or is taken.
    pub fn counter<L>(&self, name: &str, help: &str) -> Result<Family<L, Counter>, RegisterError>
    where
        L: EncodeLabelSet + Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    {
        let family = Family::new(name, Counter::default, &self.overflow);
        self.register(name, help, None, &["_total"], family.metric())?;
        Ok(family)
    }

    /// Registers a gauge.
    ///
    /// # Errors
    ///
    /// If the name is not a metric name or is taken.
    pub fn gauge<L>(&self, name: &str, help: &str) -> Result<Family<L, Gauge>, RegisterError>
    where
        L: EncodeLabelSet + Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    {
        let family = Family::new(name, Gauge::default, &self.overflow);
        self.register(name, help, None, &[""], family.metric())?;
        Ok(family)
    }

    /// Registers a histogram of seconds with these upper bounds. Its name comes without `_seconds`,
    /// which the exposition adds.
    ///
    /// # Errors
    ///
    /// If the name is not a metric name or is taken.
    pub fn histogram_seconds<L>(
        &self,
        name: &str,
        help: &str,
        buckets: &'static [f64],
    ) -> Result<Family<L, Histogram>, RegisterError>
    where
        L: EncodeLabelSet + Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    {
        self.histogram(name, help, Unit::Seconds, buckets)
    }

    /// As [`histogram_seconds`](Self::histogram_seconds), of bytes: the exposition adds `_bytes`.
    ///
    /// # Errors
    ///
    /// If the name is not a metric name or is taken.
    pub fn histogram_bytes<L>(
        &self,
        name: &str,
        help: &str,
        buckets: &'static [f64],
    ) -> Result<Family<L, Histogram>, RegisterError>
    where
        L: EncodeLabelSet + Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    {
        self.histogram(name, help, Unit::Bytes, buckets)
    }

    /// Adds metrics that are read at the time of a scrape, such as a crate's own counters. The collector
    /// must not use this registry, which is locked meanwhile, and its names are not checked.
    pub fn register_collector(&self, collector: impl Collector + 'static) {
        self.lock().metrics.register_collector(Box::new(collector));
    }

    /// Everything in this registry, as a scraper with this `Accept` header wants it: OpenMetrics 1.0
    /// with exemplars, or text 0.0.4 if that is preferred.
    ///
    /// # Errors
    ///
    /// If a collector of [`register_collector`](Self::register_collector) fails.
    pub fn expose(&self, accept: Option<&str>) -> Result<Exposition, fmt::Error> {
        expose::expose(&self.lock().metrics, accept)
    }

    fn histogram<L>(
        &self,
        name: &str,
        help: &str,
        unit: Unit,
        buckets: &'static [f64],
    ) -> Result<Family<L, Histogram>, RegisterError>
    where
        L: EncodeLabelSet + Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    {
        let with_unit = format!("_{}", unit.as_str());
        let filter = self.exemplars;
        let make = move || Histogram::new(buckets, filter);
        let family = Family::new(&format!("{name}{with_unit}"), make, &self.overflow);
        let suffixes =
            ["", "_bucket", "_count", "_sum"].map(|suffix| format!("{with_unit}{suffix}"));
        let suffixes = suffixes.each_ref().map(String::as_str);
        self.register(name, help, Some(unit), &suffixes, family.metric())?;
        Ok(family)
    }

    fn register(
        &self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        suffixes: &[&str],
        metric: impl Metric,
    ) -> Result<(), RegisterError> {
        if !is_metric_name(name) {
            return Err(RegisterError::new(name, Kind::InvalidName));
        }
        let mut inner = self.lock();
        let names: Vec<_> = suffixes
            .iter()
            .map(|suffix| format!("{name}{suffix}"))
            .collect();
        if names.iter().any(|name| inner.names.contains(name)) {
            return Err(RegisterError::new(name, Kind::Taken));
        }
        inner.names.extend(names);
        // The encoder writes the help text as it is: a line feed in it would forge a line, and the two
        // expositions escape quotes differently.
        let help = help
            .replace(char::is_control, " ")
            .replace('"', "'")
            .replace('\\', r"\\");
        match unit {
            Some(unit) => inner.metrics.register_with_unit(name, help, unit, metric),
            None => inner.metrics.register(name, help, metric),
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`, the name of a metric in OpenMetrics 1.0, section "ABNF".
fn is_metric_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    name.bytes().all(legal) && name.bytes().next().is_some_and(|b| !b.is_ascii_digit())
}

/// A metric that could not be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterError {
    name: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    InvalidName,
    Taken,
}

impl RegisterError {
    fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
        }
    }

    /// Whether a metric of this name is registered already.
    pub fn is_taken(&self) -> bool {
        self.kind == Kind::Taken
    }

    /// Whether the name is not a metric name.
    pub fn is_invalid_name(&self) -> bool {
        self.kind == Kind::InvalidName
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.kind {
            Kind::InvalidName => write!(
                f,
                "{name:?} is not a metric name: use letters, digits, _ and :, with no digit first"
            ),
            Kind::Taken => write!(
                f,
                "the metric {name} is registered already: keep its handle"
            ),
        }
    }
}

impl std::error::Error for RegisterError {}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::SpanContext;

    type NoLabels = [(&'static str, &'static str); 0];

    #[test]
    fn a_name_is_registered_once() {
        let registry = Registry::new("test");
        registry.gauge::<NoLabels>("depth", "Depth").unwrap();
        registry.counter::<NoLabels>("jobs", "Jobs").unwrap();
        registry
            .histogram_seconds::<NoLabels>("wait", "Wait", &[1.0])
            .unwrap();
        registry.gauge::<NoLabels>("wait", "Waiting").unwrap();
        for taken in ["depth", "jobs_total", "wait_seconds_sum", "target_info"] {
            let error = registry.gauge::<NoLabels>(taken, "Taken").unwrap_err();
            assert!(error.is_taken(), "{taken}");
        }
    }

    #[test]
    fn a_histogram_has_its_unit_in_its_name() {
        let registry = Registry::new("test");
        let bytes = registry.histogram_bytes::<[(&str, &str); 0]>("size", "Size", &[256.0]);
        bytes.unwrap().handle([]).observe(300.0, &SpanContext::NONE);
        for accept in [None, Some("text/plain")] {
            let body = registry.expose(accept).unwrap().body;
            assert!(
                body.contains("size_bytes_bucket{le=\"256.0\"} 0\n"),
                "{body}"
            );
            assert!(body.contains("size_bytes_sum{} 300.0\n"), "{body}");
        }
        let again = registry.histogram_bytes::<[(&str, &str); 0]>("size", "Size", &[256.0]);
        assert!(again.unwrap_err().is_taken());
    }

    #[test]
    fn what_is_not_a_metric_name_is_refused() {
        let registry = Registry::new("test");
        for name in ["", "1st", "a b", "a\nb", "é", "a-b"] {
            let error = registry.gauge::<NoLabels>(name, "Help").unwrap_err();
            assert!(error.is_invalid_name(), "{name:?}");
        }
    }

    #[test]
    fn a_help_text_cannot_forge_a_line() {
        let registry = Registry::new("test");
        let gauge = registry
            .gauge::<NoLabels>("depth", "Depth\nforged 1\r")
            .unwrap();
        gauge.handle([]).set(1);
        assert!(!registry.expose(None).unwrap().body.contains("\nforged"));
    }
}
