use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer};
use opentelemetry::{Context, KeyValue};
use otelier_context::{
    ContextExt as _, HeaderExtractor, Level, Outcome, RequestContext, RequestEnd, RequestId,
    RequestObserver,
};
use otelier_metrics::Gauge;

use crate::capture::Captured;
use crate::classify::{Class, Classifier, Ending, ErrorType};
use crate::grpc::{Call, Grpc};
use crate::inbound::{Inbound, UsualTexts, is_event_stream};
use crate::metrics::{
    ActiveLabels, DurationLabels, Handles, HttpServerMetrics, Measure, RouteHandles,
};
use crate::resolve::{PeerOf, RouteOf, TenantResolver};
use crate::{Cidr, GrpcStatus, Trust, semconv};

/// The most that the size of a request's body counts for, in bytes: it is the client's word, and one
/// huge one would be all that a histogram's sum tells.
const MAX_ANNOUNCED: u64 = 1 << 40;

/// Which requests are not told of.
type Skip = dyn Fn(&Parts) -> bool + Send + Sync;

/// What a layer was built with.
pub(crate) struct Settings {
    pub(crate) body_sizes: bool,
    pub(crate) catch_panic: bool,
    pub(crate) classifier: Box<dyn Classifier>,
    pub(crate) grpc: Option<Grpc>,
    pub(crate) metrics: Option<HttpServerMetrics>,
    pub(crate) observers: Vec<Arc<dyn RequestObserver>>,
    pub(crate) peer_of: Option<Box<dyn PeerOf>>,
    pub(crate) request_headers: Captured,
    pub(crate) response_headers: Captured,
    pub(crate) propagator: Box<dyn TextMapPropagator + Send + Sync>,
    pub(crate) request_id_headers: Vec<HeaderName>,
    pub(crate) route_of: Option<Box<dyn RouteOf>>,
    pub(crate) scheme: &'static str,
    pub(crate) skip: Box<Skip>,
    pub(crate) tenant: Option<Box<dyn TenantResolver>>,
    pub(crate) trust: Trust,
    pub(crate) trusted_proxies: Vec<Cidr>,
}

/// What the requests of a layer share.
pub(crate) struct Recorder {
    settings: Settings,
    handles: Handles,
    usual: UsualTexts,
}

impl Recorder {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            handles: Handles::new(settings.metrics.clone()),
            settings,
            usual: UsualTexts::default(),
        })
    }

    /// Whether the request with this head is not told of.
    pub(crate) fn skips(&self, head: &Parts) -> bool {
        guarded("skip", || (self.settings.skip)(head)).unwrap_or(false)
    }

    /// Starts the span, the clock and the gauge of the request with this head.
    pub(crate) fn start<T>(self: &Arc<Self>, tracer: &T, head: &Parts) -> Box<Recording>
    where
        T: Tracer,
        T::Span: Send + Sync + 'static,
    {
        let (start, wall) = (Instant::now(), SystemTime::now());
        let settings = &self.settings;
        let peer = settings.peer_of.as_ref();
        let peer = peer.and_then(|of| guarded("peer_of", || of.peer(head))?);
        let proxies = &settings.trusted_proxies;
        let inbound = Inbound::read(head, peer, proxies, settings.scheme);
        let peer = peer.map(|peer| peer.ip());
        let call = settings.grpc.as_ref().and_then(|grpc| grpc.call(head));
        let route = settings.route_of.as_ref().filter(|_| call.is_none());
        let route = route.and_then(|of| guarded("route_of", || of.route(head))?);
        let route = self.handles.route(route);
        let keeps_id =
            settings.trust.includes(peer) || peer.is_some_and(|peer| Cidr::any(proxies, peer));
        let (id, replaced) = request_id(&head.headers, settings, keeps_id, wall);

        let mut attributes = match &call {
            Some(call) => call.attributes(&inbound, &self.usual),
            None => inbound.attributes(&self.usual),
        };
        attributes.extend(settings.request_headers.attributes(&head.headers));
        let id_text = id.encode(&mut [0; 36]).to_owned();
        attributes.push(KeyValue::new(semconv::REQUEST_ID, id_text));
        if replaced {
            attributes.push(KeyValue::new(semconv::REQUEST_ID_REPLACED, true));
        }
        if let Some(template) = route.template() {
            attributes.push(KeyValue::new(semconv::HTTP_ROUTE, Arc::clone(template)));
        }
        let request = RequestContext::new(id);
        let tenant = settings.tenant.as_ref();
        if let Some(tenant) = tenant.and_then(|of| guarded("tenant", || of.tenant(head))?) {
            attributes.push(KeyValue::new(semconv::TENANT_ID, tenant.clone()));
            request.set_tenant(tenant);
        }

        // Not the current context: on a current-thread runtime that may be another task's.
        let (parent, links) = settings.trust.parent(peer, || {
            let headers = HeaderExtractor(&head.headers);
            let propagator = &settings.propagator;
            propagator.extract_with_context(&Context::new(), &headers)
        });
        let mut builder = SpanBuilder::from_name(match &call {
            Some(call) => call.method().name().to_string().into(),
            None => inbound.span_name(route.template().map(|template| &**template)),
        });
        builder.span_kind = Some(SpanKind::Server);
        builder.start_time = Some(wall);
        builder.attributes = Some(attributes);
        builder.links = links;
        let span = tracer.build_with_context(builder, &parent);

        let active = match &call {
            Some(_) => None,
            None => self.handles.begin(ActiveLabels {
                method: inbound.method,
                scheme: inbound.scheme,
            }),
        };
        Box::new(Recording {
            active,
            call,
            cx: parent.with_request(Arc::clone(&request)).with_span(span),
            recorder: Arc::clone(self),
            tenant_on_span: request.tenant().is_some(),
            request,
            inbound,
            route,
            start,
            wall,
            response: None,
            is_stream: false,
            bytes_out: 0,
            finished: false,
        })
    }
}

/// One request, from its head to its end. It ends once: by [`finish`](Self::finish), or as cancelled
/// when it is dropped before.
pub(crate) struct Recording {
    recorder: Arc<Recorder>,
    cx: Context,
    request: Arc<RequestContext>,
    inbound: Inbound,
    route: Arc<RouteHandles>,
    active: Option<Gauge>,
    /// If it is one of gRPC.
    call: Option<Call>,
    tenant_on_span: bool,
    start: Instant,
    wall: SystemTime,
    response: Option<(StatusCode, Duration)>,
    is_stream: bool,
    bytes_out: u64,
    finished: bool,
}

impl Recording {
    /// The context of this request, to be attached around whatever runs on its behalf.
    pub(crate) fn context(&self) -> Context {
        self.cx.clone()
    }

    pub(crate) fn catches_panics(&self) -> bool {
        self.recorder.settings.catch_panic
    }

    /// The response's head is ready: it gets the request's id, and its time is taken.
    pub(crate) fn head(&mut self, status: StatusCode, headers: &mut HeaderMap) {
        self.response = Some((status, self.start.elapsed()));
        self.is_stream = self.starts_stream(status, headers);
        if let Some(call) = &mut self.call {
            call.head(headers);
        }
        let mut buffer = [0; 36];
        let name = self.recorder.settings.request_id_headers.first();
        let id = HeaderValue::from_str(self.request.id().encode(&mut buffer));
        if let (Some(name), Ok(id)) = (name, id) {
            headers.insert(name, id);
        }
        let captured = &self.recorder.settings.response_headers;
        let span = self.cx.span();
        if !captured.is_empty() && span.is_recording() {
            span.set_attributes(captured.attributes(headers));
        }
    }

    pub(crate) fn is_grpc(&self) -> bool {
        self.call.is_some()
    }

    /// Whether the body's last byte is not the response's end.
    pub(crate) fn expects_trailers(&self) -> bool {
        self.call.as_ref().is_some_and(Call::expects_trailers)
    }

    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(call) = &mut self.call {
            call.trailers(trailers);
        }
    }

    /// Whether a server hands on no byte of the response's body, and so may never ask for one
    /// (RFC 9110, sections 9.3.2, 9.3.6 and 15).
    pub(crate) fn has_no_body(&self) -> bool {
        match self.response.map_or(0, |(status, _)| status.as_u16()) {
            100..=199 | 204 | 304 => true,
            200..=299 => self.inbound.is_head || self.inbound.is_connect,
            _ => self.inbound.is_head,
        }
    }

    fn starts_stream(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        let is_tunnel = self.inbound.is_connect && status.is_success();
        let is_upgrade = status == StatusCode::SWITCHING_PROTOCOLS;
        is_tunnel || is_upgrade || !self.has_no_body() && is_event_stream(headers)
    }

    /// So many bytes of the response's body were handed on.
    pub(crate) fn sent(&mut self, bytes: u64) {
        self.bytes_out += bytes;
    }

    pub(crate) fn bytes_out(&self) -> u64 {
        self.bytes_out
    }

    pub(crate) fn finish(mut self, outcome: Outcome) {
        self.end(outcome, None);
    }

    pub(crate) fn finish_with_error(mut self, error: Option<&(dyn Error + 'static)>) {
        self.end(Outcome::ServiceError, error);
    }

    /// The one place in which a request ends.
    fn end(&mut self, outcome: Outcome, service_error: Option<&(dyn Error + 'static)>) {
        self.finished = true;
        let duration = self.start.elapsed();
        self.request.end();
        if let Some(active) = &self.active {
            active.dec();
        }
        let status = self.response.map(|(status, _)| status);
        let settings = &self.recorder.settings;
        let call = settings.grpc.as_ref().zip(self.call.as_ref());
        let grpc_status = call.map(|(_, call)| call.status(outcome, status, duration));
        let ending = Ending {
            outcome,
            status,
            application_error: self.request.error(),
            service_error,
            grpc_status,
        };
        let classifier = match call {
            Some((grpc, _)) => &grpc.classifier,
            None => &settings.classifier,
        };
        let class = guarded("classifier", || classifier.classify(&ending))
            .unwrap_or(Class::error(ErrorType::Word(semconv::OTHER), Level::Error));
        let error_type = class.error_type.as_ref().map(ErrorType::as_str);
        self.end_span(status, grpc_status, error_type, duration);

        let labels = DurationLabels {
            status,
            error_type: class.error_type,
            version: self.inbound.version,
            request: ActiveLabels {
                method: self.inbound.method,
                scheme: self.inbound.scheme,
            },
            route: self.route.template().cloned(),
        };
        match call.zip(grpc_status) {
            Some(((grpc, call), status)) => {
                let span = self.cx.span();
                let (seconds, span) = (duration.as_secs_f64(), span.span_context());
                grpc.record(call, self.inbound.path(), status, class, seconds, span);
            }
            None => self.record(&labels, duration),
        }

        let mut end = RequestEnd::new(outcome, class.level, self.wall, duration);
        end.head = self.response.map(|(_, head)| head);
        end.method = self.inbound.method;
        end.route = labels.route.as_deref();
        end.operation = self.request.operation();
        end.path = self.inbound.path();
        end.status_code = status
            .filter(|_| call.is_none())
            .map(|status| status.as_u16());
        end.rpc_method = call.map(|(_, call)| &**call.method().name());
        end.rpc_status_code = grpc_status.map(GrpcStatus::as_str);
        end.error_type = error_type;
        end.protocol_version = self.inbound.version;
        end.client_address = self.inbound.client_address();
        end.user_agent = self.inbound.user_agent();
        end.bytes_in = self.inbound.bytes_in;
        end.bytes_out = status.map(|_| self.bytes_out);
        end.is_stream = self.is_stream;
        self.tell(&end);
    }

    fn record(&self, labels: &DurationLabels, duration: Duration) {
        let span = self.cx.span();
        let record = |measure, value| {
            let handles = &self.recorder.handles;
            handles.record(&self.route, labels, measure, value, span.span_context());
        };
        let measure = match self.is_stream {
            true => Measure::Stream,
            false => Measure::Request,
        };
        record(measure, duration.as_secs_f64());
        let (request, response) = self.body_sizes();
        for (measure, size) in [
            (Measure::RequestSize, request),
            (Measure::ResponseSize, response),
        ] {
            if let Some(bytes) = size {
                record(measure, bytes as f64);
            }
        }
    }

    /// The sizes of the request's and the response's body in bytes, where they are asked for and known.
    fn body_sizes(&self) -> (Option<i64>, Option<i64>) {
        if !self.recorder.settings.body_sizes || self.is_grpc() {
            return (None, None);
        }
        let announced = self.inbound.bytes_in;
        let sent = self.response.map(|_| self.bytes_out);
        (
            announced.map(|bytes| bytes.min(MAX_ANNOUNCED) as i64),
            sent.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        )
    }

    fn end_span(
        &self,
        status: Option<StatusCode>,
        grpc_status: Option<GrpcStatus>,
        error_type: Option<&str>,
        duration: Duration,
    ) {
        let span = self.cx.span();
        let status = match grpc_status {
            Some(status) => Some(KeyValue::new(
                semconv::RPC_RESPONSE_STATUS_CODE,
                status.as_str(),
            )),
            None => status.map(|status| {
                let code = i64::from(status.as_u16());
                KeyValue::new(semconv::HTTP_RESPONSE_STATUS_CODE, code)
            }),
        };
        let error = error_type.map(|word| KeyValue::new(semconv::ERROR_TYPE, word.to_owned()));
        let late_tenant = self.request.tenant().filter(|_| !self.tenant_on_span);
        let tenant = late_tenant.map(|tenant| KeyValue::new(semconv::TENANT_ID, tenant.clone()));
        let user = self.request.user();
        let user = user.map(|user| KeyValue::new(semconv::USER_ID, user.clone()));
        let operation = self.request.operation();
        let operation = operation.map(|operation| KeyValue::new(semconv::OPERATION, operation));
        let (request, response) = self.body_sizes();
        let request = request.map(|size| KeyValue::new(semconv::HTTP_REQUEST_BODY_SIZE, size));
        let response = response.map(|size| KeyValue::new(semconv::HTTP_RESPONSE_BODY_SIZE, size));
        let fields = self.request.fields();
        let fields = fields
            .iter()
            .map(|(key, value)| KeyValue::new(semconv::field_key(key), value.clone()));
        let own = [status, error, tenant, user, operation, request, response]
            .into_iter()
            .flatten();
        // Neither is made for a span that does not record.
        span.set_attributes(own.chain(fields));
        if error_type.is_some() {
            span.set_status(Status::error(""));
        }
        // By the monotonic clock: a wall clock that was set back must not make a negative span.
        span.end_with_timestamp(self.wall + duration);
    }

    fn tell(&self, end: &RequestEnd<'_>) {
        let _guard = self.cx.clone().attach();
        for observer in &self.recorder.settings.observers {
            guarded("observer", || observer.on_end(end));
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !self.finished {
            let before_head = self.response.is_none();
            self.end(Outcome::Cancelled { before_head }, None);
        }
    }
}

/// Calls the application's code: a panic in it must neither reach the client nor, in a drop, abort the
/// process.
pub(crate) fn guarded<R>(what: &'static str, call: impl FnOnce() -> R) -> Option<R> {
    let result = catch_unwind(AssertUnwindSafe(call));
    if result.is_err() {
        tracing::error!(target: "otelier::tower", what, "a setting of the middleware panicked");
    }
    result.ok()
}

/// The id that came with the request if it is a valid one and may be kept, or a new one; and whether
/// what came had to be replaced.
fn request_id(
    headers: &HeaderMap,
    settings: &Settings,
    keep: bool,
    now: SystemTime,
) -> (RequestId, bool) {
    let mut came = false;
    for name in &settings.request_id_headers {
        let mut values = headers.get_all(name).iter();
        let first = values.next();
        came |= first.is_some();
        let only = first.filter(|_| keep && values.next().is_none());
        if let Some(kept) = only.and_then(|value| value.to_str().ok()?.parse().ok()) {
            return (kept, false);
        }
    }
    (RequestId::made_at(now), came)
}
