use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::MAX_REQUEST;
use crate::store::{Export, Store, Unavailable};

const PROTOBUF: &str = "application/x-protobuf";

/// Answers OTLP/HTTP.
pub(crate) async fn answer(store: Arc<Store>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let received = match request.uri().path() {
        "/v1/traces" => export::<ExportTraceServiceRequest>(&store, request).await,
        "/v1/logs" => export::<ExportLogsServiceRequest>(&store, request).await,
        "/v1/metrics" => export::<ExportMetricsServiceRequest>(&store, request).await,
        path => Err(Refusal(
            StatusCode::NOT_FOUND,
            format!("nothing at {path}; send to /v1/traces, /v1/logs or /v1/metrics"),
        )),
    };
    let (status, body) = match received {
        // The response message of each signal is empty where everything was accepted.
        Ok(()) => (StatusCode::OK, Vec::new()),
        Err(Refusal(status, message)) => (status, Status { message }.encode_to_vec()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

struct Refusal(StatusCode, String);

impl From<Unavailable> for Refusal {
    fn from(_: Unavailable) -> Self {
        Self(
            StatusCode::SERVICE_UNAVAILABLE,
            Unavailable::MESSAGE.to_owned(),
        )
    }
}

/// `google.rpc.Status`, the body of each OTLP/HTTP error, with the one field that clients use.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

async fn export<E: Export>(store: &Store, request: Request<Incoming>) -> Result<(), Refusal> {
    let (head, body) = request.into_parts();
    if head.method != Method::POST {
        let message = format!("{} is not allowed; use POST", head.method);
        return Err(Refusal(StatusCode::METHOD_NOT_ALLOWED, message));
    }
    require(&head.headers, CONTENT_TYPE, PROTOBUF, "")?;
    require(&head.headers, CONTENT_ENCODING, "identity", "identity")?;
    let body = Limited::new(body, MAX_REQUEST)
        .collect()
        .await
        .map_err(|error| {
            let status = match error.is::<LengthLimitError>() {
                true => StatusCode::PAYLOAD_TOO_LARGE,
                false => StatusCode::BAD_REQUEST,
            };
            Refusal(
                status,
                format!("cannot read a body of at most {MAX_REQUEST} bytes: {error}"),
            )
        })?;
    let request = E::decode(body.to_bytes())
        .map_err(|error| Refusal(StatusCode::BAD_REQUEST, format!("cannot decode: {error}")))?;
    Ok(store.receive(request).await?)
}

/// Parameters after the value (`; charset=...`) are ignored.
fn require(
    headers: &HeaderMap,
    name: HeaderName,
    wanted: &str,
    default: &str,
) -> Result<(), Refusal> {
    let value = headers
        .get(&name)
        .map_or(default.as_bytes(), HeaderValue::as_bytes);
    let value = String::from_utf8_lossy(value);
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    let message = format!("{name} {essence:?} is not supported; send {wanted}");
    Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
}
