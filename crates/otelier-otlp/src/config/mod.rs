mod endpoint;
mod env;
mod otlp;
mod propagators;
mod resource;
mod sdk;
#[cfg(test)]
mod tests;

use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::trace::Sampler;
use otelier_metrics::ExemplarFilter;

pub(crate) use endpoint::{Endpoint, Protocol};
use env::Env;
pub use env::Warning;
pub(crate) use otlp::Otlp;
#[cfg(feature = "tls")]
pub(crate) use otlp::TlsFiles;
pub(crate) use propagators::Propagator;
use resource::Attributes;
pub(crate) use sdk::{Batch, Limits};

use crate::Signal;

/// What the `OTEL_*` variables say, and what the application sets in code.
///
/// A value that cannot be read is a [`Warning`] and its default is used; it is never an error.
#[derive(Debug, Clone)]
pub struct Config {
    disabled: bool,
    export_traces: bool,
    export_logs: Option<bool>,
    metrics: bool,
    prometheus_host: String,
    prometheus_port: u16,
    exemplar_filter: ExemplarFilter,
    traces: Otlp,
    logs: Otlp,
    pub(crate) attributes: Attributes,
    pub(crate) propagators: Vec<Propagator>,
    pub(crate) sampler: Sampler,
    pub(crate) limits: Limits,
    pub(crate) warnings: Vec<Warning>,
}

impl Config {
    /// Reads the process's environment. `service_name` is used where the environment names none.
    pub fn from_env(service_name: &str) -> Self {
        Self::from_lookup(service_name, |name| {
            let value = std::env::var_os(name)?;
            Some(value.to_string_lossy().into_owned())
        })
    }

    /// Reads variables from another place than the environment, as a test does.
    pub fn from_lookup(service_name: &str, lookup: impl Fn(&str) -> Option<String>) -> Self {
        let env = &mut Env::new(&lookup);
        let mut config = Self {
            disabled: env.flag(&["OTEL_SDK_DISABLED"]),
            export_traces: env.choice(&["OTEL_TRACES_EXPORTER"], [("otlp", true), ("none", false)]),
            export_logs: env.word(
                &["OTEL_LOGS_EXPORTER"],
                "otlp where an OTLP endpoint is set",
                [("otlp", true), ("none", false)],
            ),
            metrics: metrics(env),
            prometheus_host: env
                .text("OTEL_EXPORTER_PROMETHEUS_HOST")
                .unwrap_or_else(|| "localhost".to_owned()),
            prometheus_port: prometheus_port(env),
            exemplar_filter: env.choice(
                &["OTEL_METRICS_EXEMPLAR_FILTER"],
                [
                    ("trace_based", ExemplarFilter::TraceBased),
                    ("always_on", ExemplarFilter::AlwaysOn),
                    ("always_off", ExemplarFilter::AlwaysOff),
                ],
            ),
            traces: Otlp::from_env(env, Signal::Traces),
            logs: Otlp::from_env(env, Signal::Logs),
            attributes: Attributes::from_env(env, service_name),
            propagators: propagators::from_env(env),
            sampler: sdk::sampler(env),
            limits: Limits::from_env(env),
            warnings: Vec::new(),
        };
        config.warnings = std::mem::take(&mut env.warnings);
        config
    }

    /// Exports both signals to this endpoint, whatever the environment says: a base URL, as
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` is. One that cannot be read is a warning.
    pub fn endpoint(mut self, url: &str) -> Self {
        const NAME: &str = "the endpoint set in code";
        let read = |otlp: &Otlp| otlp.read_endpoint(url, NAME);
        let problem = match (read(&self.traces), read(&self.logs)) {
            (Some(traces), Some(logs)) => {
                let had_userinfo = traces.had_userinfo;
                (self.traces.endpoint, self.logs.endpoint) = (traces, logs);
                had_userinfo.then_some(otlp::USERINFO)
            }
            _ => Some("is not a URL of http or https: it is not used"),
        };
        if let Some(problem) = problem {
            Warning::new(NAME, problem).add_to(&mut self.warnings);
        }
        self
    }

    /// Sets `service.version`.
    pub fn version(self, version: impl Into<Value>) -> Self {
        self.attribute("service.version", version)
    }

    /// Sets `deployment.environment.name`.
    pub fn environment(self, name: impl Into<Value>) -> Self {
        self.attribute("deployment.environment.name", name)
    }

    /// Sets an attribute of the resource, whatever the environment says of it.
    pub fn attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.attributes.in_code.push(KeyValue::new(key, value));
        self
    }

    /// Whether `OTEL_SDK_DISABLED` switches all telemetry off.
    pub fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// Whether metrics are to be offered to a scraper (`OTEL_METRICS_EXPORTER`).
    pub fn offers_metrics(&self) -> bool {
        self.metrics && !self.disabled
    }

    /// Where a scraper finds them: host and port, 0 for a free one.
    pub fn prometheus_address(&self) -> (&str, u16) {
        (&self.prometheus_host, self.prometheus_port)
    }

    /// Which measurements carry their trace as an exemplar (`OTEL_METRICS_EXEMPLAR_FILTER`).
    pub fn exemplar_filter(&self) -> ExemplarFilter {
        self.exemplar_filter
    }

    /// What could not be read.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// How spans are exported, if they are.
    pub(crate) fn traces(&self) -> Option<&Otlp> {
        (self.export_traces && !self.disabled).then_some(&self.traces)
    }

    /// How log records are exported, if they are: where nothing is said, they follow an endpoint that
    /// was set.
    pub(crate) fn logs(&self) -> Option<&Otlp> {
        let endpoint_set = || self.logs.endpoint.set_by.is_some();
        let export = self.export_logs.unwrap_or_else(endpoint_set) && !self.disabled;
        export.then_some(&self.logs)
    }
}

fn metrics(env: &mut Env<'_>) -> bool {
    const EXPORTER: &str = "OTEL_METRICS_EXPORTER";
    const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    const PULLED: &str = "metrics are pulled by a scraper, not pushed";
    if env.text(ENDPOINT).is_some() {
        env.warn(ENDPOINT, format!("has no effect: {PULLED}"));
    }
    let exporter = env.text(EXPORTER).unwrap_or_default();
    if exporter.eq_ignore_ascii_case("otlp") {
        let problem = format!("is otlp, but {PULLED}: the default, prometheus, is used");
        env.warn(EXPORTER, problem);
        return true;
    }
    env.choice(&[EXPORTER], [("prometheus", true), ("none", false)])
}

fn prometheus_port(env: &mut Env<'_>) -> u16 {
    let name = ["OTEL_EXPORTER_PROMETHEUS_PORT"];
    env.read(&name, "a port number", "9464", |text| text.parse().ok())
        .map_or(9464, |(_, port)| port)
}
