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

/// The metrics of HTTP clients: `http_client_request_duration_seconds` and, of gRPC calls,
/// `rpc_client_call_duration_seconds`.
///
/// Each has at most [`MAX_SERIES`](otelier_metrics::MAX_SERIES) series, whatever hosts are called. A
/// registry has them once; each layer over it takes a clone.
#[derive(Debug, Clone)]
pub struct HttpClientMetrics {
    duration: Family<DurationLabels, Histogram>,
    rpc_duration: Family<RpcLabels, Histogram>,
}

impl HttpClientMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    ///
    /// If they are registered already: clone the first instead.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            duration: registry.histogram_seconds(
                semconv::HTTP_CLIENT_REQUEST_DURATION,
                "Duration of HTTP client requests, to the end of the body",
                DURATION_BUCKETS,
            )?,
            rpc_duration: registry.histogram_seconds(
                semconv::RPC_CLIENT_CALL_DURATION,
                "Duration of gRPC client calls, to the end of the stream",
                DURATION_BUCKETS,
            )?,
        })
    }
}

/// The servers and the methods that a layer has called, with the handles of its calls.
#[derive(Debug)]
pub(crate) struct Servers {
    metrics: Option<HttpClientMetrics>,
    unnamed: Arc<Server>,
    named: Slots<Address, Arc<Server>, 64>,
    methods: Slots<Arc<str>, Arc<Method>, 256>,
}

/// `server.address`, in lower case, and `server.port`.
pub(crate) type Address = (Arc<str>, u16);

#[derive(Debug)]
pub(crate) struct Server {
    address: Option<Address>,
    duration: Slots<DurationLabels, Histogram, 16>,
}

/// A gRPC method, with the handles of its calls.
#[derive(Debug)]
pub(crate) struct Method {
    name: Arc<str>,
    duration: Slots<RpcLabels, Histogram, 16>,
}

impl Servers {
    pub(crate) fn new(metrics: Option<HttpClientMetrics>) -> Self {
        Self {
            metrics,
            unnamed: Server::new(None),
            named: Slots::default(),
            methods: Slots::default(),
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

    /// The gRPC method of this name.
    pub(crate) fn method(&self, name: &str) -> Arc<Method> {
        let make = || {
            let name: Arc<str> = name.into();
            (Arc::clone(&name), Method::new(name))
        };
        self.methods
            .get_or_insert_with(|other| **other == *name, make)
    }

    /// Records `rpc.client.call.duration` in seconds.
    pub(crate) fn record_rpc(
        &self,
        method: &Method,
        labels: &RpcLabels,
        seconds: f64,
        span: &SpanContext,
    ) {
        if let Some(metrics) = &self.metrics {
            let make = || {
                let histogram = metrics.rpc_duration.handle(labels.clone());
                (labels.clone(), histogram)
            };
            let histogram = method
                .duration
                .get_or_insert_with(|other| other == labels, make);
            histogram.observe(seconds, span);
        }
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

impl Method {
    /// `rpc.method`.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn new(name: Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            name,
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
        encode_server(self.server.as_ref(), encoder)?;
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

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RpcLabels {
    pub(crate) method: Arc<str>,
    pub(crate) status: Option<&'static str>,
    pub(crate) error_type: Option<ErrorType>,
    pub(crate) server: Option<Address>,
}

impl EncodeLabelSet for RpcLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        (label::RPC_SYSTEM_NAME, semconv::GRPC).encode(encoder.encode_label())?;
        (label::RPC_METHOD, &*self.method).encode(encoder.encode_label())?;
        encode_server(self.server.as_ref(), encoder)?;
        if let Some(status) = self.status {
            (label::RPC_RESPONSE_STATUS_CODE, status).encode(encoder.encode_label())?;
        }
        if let Some(error_type) = &self.error_type {
            (label::ERROR_TYPE, error_type.as_str()).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}

fn encode_server(server: Option<&Address>, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
    if let Some((address, port)) = server {
        (label::SERVER_ADDRESS, &**address).encode(encoder.encode_label())?;
        (label::SERVER_PORT, u64::from(*port)).encode(encoder.encode_label())?;
    }
    Ok(())
}
