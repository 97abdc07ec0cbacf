use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use opentelemetry::trace::SpanContext;
use otelier_metrics::prometheus_client::encoding::{
    EncodeLabel as _, EncodeLabelSet, LabelSetEncoder,
};
use otelier_metrics::{
    DURATION_BUCKETS, Family, Gauge, Histogram, MAX_SERIES, RegisterError, Registry, Slots,
};

use crate::classify::ErrorType;
use crate::semconv::{self, label};

/// Upper bounds for durations of streams, in seconds: from one to four hours.
const STREAM_BUCKETS: &[f64] = &[
    1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0,
];

/// Upper bounds for sizes of bodies, in bytes: from 256 B to 64 MiB.
const SIZE_BUCKETS: &[f64] = &[
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// The metrics of an HTTP server: `http_server_request_duration_seconds`,
/// `otelier_http_server_stream_duration_seconds` and `http_server_active_requests`.
///
/// A stream is a response of 101, a 2xx to CONNECT, or a body of `text/event-stream`. How long it takes
/// says nothing about the service, so it is in the second histogram, whose buckets go from a second to
/// four hours, and not in the first: the requests are the samples of both. What follows a 101 or a
/// CONNECT is no body, so these end at their heads.
///
/// A layer with [`body_sizes`](crate::ServerBuilder::body_sizes) also records
/// `http_server_request_body_size_bytes` and `http_server_response_body_size_bytes`.
///
/// A registry has them once; each layer over it takes a clone.
#[derive(Debug, Clone)]
pub struct HttpServerMetrics {
    duration: Family<DurationLabels, Histogram>,
    stream: Family<DurationLabels, Histogram>,
    request_size: Family<DurationLabels, Histogram>,
    response_size: Family<DurationLabels, Histogram>,
    active: Family<ActiveLabels, Gauge>,
}

impl HttpServerMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    ///
    /// If they are registered already: clone the first instead.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            duration: registry.histogram_seconds(
                semconv::HTTP_SERVER_REQUEST_DURATION,
                "Duration of HTTP server requests, to the end of the body",
                DURATION_BUCKETS,
            )?,
            stream: registry.histogram_seconds(
                semconv::HTTP_SERVER_STREAM_DURATION,
                "Duration of HTTP server requests that were answered by a stream",
                STREAM_BUCKETS,
            )?,
            request_size: registry.histogram_bytes(
                semconv::HTTP_SERVER_REQUEST_BODY_SIZE,
                "Size of HTTP server request bodies, as announced",
                SIZE_BUCKETS,
            )?,
            response_size: registry.histogram_bytes(
                semconv::HTTP_SERVER_RESPONSE_BODY_SIZE,
                "Size of HTTP server response bodies, as far as they were handed on",
                SIZE_BUCKETS,
            )?,
            active: registry.gauge(
                semconv::HTTP_SERVER_ACTIVE_REQUESTS,
                "HTTP server requests in flight",
            )?,
        })
    }

    fn family(&self, measure: Measure) -> &Family<DurationLabels, Histogram> {
        match measure {
            Measure::Request => &self.duration,
            Measure::Stream => &self.stream,
            Measure::RequestSize => &self.request_size,
            Measure::ResponseSize => &self.response_size,
        }
    }
}

/// What is measured of a request, each in a histogram of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// `http.server.request.duration`, in seconds.
    Request,
    /// The same of one that was answered by a stream.
    Stream,
    /// `http.server.request.body.size`, in bytes.
    RequestSize,
    /// `http.server.response.body.size`, in bytes.
    ResponseSize,
}

/// The handles that a layer has used, so that a request costs no lookup by labels.
#[derive(Debug)]
pub(crate) struct Handles {
    metrics: Option<HttpServerMetrics>,
    active: Slots<ActiveLabels, Gauge, 24>,
    unrouted: Arc<RouteHandles>,
    routes: Slots<Arc<str>, Arc<RouteHandles>, 256>,
}

/// A route and the handles of its requests.
#[derive(Debug)]
pub(crate) struct RouteHandles {
    route: Option<Arc<str>>,
    histograms: Slots<(Measure, DurationLabels), Histogram, 32>,
}

impl Handles {
    pub(crate) fn new(metrics: Option<HttpServerMetrics>) -> Self {
        Self {
            metrics,
            active: Slots::default(),
            unrouted: RouteHandles::new(None),
            routes: Slots::default(),
        }
    }

    pub(crate) fn route(&self, route: Option<&str>) -> Arc<RouteHandles> {
        let Some(route) = route else {
            return Arc::clone(&self.unrouted);
        };
        let make = || {
            let route: Arc<str> = route.into();
            (Arc::clone(&route), RouteHandles::new(Some(route)))
        };
        self.routes
            .get_or_insert_with(|other| **other == *route, make)
    }

    /// Raises `http.server.active_requests`; whoever holds the gauge lowers it.
    pub(crate) fn begin(&self, labels: ActiveLabels) -> Option<Gauge> {
        let metrics = self.metrics.as_ref()?;
        let make = || (labels, metrics.active.handle(labels));
        let gauge = self
            .active
            .get_or_insert_with(|other| *other == labels, make);
        gauge.inc();
        Some(gauge)
    }

    /// Records a value of this measure.
    pub(crate) fn record(
        &self,
        route: &RouteHandles,
        labels: &DurationLabels,
        measure: Measure,
        value: f64,
        span: &SpanContext,
    ) {
        if let Some(metrics) = &self.metrics {
            let make = || {
                let places = labels.places();
                let family = metrics.family(measure);
                let histogram = family.handle_within(places, labels.clone());
                ((measure, labels.clone()), histogram)
            };
            let is_key = |(of, other): &_| *of == measure && other == labels;
            let histogram = route.histograms.get_or_insert_with(is_key, make);
            histogram.observe(value, span);
        }
    }
}

impl RouteHandles {
    /// The template, shared by the requests that match it.
    pub(crate) fn template(&self) -> Option<&Arc<str>> {
        self.route.as_ref()
    }

    fn new(route: Option<Arc<str>>) -> Arc<Self> {
        Arc::new(Self {
            route,
            histograms: Slots::default(),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ActiveLabels {
    pub(crate) method: &'static str,
    pub(crate) scheme: &'static str,
}

impl EncodeLabelSet for ActiveLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        (label::HTTP_REQUEST_METHOD, self.method).encode(encoder.encode_label())?;
        (label::URL_SCHEME, self.scheme).encode(encoder.encode_label())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DurationLabels {
    pub(crate) status: Option<StatusCode>,
    pub(crate) error_type: Option<ErrorType>,
    pub(crate) version: Option<&'static str>,
    pub(crate) request: ActiveLabels,
    pub(crate) route: Option<Arc<str>>,
}

impl DurationLabels {
    /// Half of the places are not for client errors: anybody can bring those about, for each route with
    /// each method, version and scheme, and known routes must find a place all the same.
    fn places(&self) -> usize {
        match self.status {
            Some(status) if status.is_client_error() => MAX_SERIES / 2,
            _ => MAX_SERIES,
        }
    }
}

impl EncodeLabelSet for DurationLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        self.request.encode(encoder)?;
        for (name, value) in [
            (label::HTTP_ROUTE, self.route.as_deref()),
            (
                label::HTTP_RESPONSE_STATUS_CODE,
                self.status.as_ref().map(StatusCode::as_str),
            ),
            (
                label::ERROR_TYPE,
                self.error_type.as_ref().map(ErrorType::as_str),
            ),
            (label::NETWORK_PROTOCOL_VERSION, self.version),
        ] {
            if let Some(value) = value {
                (name, value).encode(encoder.encode_label())?;
            }
        }
        Ok(())
    }
}
