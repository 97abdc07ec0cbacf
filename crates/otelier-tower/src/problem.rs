use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use opentelemetry::trace::TraceId;
use otelier_context::RequestId;

/// The answer in place of a handler that panicked: RFC 9457, with the ids by which the telemetry of
/// the request is found, and nothing of the panic. Both ids need no escape in JSON.
pub(crate) fn internal_server_error(request_id: &RequestId, trace_id: TraceId) -> Response<Bytes> {
    let body = format!(
        r#"{{"type":"about:blank","title":"Internal Server Error","status":500,"request_id":"{request_id}","trace_id":"{trace_id}"}}"#
    );
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let problem = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(CONTENT_TYPE, problem);
    response
}
