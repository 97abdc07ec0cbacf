//! Settings that a request has no use for cost it no allocation.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{ACCEPT, COOKIE, SET_COOKIE};
use http::request::Parts;
use http_body_util::Empty;
use opentelemetry_sdk::trace::SdkTracer;
use otelier_tower::{Cidr, HttpLayer, Trust};
use support::{Harness, get, ok};
use tokio_test::block_on;
use tower::{Layer as _, ServiceExt as _, service_fn};

struct Counting;

thread_local!(static ALLOCATIONS: Cell<u64> = const { Cell::new(0) });

// SAFETY: each call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn peer(_: &Parts) -> Option<SocketAddr> {
    Some(([10, 0, 0, 1], 4711).into())
}

/// The allocations of a request, once the layer has told of some.
fn of_a_request(layer: &HttpLayer<SdkTracer>) -> u64 {
    let allocations = (0..10).map(|_| {
        let service = layer.layer(service_fn(async |_| ok(Empty::<Bytes>::new()).await));
        let request = get("/");
        let before = ALLOCATIONS.get();
        drop(block_on(service.oneshot(request)).unwrap());
        ALLOCATIONS.get() - before
    });
    allocations.min().unwrap()
}

#[test]
fn trust_and_proxies_cost_a_request_without_their_headers_nothing() {
    let harness = Harness::new();
    let proxies = || -> Vec<Cidr> { vec!["10.0.0.0/8".parse().unwrap()] };
    let builder = || harness.builder().peer_of(peer);
    let plain = of_a_request(&builder().build());
    for trust in [Trust::Always, Trust::FromProxies(proxies()), Trust::Link] {
        let builder = builder().trusted_proxies(proxies()).trust(trust);
        assert_eq!(of_a_request(&builder.build()), plain);
    }
}

#[test]
fn headers_that_a_message_does_not_have_cost_it_nothing() {
    let harness = Harness::new();
    let plain = of_a_request(&harness.layer());
    let captures = harness
        .builder()
        .capture_request_headers([ACCEPT, COOKIE])
        .capture_response_headers([SET_COOKIE]);
    assert_eq!(of_a_request(&captures.build()), plain);
}
