use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry_sdk::error::OTelSdkError;
use otelier_metrics::{Counter, Family, RegisterError, Registry};

use crate::Signal;
use crate::config::{Endpoint, Otlp};
use crate::error_type::error_type;

/// Names as they are registered; the exposition adds `_total`.
const SPANS_EXPORTED: &str = "otel_sdk_exporter_span_exported";
const LOGS_EXPORTED: &str = "otel_sdk_exporter_log_exported";

const WARN_EVERY: Duration = Duration::from_secs(60);

/// Tells how the exports of one signal end: counts each, and warns of failures from time to time.
#[derive(Debug)]
pub(crate) struct Reporter {
    signal: Signal,
    endpoint: Endpoint,
    exported: Family<Labels, Counter>,
    lost: Mutex<Lost>,
    warned: Arc<Warned>,
}

/// Empty on success, else `error_type`.
type Labels = Vec<(&'static str, Cow<'static, str>)>;

/// What an exporter has lost since its start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lost {
    pub(crate) count: u64,
    /// Of the last failure.
    pub(crate) error_type: Cow<'static, str>,
}

/// When the last warning was; the signals share it.
#[derive(Debug, Default)]
pub(crate) struct Warned(Mutex<SinceWarning>);

#[derive(Debug, Default)]
struct SinceWarning {
    at: Option<Instant>,
    lost: u64,
}

impl Reporter {
    pub(crate) fn new(
        otlp: &Otlp,
        registry: &Registry,
        warned: &Arc<Warned>,
    ) -> Result<Self, RegisterError> {
        let (name, help) = match otlp.signal {
            Signal::Traces => (SPANS_EXPORTED, "Spans whose export has ended"),
            Signal::Logs => (LOGS_EXPORTED, "Log records whose export has ended"),
        };
        let exported = registry.counter(name, help)?;
        exported.handle(Labels::new());
        Ok(Self {
            signal: otlp.signal,
            endpoint: otlp.endpoint.clone(),
            exported,
            lost: Mutex::default(),
            warned: Arc::clone(warned),
        })
    }

    pub(crate) fn exported(&self, count: u64) {
        self.exported.handle(Labels::new()).inc_by(count);
    }

    pub(crate) fn failed(&self, count: u64, error: &OTelSdkError, cause: Option<&str>) {
        let error_type = error_type(error);
        let labels = vec![("error_type", error_type.clone())];
        self.exported.handle(labels).inc_by(count);
        if let Some(lost) = self.warned.due(count, Instant::now()) {
            let error = error.to_string();
            tracing::warn!(
                target: "otelier::otlp",
                signal = %self.signal,
                endpoint = %self.endpoint,
                error_type = &*error_type,
                error = cause.unwrap_or(&error),
                lost,
                "telemetry could not be exported: {lost} spans and log records are lost since the \
                 last such warning"
            );
        }
        let mut lost = lock(&self.lost);
        lost.count += count;
        lost.error_type = error_type;
    }

    pub(crate) fn lost(&self) -> Lost {
        lock(&self.lost).clone()
    }
}

impl Warned {
    /// Adds to what is lost; all of it, if a warning is due.
    fn due(&self, lost: u64, now: Instant) -> Option<u64> {
        let mut since = lock(&self.0);
        since.lost += lost;
        if since
            .at
            .is_some_and(|at| now.duration_since(at) < WARN_EVERY)
        {
            return None;
        }
        since.at = Some(now);
        Some(std::mem::take(&mut since.lost))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_warning_a_minute_and_it_counts_what_came_between() {
        let warned = Warned::default();
        let start = Instant::now();
        assert_eq!(warned.due(3, start), Some(3));
        for second in 1..60 {
            assert_eq!(warned.due(2, start + Duration::from_secs(second)), None);
        }
        let minute = start + WARN_EVERY;
        assert_eq!(warned.due(1, minute), Some(2 * 59 + 1));
        assert_eq!(warned.due(1, minute), None);
    }
}
