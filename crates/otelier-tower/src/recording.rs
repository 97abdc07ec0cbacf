mod end;
mod recorder;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use otelier_context::{Outcome, RequestContext};
use otelier_metrics::Gauge;

use crate::grpc::Call;
use crate::inbound::{Inbound, is_event_stream};
use crate::metrics::RouteHandles;

pub(crate) use recorder::{Recorder, Settings};

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
