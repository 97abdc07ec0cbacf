//! Streams are told as other requests are, but measured in a histogram of their own.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use otelier_context::Outcome;
use support::bodies::Endless;
use support::{Harness, get, request};
use tokio_test::block_on;
use tower::{Layer as _, ServiceExt as _, service_fn};

const REQUESTS: &str = "http_server_request_duration_seconds_count{";
const STREAMS: &str = "otelier_http_server_stream_duration_seconds_count{";

/// Sends a request with this method, which is answered so, and reads the answer. What was recorded as
/// a request, and what as a stream.
fn recorded(method: &str, status: u16, content_type: &str) -> (Vec<f64>, Vec<f64>) {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| async {
        let head = Response::builder().status(status);
        let head = head.header("content-type", content_type);
        head.body(Full::<Bytes>::from("data: 1\n\n"))
    });
    let response = block_on(service.oneshot(request(method, "/"))).unwrap();
    block_on(response.collect()).unwrap();
    harness.ended_once(Outcome::Complete, Some(status), None);
    let is_stream = harness.lines()[0].is_stream;
    let streams = harness.samples(&[STREAMS]);
    assert_eq!(is_stream, streams == [1.0]);
    (harness.samples(&[REQUESTS]), streams)
}

#[test]
fn a_stream_is_not_in_the_duration_of_requests() {
    for (method, status, content_type) in [
        ("GET", 200, "text/event-stream"),
        ("POST", 200, "Text/Event-Stream ; charset=utf-8"),
        ("GET", 101, "text/plain"),
        ("CONNECT", 200, "text/plain"),
        ("CONNECT", 204, "text/plain"),
    ] {
        let recorded = recorded(method, status, content_type);
        assert_eq!(recorded, (vec![], vec![1.0]), "{method} {status}");
    }
}

#[test]
fn any_other_request_is_not_a_stream() {
    for (method, status, content_type) in [
        ("GET", 200, "text/plain"),
        ("GET", 200, "text/event-streams"),
        ("GET", 200, "application/json; of=text/event-stream"),
        ("CONNECT", 404, "text/plain"),
        ("HEAD", 200, "text/event-stream"),
        ("GET", 204, "text/event-stream"),
    ] {
        let recorded = recorded(method, status, content_type);
        assert_eq!(recorded, (vec![1.0], vec![]), "{method} {status}");
    }
}

#[test]
fn a_client_that_leaves_a_stream_has_cancelled_it() {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| async {
        let head = Response::builder().header("content-type", "text/event-stream");
        head.body(Endless)
    });
    let mut response = block_on(service.oneshot(get("/"))).unwrap();
    assert!(block_on(response.frame()).is_some());
    assert_eq!(harness.samples(&["active_requests{"]), [1.0]);
    drop(response);
    let outcome = Outcome::Cancelled { before_head: false };
    harness.ended_once(outcome, Some(200), Some("cancelled"));
    assert_eq!(harness.samples(&[STREAMS]), [1.0]);
}

#[test]
fn the_series_of_streams_are_bounded() {
    let harness = Harness::new();
    let layer = harness.builder().route_of(path).build();
    let service = layer.layer(service_fn(async |_: Request<Empty<Bytes>>| {
        let head = Response::builder().header("content-type", "text/event-stream");
        head.body(Empty::<Bytes>::new())
    }));
    for route in 0..2 * otelier_metrics::MAX_SERIES {
        block_on(service.clone().oneshot(get(&format!("/{route}")))).unwrap();
    }
    let series = harness.samples(&[STREAMS]);
    assert_eq!(series.len(), otelier_metrics::MAX_SERIES + 1);
    assert_eq!(
        series.iter().sum::<f64>(),
        2.0 * otelier_metrics::MAX_SERIES as f64
    );
}

fn path(head: &http::request::Parts) -> Option<&str> {
    Some(head.uri.path())
}
