use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri};
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer};
use opentelemetry::{Context, KeyValue};
use otelier_context::{Level, Outcome, RequestEnd, RequestObserver};

use super::grpc;
use super::inject::Injection;
use super::metrics::{DurationLabels, HttpClientMetrics, RpcLabels, Servers};
use super::outbound::Outbound;
use crate::classify::{Class, Classifier, Ending, ErrorType};
use crate::inbound::protocol_version;
use crate::recording::guarded;
use crate::{GrpcStatus, semconv};

/// What the calls of a layer share.
pub(crate) struct Recorder {
    classifier: Box<dyn Classifier>,
    injection: Injection,
    observers: Vec<Arc<dyn RequestObserver>>,
    origin: Option<Uri>,
    servers: Servers,
}

impl Recorder {
    pub(crate) fn new(
        classifier: Box<dyn Classifier>,
        injection: Injection,
        metrics: Option<HttpClientMetrics>,
        observers: Vec<Arc<dyn RequestObserver>>,
        origin: Option<Uri>,
    ) -> Arc<Self> {
        Arc::new(Self {
            classifier,
            injection,
            observers,
            origin,
            servers: Servers::new(metrics),
        })
    }

    /// Starts the span and the clock of the call with this head, and tells the server of them.
    pub(crate) fn start<T>(self: &Arc<Self>, tracer: &T, head: &mut Parts) -> Box<Recording>
    where
        T: Tracer,
        T::Span: Send + Sync + 'static,
    {
        let (start, wall) = (Instant::now(), SystemTime::now());
        let (outbound, attributes) = Outbound::read(head, self.origin.as_ref(), &self.servers);
        let parent = Context::current();
        let mut builder = SpanBuilder::from_name(outbound.span_name());
        builder.span_kind = Some(SpanKind::Client);
        builder.start_time = Some(wall);
        builder.attributes = Some(attributes);
        let cx = parent.with_span(tracer.build_with_context(builder, &parent));
        self.injection.inject(&cx, &mut head.headers);
        Box::new(Recording {
            recorder: Arc::clone(self),
            cx,
            outbound,
            start,
            wall,
            response: None,
            rpc_status: None,
            bytes_out: 0,
            finished: false,
        })
    }
}

/// One call, from its head to its end. It ends once: by [`finish`](Self::finish), or as dropped by its
/// caller when it is dropped before.
pub(crate) struct Recording {
    recorder: Arc<Recorder>,
    cx: Context,
    outbound: Outbound,
    start: Instant,
    wall: SystemTime,
    response: Option<Response>,
    /// What a gRPC server said of how it went.
    rpc_status: Option<GrpcStatus>,
    bytes_out: u64,
    finished: bool,
}

/// What the response's head said, and when it came.
struct Response {
    status: StatusCode,
    version: Option<&'static str>,
    after: Duration,
}

impl Recording {
    /// The context of this call, to be attached around whatever runs on its behalf.
    pub(crate) fn context(&self) -> Context {
        self.cx.clone()
    }

    /// The response's head is here.
    pub(crate) fn head<B>(&mut self, response: &http::Response<B>) {
        self.response = Some(Response {
            status: response.status(),
            version: protocol_version(response.version()),
            after: self.start.elapsed(),
        });
        self.trailers(response.headers());
    }

    /// Trailers, or the headers that may be in their place.
    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        if self.is_rpc() {
            self.rpc_status = grpc::status(trailers).or(self.rpc_status);
        }
    }

    /// Whether this is a gRPC call, whose end is in its trailers.
    pub(crate) fn is_rpc(&self) -> bool {
        self.outbound.rpc_method.is_some()
    }

    /// So many bytes of the response's body were handed on.
    pub(crate) fn received(&mut self, bytes: u64) {
        self.bytes_out += bytes;
    }

    pub(crate) fn finish(mut self, outcome: Outcome) {
        self.end(outcome, None);
    }

    pub(crate) fn finish_with_error(mut self, error: Option<&(dyn Error + 'static)>) {
        self.end(Outcome::ServiceError, error);
    }

    /// The one place in which a call ends.
    fn end(&mut self, outcome: Outcome, service_error: Option<&(dyn Error + 'static)>) {
        self.finished = true;
        let duration = self.start.elapsed();
        let ending = Ending {
            outcome,
            status: self.response.as_ref().map(|response| response.status),
            application_error: None,
            service_error,
            grpc_status: None,
        };
        let rpc_status = self
            .is_rpc()
            .then(|| grpc::status_of(outcome, self.rpc_status, ending.status));
        let rpc_status = rpc_status.flatten();
        let classify = || self.recorder.classifier.classify(&ending);
        let class = match rpc_status {
            Some(status) => grpc::classify(status),
            None => guarded("classifier", classify)
                .unwrap_or(Class::error(ErrorType::Word(semconv::OTHER), Level::Error)),
        };
        let rpc_status = rpc_status.map(GrpcStatus::as_str);
        let error_type = class.error_type.as_ref().map(ErrorType::as_str);
        self.end_span(rpc_status, error_type, duration);
        self.record(rpc_status, class.error_type, duration);
        self.tell(outcome, class.level, error_type, duration);
    }

    fn record(
        &self,
        rpc_status: Option<&'static str>,
        error_type: Option<ErrorType>,
        duration: Duration,
    ) {
        let span = self.cx.span();
        let (span, seconds) = (span.span_context(), duration.as_secs_f64());
        let (servers, server) = (&self.recorder.servers, &self.outbound.server);
        if let Some(method) = &self.outbound.rpc_method {
            let labels = RpcLabels {
                method: Arc::clone(method.name()),
                status: rpc_status,
                error_type,
                server: server.address().cloned(),
            };
            servers.record_rpc(method, &labels, seconds, span);
            return;
        }
        let labels = DurationLabels {
            method: self.outbound.method,
            status: self.response.as_ref().map(|response| response.status),
            error_type,
            server: server.address().cloned(),
        };
        servers.record(server, &labels, seconds, span);
    }

    fn end_span(
        &self,
        rpc_status: Option<&'static str>,
        error_type: Option<&str>,
        duration: Duration,
    ) {
        let span = self.cx.span();
        let response = self.response.as_ref().filter(|_| !self.is_rpc());
        let status = response.map(|response| {
            let status = i64::from(response.status.as_u16());
            KeyValue::new(semconv::HTTP_RESPONSE_STATUS_CODE, status)
        });
        let rpc_status =
            rpc_status.map(|status| KeyValue::new(semconv::RPC_RESPONSE_STATUS_CODE, status));
        let version = response.and_then(|response| response.version);
        let version = version.map(|it| KeyValue::new(semconv::NETWORK_PROTOCOL_VERSION, it));
        let error = error_type.map(|word| KeyValue::new(semconv::ERROR_TYPE, word.to_owned()));
        span.set_attributes([status, rpc_status, version, error].into_iter().flatten());
        if error_type.is_some() {
            span.set_status(Status::error(""));
        }
        // By the monotonic clock: a wall clock that was set back must not make a negative span.
        span.end_with_timestamp(self.wall + duration);
    }

    fn tell(&self, outcome: Outcome, level: Level, error_type: Option<&str>, duration: Duration) {
        if self.recorder.observers.is_empty() {
            return;
        }
        let response = self.response.as_ref();
        let mut end = RequestEnd::new(outcome, level, self.wall, duration);
        end.head = response.map(|response| response.after);
        end.method = self.outbound.method;
        end.route = self.outbound.template;
        end.path = self.outbound.path();
        end.status_code = response.map(|response| response.status.as_u16());
        end.error_type = error_type;
        end.protocol_version = response.and_then(|response| response.version);
        end.user_agent = self.outbound.user_agent();
        end.bytes_in = self.outbound.bytes_in;
        end.bytes_out = response.map(|_| self.bytes_out);
        let _guard = self.cx.clone().attach();
        for observer in &self.recorder.observers {
            guarded("observer", || observer.on_end(&end));
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
