use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use opentelemetry::trace::SpanContext;
use otelier_metrics::prometheus_client::encoding::{
    EncodeLabel as _, EncodeLabelSet, LabelSetEncoder,
};
use otelier_metrics::{DURATION_BUCKETS, Family, Histogram, RegisterError, Registry, Slots};

use crate::classify::ErrorType;
use crate::semconv::{self, label};

/// The longest host that is a label of its own, in bytes: no name in the DNS is longer.
const MAX_HOST: usize = 255;

/// The metric of HTTP clients: `http_client_request_duration_seconds`.
///
/// It has at most [`MAX_SERIES`](otelier_metrics::MAX_SERIES) series, whatever hosts are called. A
/// registry has it once; each layer over it takes a clone.
#[derive(Debug, Clone)]
pub struct HttpClientMetrics {
    duration: Family<DurationLabels, Histogram>,
}

impl HttpClientMetrics {
    /// Registers the metric.
    ///
    /// # Errors
    ///
    /// If it is registered already: clone the first instead.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            duration: registry.histogram_seconds(
                semconv::HTTP_CLIENT_REQUEST_DURATION,
                "Duration of HTTP client requests, to the end of the body",
                DURATION_BUCKETS,
            )?,
        })
    }
}

/// The servers that a layer has called, with the handles of its calls.
#[derive(Debug)]
pub(crate) struct Servers {
    metrics: Option<HttpClientMetrics>,
    unnamed: Arc<Server>,
    named: Slots<Address, Arc<Server>, 64>,
}

/// `server.address`, in lower case, and `server.port`.
pub(crate) type Address = (Arc<str>, u16);

#[derive(Debug)]
pub(crate) struct Server {
    address: Option<Address>,
    duration: Slots<DurationLabels, Histogram, 16>,
}

impl Servers {
    pub(crate) fn new(metrics: Option<HttpClientMetrics>) -> Self {
        Self {
            metrics,
            unnamed: Server::new(None),
            named: Slots::default(),
        }
    }

    /// The server of this host and port. A host that is too long to be one is not told.
    pub(crate) fn get(&self, server: Option<(&str, u16)>) -> Arc<Server> {
        let Some((host, port)) = server.filter(|(host, _)| host.len() <= MAX_HOST) else {
            return Arc::clone(&self.unnamed);
        };
        let is_same = |other: &Address| other.1 == port && other.0.eq_ignore_ascii_case(host);
        self.named.get_or_insert_with(is_same, || {
            let address: Address = (host.to_ascii_lowercase().into(), port);
            (address.clone(), Server::new(Some(address)))
        })
    }

    /// Records `http.client.request.duration` in seconds.
    pub(crate) fn record(
        &self,
        server: &Server,
        labels: &DurationLabels,
        seconds: f64,
        span: &SpanContext,
    ) {
        if let Some(metrics) = &self.metrics {
            let make = || (labels.clone(), metrics.duration.handle(labels.clone()));
            let histogram = server
                .duration
                .get_or_insert_with(|other| other == labels, make);
            histogram.observe(seconds, span);
        }
    }
}

impl Server {
    /// Where it is, if that is known.
    pub(crate) fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    fn new(address: Option<Address>) -> Arc<Self> {
        Arc::new(Self {
            address,
            duration: Slots::default(),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DurationLabels {
    pub(crate) method: &'static str,
    pub(crate) status: Option<StatusCode>,
    pub(crate) error_type: Option<ErrorType>,
    pub(crate) server: Option<Address>,
}

impl EncodeLabelSet for DurationLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        (label::HTTP_REQUEST_METHOD, self.method).encode(encoder.encode_label())?;
        if let Some((address, port)) = &self.server {
            (label::SERVER_ADDRESS, &**address).encode(encoder.encode_label())?;
            (label::SERVER_PORT, u64::from(*port)).encode(encoder.encode_label())?;
        }
        if let Some(status) = &self.status {
            let label = (label::HTTP_RESPONSE_STATUS_CODE, status.as_str());
            label.encode(encoder.encode_label())?;
        }
        if let Some(error_type) = &self.error_type {
            (label::ERROR_TYPE, error_type.as_str()).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}
