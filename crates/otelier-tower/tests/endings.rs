//! Each ending of a request is told once, by the span, the metrics and the observer alike.

mod support;

use std::convert::Infallible;
use std::future::{pending, ready};
use std::io;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Channel, Empty, Full};
use opentelemetry_sdk::trace::InMemorySpanExporter as InMemory;
use otelier_context::{Level, Outcome};
use support::bodies::{Endless, NotEmpty, Sized};
use support::{Harness, get, ok};
use tokio_test::{assert_pending, assert_ready, block_on, task};
use tower::{Layer as _, Service as _, ServiceBuilder, ServiceExt as _, service_fn};

type Boxed = Box<dyn std::error::Error + Send + Sync>;

const GONE_BEFORE_HEAD: Outcome = Outcome::Cancelled { before_head: true };
const GONE_IN_BODY: Outcome = Outcome::Cancelled { before_head: false };

#[test]
fn a_complete_answer_is_told_once() {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| ok(Full::<Bytes>::from("hello")));
    let response = block_on(service.oneshot(get("/"))).unwrap();
    assert!(harness.spans().is_empty(), "not before the body's end");
    assert_eq!(harness.samples(&["active_requests{"]), [1.0]);
    block_on(response.collect()).unwrap();
    harness.ended_once(Outcome::Complete, Some(200), None);
    assert_eq!(harness.lines()[0].bytes_out, Some(5));
}

#[test]
fn an_empty_answer_ends_at_its_head() {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| ok(Empty::<Bytes>::new()));
    let response = block_on(service.oneshot(get("/"))).unwrap();
    harness.ended_once(Outcome::Complete, Some(200), None);
    drop(response);
    harness.ended_once(Outcome::Complete, Some(200), None);
}

#[test]
fn an_answer_whose_body_is_not_sent_ends_at_its_head() {
    for (method, status) in [("HEAD", 200), ("GET", 204), ("GET", 304)] {
        let harness = Harness::new();
        let service = harness.service(|_: Request<Empty<Bytes>>| async move {
            Response::builder()
                .status(status)
                .body(Full::<Bytes>::from("unsent"))
        });
        let request = Request::builder()
            .method(method)
            .body(Empty::new())
            .unwrap();
        drop(block_on(service.oneshot(request)).unwrap());
        harness.ended_once(Outcome::Complete, Some(status), None);
    }
}

#[test]
fn a_body_of_known_length_ends_with_its_last_byte() {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| ok(Sized(2)));
    let response = block_on(service.oneshot(get("/"))).unwrap();
    let mut body = task::spawn(response.into_body());
    for _ in 0..2 {
        let frame = body.enter(|cx, body| body.poll_frame(cx));
        assert!(assert_ready!(frame).is_some());
    }
    harness.ended_once(Outcome::Complete, Some(200), None);
}

#[test]
fn a_body_of_announced_length_ends_with_its_last_byte() {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| async {
        Response::builder()
            .header("content-length", 2)
            .body(Endless)
    });
    let mut response = block_on(service.oneshot(get("/"))).unwrap();
    for _ in 0..2 {
        assert!(block_on(response.frame()).is_some());
    }
    drop(response);
    harness.ended_once(Outcome::Complete, Some(200), None);
}

#[test]
fn trailers_end_a_body() {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| {
        let trailers = ready(Some(Ok(http::HeaderMap::new())));
        ok(NotEmpty.with_trailers(trailers))
    });
    let mut response = block_on(service.oneshot(get("/"))).unwrap();
    assert!(block_on(response.frame()).unwrap().unwrap().is_trailers());
    drop(response);
    harness.ended_once(Outcome::Complete, Some(200), None);
}

#[test]
fn two_layers_tell_a_request_once() {
    let harness = Harness::new();
    let service = ServiceBuilder::new()
        .layer(harness.layer())
        .layer(harness.layer())
        .service(service_fn(|_: Request<Empty<Bytes>>| {
            ok(Full::<Bytes>::from("x"))
        }));
    let response = block_on(service.oneshot(get("/"))).unwrap();
    block_on(response.collect()).unwrap();
    harness.ended_once(Outcome::Complete, Some(200), None);
}

#[test]
fn a_service_that_is_not_ready_has_no_request_to_tell_of() {
    let harness = Harness::new();
    let mut service = harness.layer().layer(NeverReady);
    let result: Result<(), Boxed> = block_on(std::future::poll_fn(|cx| {
        tower::Service::<Request<Empty<Bytes>>>::poll_ready(&mut service, cx)
    }));
    result.unwrap_err();
    assert!(harness.spans().is_empty() && harness.lines().is_empty());
}

#[test]
fn a_server_error_is_an_error() {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| async {
        Response::builder().status(503).body(Empty::<Bytes>::new())
    });
    block_on(service.oneshot(get("/"))).unwrap();
    harness.ended_once(Outcome::Complete, Some(503), Some("503"));
    assert_eq!(harness.lines()[0].level, Level::Error);
}

#[test]
fn an_error_set_by_the_handler_fails_a_200() {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| {
        otelier_context::current()
            .unwrap()
            .set_error("out_of_stock");
        ok(Empty::<Bytes>::new())
    });
    block_on(service.oneshot(get("/"))).unwrap();
    harness.ended_once(Outcome::Complete, Some(200), Some("out_of_stock"));
}

#[test]
fn a_failed_body_has_a_status_and_an_error() {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| async {
        let (sender, body) = Channel::<Bytes, Boxed>::new(1);
        sender.abort("disk on fire".into());
        Ok::<_, Infallible>(Response::new(body))
    });
    let response = block_on(service.oneshot(get("/"))).unwrap();
    block_on(response.collect()).unwrap_err();
    harness.ended_once(Outcome::BodyError, Some(200), Some("body_error"));
}

#[test]
fn a_client_gone_before_the_head_is_told_once() {
    let harness = Harness::new();
    let mut service = harness.service(|_: Request<Empty<Bytes>>| {
        pending::<Result<Response<Empty<Bytes>>, Infallible>>()
    });
    let mut response = task::spawn(service.call(get("/")));
    assert_pending!(response.poll());
    assert_eq!(harness.samples(&["active_requests{"]), [1.0]);
    drop(response);
    harness.ended_once(GONE_BEFORE_HEAD, None, Some("cancelled"));
    assert_eq!(harness.lines()[0].level, Level::Warn);
}

#[test]
fn a_response_that_is_never_polled_is_told_once() {
    let harness = Harness::new();
    let mut service = harness.service(|_: Request<Empty<Bytes>>| ok(Empty::<Bytes>::new()));
    drop(service.call(get("/")));
    harness.ended_once(GONE_BEFORE_HEAD, None, Some("cancelled"));
}

#[test]
fn a_client_gone_in_the_body_is_told_once() {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| ok(Sized(2)));
    let mut response = block_on(service.oneshot(get("/"))).unwrap();
    assert!(block_on(response.frame()).is_some());
    drop(response);
    harness.ended_once(GONE_IN_BODY, Some(200), Some("cancelled"));
    assert_eq!(harness.lines()[0].bytes_out, Some(1));
}

#[test]
fn a_body_dropped_unread_is_told_once() {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| ok(Full::<Bytes>::from("x")));
    drop(block_on(service.oneshot(get("/"))).unwrap());
    harness.ended_once(GONE_IN_BODY, Some(200), Some("cancelled"));
}

#[test]
fn a_service_error_is_told_once_and_passed_on() {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| async {
        let error: Boxed = io::Error::from(io::ErrorKind::TimedOut).into();
        Err::<Response<Empty<Bytes>>, _>(error)
    });
    let error = block_on(service.oneshot(get("/"))).unwrap_err();
    assert!(error.is::<io::Error>());
    harness.ended_once(Outcome::ServiceError, None, Some("timeout"));
}

#[test]
fn an_io_error_is_known_and_others_are_not() {
    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| async {
        Err::<Response<Empty<Bytes>>, _>(io::Error::from(io::ErrorKind::TimedOut))
    });
    block_on(service.oneshot(get("/"))).unwrap_err();
    harness.ended_once(Outcome::ServiceError, None, Some("timeout"));

    let harness = Harness::new();
    let service = harness.service(|_: Request<Empty<Bytes>>| async {
        Err::<Response<Empty<Bytes>>, _>("not an error type")
    });
    block_on(service.oneshot(get("/"))).unwrap_err();
    harness.ended_once(Outcome::ServiceError, None, Some("_OTHER"));
}

#[test]
fn what_the_handler_holds_is_dropped_within_its_request() {
    struct Witness(Arc<Mutex<Vec<(bool, usize)>>>, InMemory);
    impl Drop for Witness {
        fn drop(&mut self) {
            let inside = otelier_context::current().is_some();
            let told = self.1.get_finished_spans().unwrap().len();
            self.0.lock().unwrap().push((inside, told));
        }
    }
    let harness = Harness::new();
    let drops = Arc::new(Mutex::new(Vec::new()));
    let mut service = harness.service(|_: Request<Empty<Bytes>>| {
        let witness = Witness(Arc::clone(&drops), harness.exporter());
        async move {
            let _witness = witness;
            pending::<Result<Response<Empty<Bytes>>, Infallible>>().await
        }
    });
    let mut response = task::spawn(service.call(get("/")));
    assert_pending!(response.poll());
    drop(response);
    assert_eq!(
        *drops.lock().unwrap(),
        [(true, 0)],
        "under its context, before its end"
    );
    harness.ended_once(GONE_BEFORE_HEAD, None, Some("cancelled"));
}

#[derive(Clone)]
struct NeverReady;

impl tower::Service<Request<Empty<Bytes>>> for NeverReady {
    type Response = Response<Empty<Bytes>>;
    type Error = Boxed;
    type Future = std::future::Pending<Result<Self::Response, Boxed>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Boxed>> {
        Poll::Ready(Err("not ready".into()))
    }

    fn call(&mut self, _: Request<Empty<Bytes>>) -> Self::Future {
        pending()
    }
}
