//! A panic is told once, and reaches nobody whom it must not reach.

mod support;

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use otelier_context::Outcome;
use otelier_tower::Problem;
use support::bodies::Panicking;
use support::{Harness, get, ok};
use tokio_test::block_on;
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};

#[test]
fn an_uncaught_panic_is_told_once_and_goes_on() {
    type Answer = Pin<Box<dyn Future<Output = Result<Response<Empty<Bytes>>, Infallible>>>>;
    let in_call: fn() -> Answer = || panic!("in call");
    let in_poll: fn() -> Answer = || Box::pin(async { panic!("in poll") });
    for answer in [in_call, in_poll] {
        let harness = Harness::new();
        let service = harness.service(|_: Request<Empty<Bytes>>| answer());
        let result = catch_unwind(AssertUnwindSafe(|| block_on(service.oneshot(get("/")))));
        assert!(result.is_err());
        harness.ended_once(Outcome::Panicked, None, Some("panic"));
    }
}

async fn panics(_: Request<Empty<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    panic!("the secret")
}

#[test]
fn a_caught_panic_is_a_500_with_the_ids_and_nothing_else() {
    let harness = Harness::new();
    let service = ServiceBuilder::new()
        .layer(harness.builder().catch_panic(true).build())
        .service(service_fn(panics));
    let response = block_on(service.oneshot(get("/"))).unwrap();
    assert_eq!(response.status(), 500);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let body = block_on(response.collect()).unwrap().to_bytes();
    let trace_id = harness.spans()[0].span_context.trace_id();
    let expected = format!(
        r#"{{"type":"about:blank","title":"Internal Server Error","status":500,"request_id":"{id}","trace_id":"{trace_id}"}}"#
    );
    assert_eq!(body, expected);
    harness.ended_once(Outcome::Panicked, Some(500), Some("panic"));
    assert_eq!(harness.lines()[0].request_id, id);
}

#[test]
fn a_problem_of_a_handler_has_the_ids_of_its_request() {
    let harness = Harness::new();
    let service = harness.service(async |_: Request<Empty<Bytes>>| {
        let problem = Problem::new(StatusCode::NOT_FOUND).code("USER_NOT_FOUND");
        Ok::<_, Infallible>(problem.into_response::<Full<Bytes>>())
    });
    let response = block_on(service.oneshot(get("/"))).unwrap();
    assert_eq!(response.status(), 404);
    let body = block_on(response.collect()).unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["code"], "USER_NOT_FOUND");
    assert_eq!(body["request_id"], harness.lines()[0].request_id);
    let trace_id = harness.spans()[0].span_context.trace_id();
    assert_eq!(body["trace_id"], trace_id.to_string());
}

#[test]
fn a_panic_in_the_body_is_told_once_and_goes_on() {
    let harness = Harness::new();
    let service = ServiceBuilder::new()
        .layer(harness.builder().catch_panic(true).build())
        .service(service_fn(|_: Request<Empty<Bytes>>| ok(Panicking)));
    let response = block_on(service.oneshot(get("/"))).unwrap();
    let result = catch_unwind(AssertUnwindSafe(|| block_on(response.collect())));
    assert!(result.is_err());
    harness.ended_once(Outcome::Panicked, Some(200), Some("panic"));
}

#[test]
fn panicking_settings_reach_nobody() {
    struct Panics;
    impl otelier_tower::Classifier for Panics {
        fn classify(&self, _: &otelier_tower::Ending<'_>) -> otelier_tower::Class {
            panic!("classifier")
        }
    }
    let harness = Harness::new();
    let layer = harness
        .builder()
        .classifier(Panics)
        .peer_of(|_: &http::request::Parts| panic!("peer"))
        .tenant(|_: &http::request::Parts| panic!("tenant"))
        .build();
    let service = layer.layer(service_fn(|_: Request<Empty<Bytes>>| {
        ok(Empty::<Bytes>::new())
    }));
    block_on(service.oneshot(get("/"))).unwrap();
    harness.ended_once(Outcome::Complete, Some(200), Some("_OTHER"));
}

#[test]
fn a_panicking_observer_reaches_nobody() {
    struct Panics;
    impl otelier_context::RequestObserver for Panics {
        fn on_end(&self, _: &otelier_context::RequestEnd<'_>) {
            panic!("observer");
        }
    }
    let harness = Harness::new();
    let service = ServiceBuilder::new()
        .layer(harness.builder().observer(Panics).build())
        .service(service_fn(|_: Request<Empty<Bytes>>| {
            ok(Empty::<Bytes>::new())
        }));
    block_on(service.oneshot(get("/"))).unwrap();
    harness.ended_once(Outcome::Complete, Some(200), None);
}
