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
use crate::histogram::Histogram;
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
        let names = ["target", "otelier_series", "otelier_series_overflow"];
        Self {
            inner: Arc::new(Mutex::new(Inner {
                names: names.map(str::to_owned).into(),
                metrics,
            })),
            target,
            overflow,
        }
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
        self.register(name, help, None, family.metric())?;
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
        self.register(name, help, None, family.metric())?;
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
        let seconds = format!("{name}_seconds");
        let family = Family::new(&seconds, move || Histogram::new(buckets), &self.overflow);
        self.register(name, help, Some(Unit::Seconds), family.metric())?;
        Ok(family)
    }

    /// Adds metrics that are read at the time of a scrape, such as a crate's own counters.
    pub fn register_collector(&self, collector: impl Collector + 'static) {
        self.lock().metrics.register_collector(Box::new(collector));
    }

    /// Everything in this registry, as a scraper with this `Accept` header wants it: OpenMetrics 1.0
    /// with exemplars, or text 0.0.4 if that is preferred.
    pub fn expose(&self, accept: Option<&str>) -> Exposition {
        expose::expose(&self.lock().metrics, accept)
    }

    fn register(
        &self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        metric: impl Metric,
    ) -> Result<(), RegisterError> {
        if !is_metric_name(name) {
            return Err(RegisterError::new(name, Kind::InvalidName));
        }
        let mut inner = self.lock();
        if !inner.names.insert(name.to_owned()) {
            return Err(RegisterError::new(name, Kind::Taken));
        }
        // The encoder writes the help text as it is: a line feed in it would forge a line.
        let help = help.replace(char::is_control, " ");
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

    type NoLabels = [(&'static str, &'static str); 0];

    #[test]
    fn a_name_is_registered_once() {
        let registry = Registry::new("test");
        registry.gauge::<NoLabels>("depth", "Depth").unwrap();
        let error = registry.counter::<NoLabels>("depth", "Depth").unwrap_err();
        assert!(error.is_taken());
        assert!(
            registry
                .gauge::<NoLabels>("target", "T")
                .unwrap_err()
                .is_taken()
        );
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
        assert!(!registry.expose(None).body.contains("\nforged"));
    }
}
