//! Requests made by hand, for what the real exporters never send.
#![allow(dead_code)] // each test binary uses its own part

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use otelier_testing::Collector;
use prost::Message;

pub(crate) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A request that is right in everything but the body.
pub(crate) fn request(collector: &Collector, path: &str) -> http::request::Builder {
    Request::builder()
        .method(Method::POST)
        .uri(format!("{}{path}", collector.http_endpoint()))
        .header("content-type", "application/x-protobuf")
}

/// The status and the body of the answer.
pub(crate) async fn send(request: Request<Full<Bytes>>) -> (StatusCode, Bytes) {
    let answer = try_send(request).await.expect("the collector answers");
    let status = answer.status();
    (
        status,
        answer
            .into_body()
            .collect()
            .await
            .expect("a whole body")
            .to_bytes(),
    )
}

pub(crate) async fn try_send(
    request: Request<Full<Bytes>>,
) -> Result<Response<hyper::body::Incoming>, hyper_util::client::legacy::Error> {
    Client::builder(TokioExecutor::new())
        .build_http()
        .request(request)
        .await
}

pub(crate) async fn post(collector: &Collector, path: &str, message: &impl Message) -> StatusCode {
    let body = Full::from(message.encode_to_vec());
    send(
        request(collector, path)
            .body(body)
            .expect("a valid request"),
    )
    .await
    .0
}

/// A request with spans of [`TRACE_ID`], given as (id, parent's id, name).
pub(crate) fn spans(spans: &[(u8, u8, &str)]) -> ExportTraceServiceRequest {
    let span = |(id, parent, name): &(u8, u8, &str)| Span {
        trace_id: u128::from_str_radix(TRACE_ID, 16)
            .expect("hexadecimal")
            .to_be_bytes()
            .to_vec(),
        span_id: vec![0, 0, 0, 0, 0, 0, 0, *id],
        parent_span_id: vec![0, 0, 0, 0, 0, 0, 0, *parent],
        name: (*name).to_owned(),
        start_time_unix_nano: 1_000_000_000,
        end_time_unix_nano: 1_002_500_000,
        ..Span::default()
    };
    let spans = spans.iter().map(span).collect();
    let scope_spans = vec![ScopeSpans {
        spans,
        ..ScopeSpans::default()
    }];
    let resource_spans = vec![ResourceSpans {
        scope_spans,
        ..ResourceSpans::default()
    }];
    ExportTraceServiceRequest { resource_spans }
}
