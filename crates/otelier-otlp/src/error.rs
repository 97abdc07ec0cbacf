use std::error::Error as StdError;
use std::{fmt, io};

use opentelemetry_otlp::ExporterBuildError;
use otelier_metrics::RegisterError;

/// Why a pipeline could not be started.
#[derive(Debug)]
pub struct Error(Kind);

#[derive(Debug)]
enum Kind {
    /// The setting that has an https endpoint.
    TlsMissing(String),
    Tls(Box<dyn StdError + Send + Sync>),
    Thread(io::Error),
    Metrics(RegisterError),
    Exporter(ExporterBuildError),
}

impl Error {
    /// Whether an endpoint has https, but this crate was built without its feature `tls`.
    pub fn is_tls_missing(&self) -> bool {
        matches!(self.0, Kind::TlsMissing(_))
    }

    /// Whether TLS could not be set up: the system has no root certificates, or a client certificate
    /// does not fit its key.
    pub fn is_tls(&self) -> bool {
        matches!(self.0, Kind::Tls(_))
    }

    /// Whether the registry has the metrics of another pipeline.
    pub fn is_metrics_taken(&self) -> bool {
        matches!(self.0, Kind::Metrics(_))
    }

    #[cfg_attr(feature = "tls", allow(dead_code))]
    pub(crate) fn tls_missing(set_by: &str) -> Self {
        Self(Kind::TlsMissing(set_by.to_owned()))
    }

    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    pub(crate) fn tls(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Kind::Tls(source.into()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::TlsMissing(set_by) => write!(
                f,
                "{set_by} is an endpoint with https, which needs the feature `tls`: switch it on, or \
                 use http"
            ),
            Kind::Tls(_) => f.write_str("TLS to the collector cannot be set up"),
            Kind::Thread(_) => f.write_str("the thread for exports cannot be started"),
            Kind::Metrics(_) => f.write_str("the metrics of the exporters cannot be registered"),
            Kind::Exporter(_) => f.write_str("an OTLP exporter cannot be built"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            Kind::TlsMissing(_) => None,
            Kind::Tls(source) => Some(&**source),
            Kind::Thread(source) => Some(source),
            Kind::Metrics(source) => Some(source),
            Kind::Exporter(source) => Some(source),
        }
    }
}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        Self(Kind::Thread(source))
    }
}

impl From<RegisterError> for Error {
    fn from(source: RegisterError) -> Self {
        Self(Kind::Metrics(source))
    }
}

impl From<ExporterBuildError> for Error {
    fn from(source: ExporterBuildError) -> Self {
        Self(Kind::Exporter(source))
    }
}
