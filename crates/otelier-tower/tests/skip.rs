//! Requests that are not worth telling of are passed on.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use bytes::Bytes;
use http::request::Parts;
use http_body_util::{BodyExt as _, Empty, Full};
use opentelemetry_sdk::trace::SdkTracer;
use otelier_tower::ServerBuilder;
use support::{Harness, request};
use tokio_test::block_on;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

/// Whether such a request, seen by two layers, is told; in any case it is answered.
fn is_told(
    method: &str,
    uri: &str,
    set: impl Fn(ServerBuilder<SdkTracer>) -> ServerBuilder<SdkTracer>,
) -> bool {
    let harness = Harness::new();
    let service = ServiceBuilder::new()
        .layer(set(harness.builder()).build())
        .layer(harness.layer())
        .service(service_fn(|_: http::Request<Empty<Bytes>>| {
            support::ok(Full::<Bytes>::from("up"))
        }));
    let response = block_on(service.oneshot(request(method, uri))).unwrap();
    let has_id = response.headers().contains_key("x-request-id");
    assert_eq!(block_on(response.collect()).unwrap().to_bytes(), "up");
    let told = harness.lines().len();
    assert_eq!(harness.spans().len(), told);
    assert_eq!(harness.samples(&["duration_seconds_count{"]).len(), told);
    assert_eq!(harness.samples(&["active_requests{"]).len(), told);
    assert_eq!(usize::from(has_id), told);
    told == 1
}

#[test]
fn probes_and_scrapes_are_not_told() {
    for (method, uri, told) in [
        ("GET", "/livez", false),
        ("HEAD", "/readyz", false),
        ("GET", "http://shop/metrics?name=x", false),
        ("POST", "/livez", true),
        ("GET", "/livez/x", true),
        ("GET", "/", true),
    ] {
        assert_eq!(is_told(method, uri, |builder| builder), told, "{uri}");
    }
}

#[test]
fn a_setting_replaces_what_is_skipped() {
    let skips_ping = |builder: ServerBuilder<_>| builder.skip(|head| head.uri.path() == "/ping");
    assert!(!is_told("GET", "/ping", skips_ping));
    assert!(is_told("GET", "/livez", skips_ping));
}

#[test]
fn a_setting_that_panics_skips_nothing() {
    let panics = |builder: ServerBuilder<_>| builder.skip(|_: &Parts| panic!("skip"));
    assert!(is_told("GET", "/livez", panics));
}
