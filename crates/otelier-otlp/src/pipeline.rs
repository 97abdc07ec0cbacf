use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use otelier_context::{B3Propagator, BaggagePropagator, TraceContextPropagator};
use otelier_metrics::Registry;

use crate::config::{Config, Propagator, Warning};
use crate::providers::Providers;
use crate::shutdown::{Flush, ShutdownError, wait};
use crate::{Error, Signal};

const DROP_DEADLINE: Duration = Duration::from_secs(2);
const MAX_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// Tracers and loggers, and the way of what they record to the collector.
///
/// It sets no global. If it is dropped without [`shutdown`](Self::shutdown), it shuts down within two
/// seconds, which block the thread.
#[must_use = "a pipeline that is dropped exports no more"]
pub struct Pipeline {
    providers: Providers,
    resource: Resource,
    propagators: Vec<Propagator>,
    warnings: Vec<Warning>,
    is_shut_down: AtomicBool,
}

impl Pipeline {
    /// Starts what `config` asks for; its counters are registered in `registry`.
    ///
    /// It does not connect: a collector that is not there is no error, neither here nor later.
    ///
    /// # Errors
    ///
    /// If an endpoint has https and the feature `tls` is off, if a client certificate and its key do
    /// not fit together, if the system has no root certificates or no thread left, or if the registry
    /// has the metrics of another pipeline.
    pub fn start(config: Config, registry: &Registry) -> Result<Self, Error> {
        let mut warnings = config.warnings.clone();
        let resource = config.attributes.clone().resource();
        Ok(Self {
            providers: Providers::build(&config, &resource, registry, &mut warnings)?,
            resource,
            propagators: config.propagators,
            warnings,
            is_shut_down: AtomicBool::new(false),
        })
    }

    /// A tracer for the instrumentation of this name. It works too where spans are not exported: they
    /// have ids, for the log.
    pub fn tracer(&self, name: &'static str) -> SdkTracer {
        self.providers.tracers.tracer(name)
    }

    /// The provider of all tracers, for `opentelemetry::global`.
    pub fn tracer_provider(&self) -> &SdkTracerProvider {
        &self.providers.tracers
    }

    /// A logger for the instrumentation of this name, if log records are exported.
    pub fn logger(&self, name: &'static str) -> Option<SdkLogger> {
        Some(self.logger_provider()?.logger(name))
    }

    /// The provider of all loggers, if log records are exported.
    pub fn logger_provider(&self) -> Option<&SdkLoggerProvider> {
        self.providers.loggers.as_ref()
    }

    /// The propagators of `OTEL_PROPAGATORS`, as one.
    pub fn propagator(&self) -> TextMapCompositePropagator {
        let make = |propagator: &Propagator| -> Box<dyn TextMapPropagator + Send + Sync> {
            match propagator {
                Propagator::TraceContext => Box::new(TraceContextPropagator),
                Propagator::Baggage => Box::new(BaggagePropagator),
                Propagator::B3 => Box::new(B3Propagator::single()),
                Propagator::B3Multi => Box::new(B3Propagator::multi()),
            }
        };
        TextMapCompositePropagator::new(self.propagators.iter().map(make).collect())
    }

    /// The attributes of everything that is exported; `iter` lists them.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// What could not be read of the settings, and of the files that they name.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Exports what is recorded, all signals side by side, and ends the export. It blocks the thread
    /// until that is done, `deadline` at most, and needs no runtime of the caller's: it may be called
    /// on any thread, also one of a current-thread runtime.
    ///
    /// What has not been exported by then is given up, and counted as failed. What is recorded later
    /// is dropped.
    ///
    /// # Errors
    ///
    /// If a signal could not be exported whole, or if the pipeline is shut down already.
    pub fn shutdown(&self, deadline: Duration) -> Result<(), ShutdownError> {
        if self.is_shut_down.swap(true, Ordering::AcqRel) {
            return Err(ShutdownError::already());
        }
        let deadline = deadline.min(MAX_DEADLINE);
        let end = Instant::now() + deadline;
        let Providers {
            tracers,
            loggers,
            traces,
            logs,
            runtime,
        } = self.providers.clone();
        if let Some(runtime) = runtime {
            runtime.cut_off_at(end);
        }
        let traces = Flush::start(Signal::Traces, traces, end, move || {
            tracers.shutdown_with_timeout(deadline)
        });
        let logs = loggers.map(|loggers| {
            let shut_down = move || loggers.shutdown_with_timeout(deadline);
            Flush::start(Signal::Logs, logs, end, shut_down)
        });
        wait([traces].into_iter().chain(logs), end, deadline)
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        if let Err(error) = self.shutdown(DROP_DEADLINE)
            && !error.is_already_shut_down()
        {
            tracing::warn!(target: "otelier::otlp", %error, "telemetry was lost at the end");
        }
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("traces", &self.providers.traces)
            .field("logs", &self.providers.logs)
            .field("is_shut_down", &self.is_shut_down)
            .finish_non_exhaustive()
    }
}
