//! The sizes of bodies, for those who ask for them.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::future::pending;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use opentelemetry::Value;
use support::bodies::Endless;
use support::{Harness, attributes, get, ok};
use tokio_test::{assert_pending, block_on, task};
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};

const REQUESTS: &str = "http_server_request_body_size_bytes";
const RESPONSES: &str = "http_server_response_body_size_bytes";

fn sums(harness: &Harness) -> [Vec<f64>; 2] {
    [REQUESTS, RESPONSES].map(|name| harness.samples(&[&format!("{name}_sum{{")]))
}

fn announcing(length: &str) -> Request<Empty<Bytes>> {
    let mut request = get("/");
    let length = length.parse().unwrap();
    request.headers_mut().insert("content-length", length);
    request
}

#[test]
fn sizes_are_on_span_and_metrics_where_asked_for() {
    for asked in [true, false] {
        let harness = Harness::new();
        let layer = harness.builder().body_sizes(asked).build();
        let service = layer.layer(service_fn(|_: Request<Empty<Bytes>>| {
            ok(Full::<Bytes>::from("hello"))
        }));
        let response = block_on(service.oneshot(announcing("300"))).unwrap();
        block_on(response.collect()).unwrap();

        let attributes = attributes(&harness.spans()[0]);
        let sizes = ["http.request.body.size", "http.response.body.size"];
        let sizes = sizes.map(|name| attributes.get(name).cloned());
        if asked {
            assert_eq!(sizes, [300, 5].map(|size| Some(Value::I64(size))));
            assert_eq!(sums(&harness), [vec![300.0], vec![5.0]]);
            let label = r#"http_response_status_code="200""#;
            assert_eq!(harness.samples(&[REQUESTS, r#"le="256.0""#, label]), [0.0]);
            assert_eq!(harness.samples(&[RESPONSES, r#"le="256.0""#, label]), [1.0]);
        } else {
            assert_eq!(sizes, [None, None]);
            assert_eq!(sums(&harness), [vec![], vec![]]);
        }
    }
}

#[test]
fn a_response_counts_as_far_as_it_was_handed_on() {
    let harness = Harness::new();
    let layer = harness.builder().body_sizes(true).build();
    let service = layer.layer(service_fn(|_: Request<Empty<Bytes>>| ok(Endless)));
    let mut response = block_on(service.oneshot(get("/"))).unwrap();
    for _ in 0..3 {
        assert!(block_on(response.frame()).is_some());
    }
    drop(response);
    assert_eq!(sums(&harness), [vec![], vec![3.0]]);
}

#[test]
fn a_response_that_never_began_has_no_size() {
    let harness = Harness::new();
    let layer = harness.builder().body_sizes(true).build();
    let mut service = layer.layer(service_fn(|_: Request<Empty<Bytes>>| {
        pending::<Result<Response<Empty<Bytes>>, std::io::Error>>()
    }));
    let mut response = task::spawn(service.call(get("/")));
    assert_pending!(response.poll());
    drop(response);
    assert_eq!(sums(&harness), [vec![], vec![]]);
}

#[test]
fn a_client_cannot_spoil_the_sum() {
    for (length, sum) in [
        (u64::MAX.to_string().as_str(), vec![(1_u64 << 40) as f64]),
        ("99999999999999999999", vec![]),
        ("-1", vec![]),
        ("", vec![]),
    ] {
        let harness = Harness::new();
        let layer = harness.builder().body_sizes(true).build();
        let service = layer.layer(service_fn(|_: Request<Empty<Bytes>>| {
            ok(Empty::<Bytes>::new())
        }));
        block_on(service.oneshot(announcing(length))).unwrap();
        assert_eq!(sums(&harness), [sum, vec![0.0]], "{length}");
    }
}
