use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderName, Method};
use opentelemetry::propagation::TextMapPropagator;
use otelier_context::{RequestObserver, TraceContextPropagator};

use super::HttpLayer;
use crate::capture::Captured;
use crate::classify::{Classifier, HttpServerClassifier};
use crate::grpc::{Grpc, GrpcServerMetrics};
use crate::metrics::HttpServerMetrics;
use crate::observe::TracingEvent;
use crate::recording::{Recorder, Settings};
use crate::resolve::{PeerOf, RouteOf, TenantResolver};
use crate::{Cidr, Trust, semconv};

const REQUEST_ID_HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-correlation-id"),
];

/// Builds an [`HttpLayer`] for servers.
///
/// Without further settings a request has a span and one `tracing` event at its end.
#[must_use]
pub struct ServerBuilder<T> {
    tracer: T,
    settings: Settings,
    access_log: bool,
}

impl<T> ServerBuilder<T> {
    pub(super) fn new(tracer: T) -> Self {
        Self {
            tracer,
            settings: Settings {
                body_sizes: false,
                catch_panic: false,
                classifier: Box::new(HttpServerClassifier::default()),
                grpc: None,
                metrics: None,
                observers: Vec::new(),
                peer_of: None,
                propagator: Box::new(TraceContextPropagator),
                request_headers: Captured::default(),
                response_headers: Captured::default(),
                request_id_headers: REQUEST_ID_HEADERS.into(),
                route_of: None,
                scheme: "http",
                skip: Box::new(is_probe),
                tenant: None,
                trust: Trust::default(),
                trusted_proxies: Vec::new(),
            },
            access_log: true,
        }
    }

    /// Records each request in these metrics, with its trace as the exemplar.
    pub fn metrics(mut self, metrics: HttpServerMetrics) -> Self {
        self.settings.metrics = Some(metrics);
        self
    }

    /// Tells this observer of each request's end. There may be several; once there is one, the
    /// `tracing` event is left to them.
    pub fn observer(mut self, observer: impl RequestObserver + 'static) -> Self {
        self.settings.observers.push(Arc::new(observer));
        self
    }

    /// Whether a layer without an observer emits a `tracing` event at a request's end, with the target
    /// `otelier::access`. Default: true.
    pub fn access_log(mut self, access_log: bool) -> Self {
        self.access_log = access_log;
        self
    }

    /// How to find the tenant. Default: there is none.
    pub fn tenant(mut self, resolver: impl TenantResolver) -> Self {
        self.settings.tenant = Some(Box::new(resolver));
        self
    }

    /// How to find the router's template. Default: there is none.
    pub fn route_of(mut self, route_of: impl RouteOf) -> Self {
        self.settings.route_of = Some(Box::new(route_of));
        self
    }

    /// How to find the peer's address. Default: it is unknown.
    pub fn peer_of(mut self, peer_of: impl PeerOf) -> Self {
        self.settings.peer_of = Some(Box::new(peer_of));
        self
    }

    /// What the ending of an HTTP request means. Default: [`HttpServerClassifier`].
    pub fn classifier(mut self, classifier: impl Classifier) -> Self {
        self.settings.classifier = Box::new(classifier);
        self
    }

    /// Whether calls of gRPC are told as such: by method and gRPC status, not by route and HTTP status.
    /// Default: false, unless one of the other `grpc_` settings is made.
    ///
    /// A call is a POST whose `content-type` is `application/grpc`, with or without a suffix, so that
    /// HTTP and gRPC may share a port. gRPC-Web is HTTP.
    pub fn grpc(mut self, grpc: bool) -> Self {
        self.settings.grpc = grpc.then(|| self.settings.grpc.take().unwrap_or_default());
        self
    }

    /// Records each gRPC call in these metrics, with its trace as the exemplar, and not in those of
    /// HTTP.
    pub fn grpc_metrics(mut self, metrics: GrpcServerMetrics) -> Self {
        self.grpc_settings().metrics = Some(metrics);
        self
    }

    /// The gRPC methods that this server has, as `package.Service/Method`.
    ///
    /// A method that is not declared is `_OTHER` until the service has told a status of it that shows
    /// that it exists: not UNIMPLEMENTED, and none with which a layer before the router turns anybody
    /// away (UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNAVAILABLE). 256 are learned so,
    /// of at most 256 bytes.
    pub fn grpc_methods(mut self, methods: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.grpc_settings().declare(methods);
        self
    }

    /// What the ending of a gRPC call means. Default: [`GrpcServerClassifier`](crate::GrpcServerClassifier).
    pub fn grpc_classifier(mut self, classifier: impl Classifier) -> Self {
        self.grpc_settings().classifier = Box::new(classifier);
        self
    }

    /// Whose trace and request id to take over. Default: [`Trust::Always`].
    ///
    /// [`Trust::FromProxies`] needs [`peer_of`](Self::peer_of): an unknown peer is in no network.
    pub fn trust(mut self, trust: Trust) -> Self {
        self.settings.trust = trust;
        self
    }

    /// The networks of the proxies in front of this server. Default: none.
    ///
    /// Where the peer is one of them, `client.address` is the first address, from the server's side,
    /// that is not: as `Forwarded` (RFC 7239) says or, where there is none, `X-Forwarded-For`. 32 hops
    /// are looked at, and what is no address ends the walk. Their `proto` or `X-Forwarded-Proto` is
    /// `url.scheme`. The request ids that they send are kept, whatever [`trust`](Self::trust) says. It
    /// needs [`peer_of`](Self::peer_of).
    ///
    /// Each of these proxies must write or remove both headers: one that writes `X-Forwarded-For` and
    /// lets a client's `Forwarded` pass lets the client choose its address.
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = Cidr>) -> Self {
        self.settings.trusted_proxies = proxies.into_iter().collect();
        self
    }

    /// In which headers a request's id may come: of the first that has one valid value it is kept.
    /// Default: `x-request-id`, `x-correlation-id`.
    ///
    /// The response has the id in the first of them. Without any, each request gets an id that the
    /// response does not tell.
    pub fn request_id_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.settings.request_id_headers = names.into_iter().collect();
        self
    }

    /// Which of a request's headers are on its span from the start, as `http.request.header.<name>`:
    /// the first 8 values of each, cut after 256 bytes. Default: none.
    ///
    /// Of `authorization`, `cookie`, `proxy-authorization`, `set-cookie`, `x-api-key` and each value that
    /// is marked as sensitive the span says `REDACTED`. Any other goes out as it is.
    pub fn capture_request_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.settings.request_headers = Captured::new(names, semconv::HTTP_REQUEST_HEADER);
        self
    }

    /// As [`capture_request_headers`](Self::capture_request_headers), of the response: as
    /// `http.response.header.<name>`. Default: none.
    pub fn capture_response_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.settings.response_headers = Captured::new(names, semconv::HTTP_RESPONSE_HEADER);
        self
    }

    /// How to read the parent span from the request's headers. Default: W3C Trace Context.
    pub fn propagator(
        mut self,
        propagator: impl TextMapPropagator + Send + Sync + 'static,
    ) -> Self {
        self.settings.propagator = Box::new(propagator);
        self
    }

    /// Says that clients reach this server by TLS: `url.scheme` is `https` where the request does not
    /// say. Default: false.
    pub fn tls(mut self, tls: bool) -> Self {
        self.settings.scheme = if tls { "https" } else { "http" };
        self
    }

    /// Which requests to pass on untold: without span, metrics, line and request id. Default: GET and HEAD
    /// of `/livez`, `/readyz` and `/metrics`, which this replaces.
    pub fn skip(mut self, skip: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.settings.skip = Box::new(skip);
        self
    }

    /// Whether the sizes of bodies are attributes of the span and samples of
    /// `http_server_request_body_size_bytes` and `http_server_response_body_size_bytes`. Default: false.
    ///
    /// Of a request it is its `content-length`, no more than 1 TiB: without one the size is not known,
    /// and whether the client sent as much is not looked at. Of a response it is what was handed on.
    pub fn body_sizes(mut self, body_sizes: bool) -> Self {
        self.settings.body_sizes = body_sizes;
        self
    }

    /// Whether a panic before the response's head becomes a 500 with the request's id. It is recorded
    /// as a panic either way; if it is not caught it goes on. Default: false.
    pub fn catch_panic(mut self, catch_panic: bool) -> Self {
        self.settings.catch_panic = catch_panic;
        self
    }

    fn grpc_settings(&mut self) -> &mut Grpc {
        self.settings.grpc.get_or_insert_default()
    }

    /// The layer.
    pub fn build(mut self) -> HttpLayer<T> {
        if self.access_log && self.settings.observers.is_empty() {
            self.settings.observers.push(Arc::new(TracingEvent));
        }
        HttpLayer {
            tracer: self.tracer,
            recorder: Recorder::new(self.settings),
        }
    }
}

fn is_probe(head: &Parts) -> bool {
    matches!(head.method, Method::GET | Method::HEAD)
        && matches!(head.uri.path(), "/livez" | "/readyz" | "/metrics")
}

impl<T> fmt::Debug for ServerBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder").finish_non_exhaustive()
    }
}
