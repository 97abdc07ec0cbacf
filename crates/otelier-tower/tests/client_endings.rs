//! Each ending of a client's call is told once, by the span, the metric and the observer alike.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::convert::Infallible;
use std::future::{pending, ready};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Channel, Empty, Full};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::trace::InMemorySpanExporter as InMemory;
use otelier_context::{Level, Outcome};
use otelier_tower::HttpClientClassifier;
use support::bodies::{NotEmpty, Panicking, Sized};
use support::client::Calls;
use support::{get, ok};
use tokio_test::{assert_pending, block_on, task};
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};

type Boxed = Box<dyn std::error::Error + Send + Sync>;

const GONE_BEFORE_HEAD: Outcome = Outcome::Cancelled { before_head: true };
const GONE_IN_BODY: Outcome = Outcome::Cancelled { before_head: false };

fn call() -> Request<Empty<Bytes>> {
    get("http://svc/")
}

#[test]
fn a_complete_answer_is_told_at_its_bodys_end() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| ok(Full::<Bytes>::from("hello")));
    let response = block_on(client.oneshot(call())).unwrap();
    assert!(calls.spans().is_empty(), "not before the body's end");
    assert_eq!(block_on(response.collect()).unwrap().to_bytes(), "hello");
    calls.ended_once(Outcome::Complete, Level::Info, Some(200), None);
}

#[test]
fn an_empty_answer_ends_at_its_head() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| ok(Empty::<Bytes>::new()));
    let response = block_on(client.oneshot(call())).unwrap();
    calls.ended_once(Outcome::Complete, Level::Info, Some(200), None);
    drop(response);
    calls.ended_once(Outcome::Complete, Level::Info, Some(200), None);
}

#[test]
fn a_body_of_known_length_ends_with_its_last_byte() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| ok(Sized(2)));
    let mut response = block_on(client.oneshot(call())).unwrap();
    for _ in 0..2 {
        assert!(block_on(response.frame()).is_some());
    }
    calls.ended_once(Outcome::Complete, Level::Info, Some(200), None);
}

#[test]
fn trailers_are_handed_on_and_end_a_body() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| {
        let mut trailers = HeaderMap::new();
        trailers.insert("checksum", http::HeaderValue::from_static("42"));
        ok(NotEmpty.with_trailers(ready(Some(Ok(trailers)))))
    });
    let mut response = block_on(client.oneshot(call())).unwrap();
    let trailers = block_on(response.frame()).unwrap().unwrap();
    assert_eq!(trailers.trailers_ref().unwrap()["checksum"], "42");
    calls.ended_once(Outcome::Complete, Level::Info, Some(200), None);
}

#[test]
fn a_client_error_and_a_server_error_are_errors() {
    for (status, level) in [(404, Level::Warn), (503, Level::Error)] {
        let calls = Calls::new();
        let client = calls.client(move |_: Request<Empty<Bytes>>| async move {
            Response::builder()
                .status(status)
                .body(Empty::<Bytes>::new())
        });
        block_on(client.oneshot(call())).unwrap();
        let error = status.to_string();
        calls.ended_once(Outcome::Complete, level, Some(status), Some(&error));
    }
}

#[test]
fn an_error_status_whose_body_nobody_reads_is_an_error() {
    let calls = Calls::new();
    let client = calls.client(move |_: Request<Empty<Bytes>>| async move {
        Response::builder()
            .status(500)
            .body(Full::<Bytes>::from("x"))
    });
    drop(block_on(client.oneshot(call())).unwrap());
    calls.ended_once(GONE_IN_BODY, Level::Error, Some(500), Some("500"));
}

#[test]
fn a_transport_error_is_told_once_and_passed_on() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| async {
        let error: Boxed = io::Error::from(io::ErrorKind::ConnectionRefused).into();
        Err::<Response<Empty<Bytes>>, _>(error)
    });
    let error = block_on(client.oneshot(call())).unwrap_err();
    assert!(error.is::<io::Error>());
    calls.ended_once(Outcome::ServiceError, Level::Error, None, Some("_OTHER"));
}

#[test]
fn a_timeout_is_told_as_one() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| async {
        Err::<Response<Empty<Bytes>>, _>(io::Error::from(io::ErrorKind::TimedOut))
    });
    block_on(client.oneshot(call())).unwrap_err();
    calls.ended_once(Outcome::ServiceError, Level::Error, None, Some("timeout"));

    let calls = Calls::new();
    let known = HttpClientClassifier::default().timeouts(|error| error.to_string() == "too late");
    let layer = calls.builder().classifier(known).build();
    let client = layer.layer(service_fn(|_: Request<Empty<Bytes>>| async {
        Err::<Response<Empty<Bytes>>, Boxed>("too late".into())
    }));
    block_on(client.oneshot(call())).unwrap_err();
    calls.ended_once(Outcome::ServiceError, Level::Error, None, Some("timeout"));
}

#[test]
fn a_call_dropped_before_the_head_is_no_error() {
    let calls = Calls::new();
    let mut client = calls
        .client(|_: Request<Empty<Bytes>>| pending::<Result<Response<Empty<Bytes>>, Infallible>>());
    let mut response = task::spawn(client.call(call()));
    assert_pending!(response.poll());
    drop(response);
    calls.ended_once(GONE_BEFORE_HEAD, Level::Info, None, None);
}

#[test]
fn a_call_that_is_never_polled_is_told_once() {
    let calls = Calls::new();
    let mut client = calls.client(|_: Request<Empty<Bytes>>| ok(Empty::<Bytes>::new()));
    drop(client.call(call()));
    calls.ended_once(GONE_BEFORE_HEAD, Level::Info, None, None);
}

#[test]
fn a_call_dropped_in_the_body_is_no_error() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| ok(Sized(2)));
    let mut response = block_on(client.oneshot(call())).unwrap();
    assert!(block_on(response.frame()).is_some());
    drop(response);
    calls.ended_once(GONE_IN_BODY, Level::Info, Some(200), None);
}

#[test]
fn a_failed_body_has_a_status_and_an_error() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| async {
        let (sender, body) = Channel::<Bytes, Boxed>::new(1);
        sender.abort("connection reset".into());
        Ok::<_, Infallible>(Response::new(body))
    });
    let response = block_on(client.oneshot(call())).unwrap();
    block_on(response.collect()).unwrap_err();
    calls.ended_once(
        Outcome::BodyError,
        Level::Error,
        Some(200),
        Some("body_error"),
    );
}

#[test]
fn a_panic_goes_on_and_is_told_once() {
    fn panics<R>(call: impl FnOnce() -> R) {
        assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    }
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| {
        if true {
            panic!("in call");
        }
        ok(Empty::<Bytes>::new())
    });
    panics(|| block_on(client.oneshot(call())));
    calls.ended_once(Outcome::Panicked, Level::Error, None, Some("panic"));

    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| async {
        if true {
            panic!("in the future");
        }
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    panics(|| block_on(client.oneshot(call())));
    calls.ended_once(Outcome::Panicked, Level::Error, None, Some("panic"));

    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| ok(Panicking));
    let mut response = block_on(client.oneshot(call())).unwrap();
    panics(|| block_on(response.frame()));
    drop(response);
    calls.ended_once(Outcome::Panicked, Level::Error, Some(200), Some("panic"));
}

#[test]
fn what_the_client_holds_is_dropped_within_its_call() {
    struct Witness(Arc<Mutex<Vec<bool>>>, InMemory);
    impl Drop for Witness {
        fn drop(&mut self) {
            let cx = opentelemetry::Context::current();
            let inside = cx.span().span_context().is_valid()
                && self.1.get_finished_spans().unwrap().is_empty();
            self.0.lock().unwrap().push(inside);
        }
    }
    let calls = Calls::new();
    let drops = Arc::new(Mutex::new(Vec::new()));
    let client = calls.client(|_: Request<Empty<Bytes>>| {
        let witness = Witness(Arc::clone(&drops), calls.exporter());
        async move {
            let _witness = witness;
            pending::<Result<Response<Empty<Bytes>>, Infallible>>().await
        }
    });
    let mut response = task::spawn(client.oneshot(call()));
    assert_pending!(response.poll());
    drop(response);
    assert_eq!(*drops.lock().unwrap(), [true]);
}

#[test]
fn the_body_is_the_inner_one() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| ok(Sized(3)));
    let body = block_on(client.oneshot(call())).unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(3));
    assert!(!body.is_end_stream());
}
