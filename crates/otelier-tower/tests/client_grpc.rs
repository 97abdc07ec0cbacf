//! A client's gRPC call is told by its method and its status, once.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::convert::Infallible;
use std::future::{pending, ready};
use std::io;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use opentelemetry::Value;
use opentelemetry::trace::{SpanKind, Status};
use otelier_context::{Level, Outcome};
use support::client::Calls;
use support::{attributes, ok};
use tokio_test::{assert_pending, block_on, task};
use tower::{Layer as _, ServiceExt as _, service_fn};

fn call(path: &str) -> Request<Empty<Bytes>> {
    let request = Request::post(path).header("content-type", "application/grpc");
    request.body(Empty::new()).unwrap()
}

fn status(code: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(code));
    trailers
}

/// Asserts that the one call so far was told once, with this status and error.
#[track_caller]
fn ended_once(calls: &Calls, status: Option<&str>, error: Option<&str>) {
    let spans = calls.spans();
    assert_eq!(spans.len(), 1);
    let attributes = attributes(&spans[0]);
    let text = |value: Option<&str>| value.map(|value| Value::from(value.to_owned()));
    let got = attributes.get("rpc.response.status_code").cloned();
    assert_eq!(got, text(status));
    assert_eq!(attributes.get("error.type").cloned(), text(error));
    let expected = error.map_or(Status::Unset, |_| Status::error(""));
    assert_eq!(spans[0].status, expected);

    let mut labels = r#"rpc_system_name="grpc",rpc_method="shop.Orders/Get",server_address="svc",server_port="50051""#.to_owned();
    if let Some(status) = status {
        labels += &format!(r#",rpc_response_status_code="{status}""#);
    }
    if let Some(error) = error {
        labels += &format!(r#",error_type="{error}""#);
    }
    let count = format!("rpc_client_call_duration_seconds_count{{{labels}}} 1");
    let body = calls.exposed();
    let counts = body.lines().filter(|line| line.contains("seconds_count{"));
    assert_eq!(counts.collect::<Vec<_>>(), [count], "and not as HTTP too");
    assert_eq!(calls.ends().len(), 1);
}

#[test]
fn the_status_is_in_the_trailers() {
    for (code, name, error) in [
        ("0", "OK", None),
        ("5", "NOT_FOUND", Some("NOT_FOUND")),
        ("14", "UNAVAILABLE", Some("UNAVAILABLE")),
        ("77", "UNKNOWN", Some("UNKNOWN")),
    ] {
        let calls = Calls::new();
        let client = calls.client(|_: Request<Empty<Bytes>>| {
            let trailers = ready(Some(Ok(status(code))));
            ok(Full::<Bytes>::from("x").with_trailers(trailers))
        });
        let request = call("http://svc:50051/shop.Orders/Get");
        let mut response = block_on(client.oneshot(request)).unwrap();
        assert!(block_on(response.frame()).unwrap().unwrap().is_data());
        assert!(calls.spans().is_empty(), "not before the trailers");
        let body = block_on(response.collect()).unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], code);
        ended_once(&calls, Some(name), error);
    }
}

#[test]
fn the_status_is_in_the_headers_of_a_response_without_a_body() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| async {
        let response = Response::builder().header("grpc-status", "7");
        response.body(Empty::<Bytes>::new())
    });
    block_on(client.oneshot(call("http://svc:50051/shop.Orders/Get"))).unwrap();
    ended_once(&calls, Some("PERMISSION_DENIED"), Some("PERMISSION_DENIED"));
}

#[test]
fn a_stream_without_trailers_is_unknown() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| ok(Full::<Bytes>::from("x")));
    let response = block_on(client.oneshot(call("http://svc:50051/shop.Orders/Get"))).unwrap();
    block_on(response.collect()).unwrap();
    ended_once(&calls, Some("UNKNOWN"), Some("UNKNOWN"));
}

#[test]
fn a_proxys_503_is_unavailable() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| async {
        Response::builder().status(503).body(Empty::<Bytes>::new())
    });
    block_on(client.oneshot(call("http://svc:50051/shop.Orders/Get"))).unwrap();
    ended_once(&calls, Some("UNAVAILABLE"), Some("UNAVAILABLE"));
}

#[test]
fn a_call_that_its_caller_drops_is_no_error() {
    let calls = Calls::new();
    let client = calls
        .client(|_: Request<Empty<Bytes>>| pending::<Result<Response<Empty<Bytes>>, Infallible>>());
    let mut response = task::spawn(client.oneshot(call("http://svc:50051/shop.Orders/Get")));
    assert_pending!(response.poll());
    drop(response);
    ended_once(&calls, None, None);
    let gone = Outcome::Cancelled { before_head: true };
    assert_eq!(calls.ends(), [(gone, Level::Info, None, None)]);
}

#[test]
fn a_transport_error_has_no_status() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| async {
        Err::<Response<Empty<Bytes>>, _>(io::Error::from(io::ErrorKind::TimedOut))
    });
    block_on(client.oneshot(call("http://svc:50051/shop.Orders/Get"))).unwrap_err();
    ended_once(&calls, None, Some("timeout"));
}

#[test]
fn the_attributes_are_those_of_the_conventions() {
    let calls = Calls::new();
    let origin = "https://svc".parse().unwrap();
    let layer = calls.builder().origin(origin).build();
    let client = layer.layer(service_fn(|request: Request<Empty<Bytes>>| {
        assert!(request.headers().contains_key("traceparent"));
        ok(Empty::<Bytes>::new().with_trailers(ready(Some(Ok(status("0"))))))
    }));
    let response = block_on(client.clone().oneshot(call("/shop.Orders/Get"))).unwrap();
    block_on(response.collect()).unwrap();
    let response = block_on(client.oneshot(call("/not/a/method"))).unwrap();
    block_on(response.collect()).unwrap();

    let spans = calls.spans();
    assert_eq!(spans[0].name, "shop.Orders/Get");
    assert_eq!(spans[0].span_kind, SpanKind::Client);
    let expected = [
        ("rpc.method", Value::from("shop.Orders/Get")),
        ("rpc.response.status_code", "OK".into()),
        ("rpc.system.name", "grpc".into()),
        ("server.address", "svc".into()),
        ("server.port", Value::I64(443)),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value));
    assert_eq!(attributes(&spans[0]), expected.into());

    assert_eq!(spans[1].name, "_OTHER");
    let other = attributes(&spans[1]);
    assert_eq!(other["rpc.method_original"], "/not/a/method".into());
}
