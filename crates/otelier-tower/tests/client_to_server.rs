//! A call through real connections: one trace, and one request id.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use opentelemetry::trace::SpanKind;
use support::client::Calls;
use support::{Harness, get, ok};
use tokio::net::TcpListener;
use tower::{Layer as _, ServiceExt as _};

#[tokio::test]
async fn a_gateway_and_its_backend_share_trace_and_request_id() {
    let (gateway, calls, backend) = (Harness::new(), Calls::new(), Harness::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = backend.service(|_: Request<Incoming>| ok(Full::<Bytes>::from("hello")));
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .await
    });

    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let client = calls.builder().build().layer(client);
    let front = gateway.service(|_: Request<Empty<Bytes>>| {
        client.clone().oneshot(get(&format!("http://{address}/")))
    });
    let mut request = get("/");
    let id = "edge-1".parse().unwrap();
    request.headers_mut().insert("x-request-id", id);
    let response = front.oneshot(request).await.unwrap();
    assert_eq!(response.collect().await.unwrap().to_bytes(), "hello");
    // The connection ends with its client, and the backend's request before it.
    drop(client);
    server.await.unwrap().unwrap();

    let spans = [gateway.spans(), calls.spans(), backend.spans()];
    let [front, call, back] = spans.each_ref().map(|spans| {
        assert_eq!(spans.len(), 1);
        &spans[0]
    });
    assert_eq!(call.span_kind, SpanKind::Client);
    assert_eq!(call.parent_span_id, front.span_context.span_id());
    assert_eq!(back.parent_span_id, call.span_context.span_id());
    let trace_ids = [front, call, back].map(|span| span.span_context.trace_id());
    assert_eq!(trace_ids, [trace_ids[0]; 3]);
    assert_eq!(backend.lines()[0].request_id, "edge-1");
}
