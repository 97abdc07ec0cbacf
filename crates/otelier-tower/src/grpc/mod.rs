//! What gRPC servers have that other HTTP servers have not: methods, and a status after the body.

mod call;
mod classify;
mod methods;
mod metrics;
mod status;

pub(crate) use call::Call;
pub use classify::GrpcServerClassifier;
pub(crate) use methods::Method;
pub use metrics::GrpcServerMetrics;
pub use status::GrpcStatus;

use std::fmt;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Response};
use opentelemetry::trace::SpanContext;

use crate::classify::{Class, Classifier};
use methods::Methods;

/// What a layer was told about gRPC, and what its calls share.
pub(crate) struct Grpc {
    pub(crate) classifier: Box<dyn Classifier>,
    pub(crate) metrics: Option<GrpcServerMetrics>,
    methods: Methods,
}

impl Grpc {
    pub(crate) fn declare(&mut self, methods: impl IntoIterator<Item = impl AsRef<str>>) {
        self.methods.declare(methods);
    }

    /// The call that a request with this head is, if it is one.
    pub(crate) fn call(&self, head: &Parts) -> Option<Call> {
        Call::read(head, |name| self.methods.find(name))
    }

    /// Records `rpc.server.call.duration` in seconds, and remembers a method that turns out to exist.
    pub(crate) fn record(
        &self,
        call: &Call,
        path: &str,
        status: GrpcStatus,
        class: Class,
        seconds: f64,
        span: &SpanContext,
    ) {
        if let Some(metrics) = &self.metrics {
            let histogram = call.method().duration(metrics, status, class.error_type);
            histogram.observe(seconds, span);
        }
        if let Some(name) = call.proven(path) {
            self.methods.learn(name);
        }
    }
}

impl Default for Grpc {
    fn default() -> Self {
        Self {
            classifier: Box::new(GrpcServerClassifier::default()),
            metrics: None,
            methods: Methods::default(),
        }
    }
}

impl fmt::Debug for Grpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grpc").finish_non_exhaustive()
    }
}

/// The answer in place of a handler that panicked: the status in the head, and no body.
pub(crate) fn internal_error() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(call::GRPC_STATUS, GrpcStatus::Internal.header());
    response
}

/// Whether a message is gRPC by its type. gRPC-Web is not: its status is a part of its body.
fn is_grpc(content_type: Option<&HeaderValue>) -> bool {
    let rest = content_type.and_then(|value| {
        let value = value.as_bytes();
        let (start, rest) = value.split_at_checked(b"application/grpc".len())?;
        start
            .eq_ignore_ascii_case(b"application/grpc")
            .then_some(rest)
    });
    matches!(rest, Some([] | [b'+' | b';' | b' ', ..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_known_by_its_type() {
        for (content_type, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("Application/GRPC;charset=x", true),
            ("application/grpc-web", false),
            ("application/grpc-web+proto", false),
            ("application/grpcx", false),
            ("application/json", false),
            ("", false),
        ] {
            let value = HeaderValue::from_static(content_type);
            assert_eq!(is_grpc(Some(&value)), expected, "{content_type}");
        }
        assert!(!is_grpc(None));
    }
}
