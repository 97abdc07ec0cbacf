use std::fmt;
use std::sync::{Arc, Weak};

use otelier_metrics::Registry;
use otelier_metrics::prometheus_client::collector::Collector;
use otelier_metrics::prometheus_client::encoding::DescriptorEncoder;
use otelier_metrics::prometheus_client::metrics::MetricType;
use otelier_metrics::prometheus_client::registry::Unit;

use crate::check::{CheckState, Status};
use crate::registry::{Health, Inner};

const STATUS: &str = "otelier_health_status";
const DURATION: &str = "otelier_health_check_duration"; // `_seconds` is its unit's

impl Health {
    /// Adds `otelier_health_status{check}` (1 if it passes, else 0) and
    /// `otelier_health_check_duration_seconds{check}` (the last run's) to a metrics registry, which
    /// reads them at each scrape. Call it once; it does not keep the checks running.
    pub fn register(&self, registry: &Registry) {
        registry.register_collector(Checks(Arc::downgrade(&self.0)));
    }
}

struct Checks(Weak<Inner>);

impl Collector for Checks {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(inner) = self.0.upgrade() else {
            return Ok(());
        };
        let checks = Health(inner).checks();
        let label = |check: &CheckState| [("check", check.name().to_owned())];

        let help = "Whether a health check passes";
        let mut status = encoder.encode_descriptor(STATUS, help, None, MetricType::Gauge)?;
        for check in &checks {
            let passes = i64::from(check.status() == Status::Pass);
            status.encode_family(&label(check))?.encode_gauge(&passes)?;
        }

        let help = "How long the last run of a health check took";
        let unit = Some(&Unit::Seconds);
        let mut duration = encoder.encode_descriptor(DURATION, help, unit, MetricType::Gauge)?;
        for check in &checks {
            if let Some(took) = check.duration() {
                let seconds = took.as_secs_f64();
                duration
                    .encode_family(&label(check))?
                    .encode_gauge(&seconds)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checks")
    }
}
