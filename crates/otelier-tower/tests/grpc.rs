//! Each ending of a gRPC call is told once, with the status that the service told or what the ending
//! amounts to.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::convert::Infallible;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use opentelemetry::Value;
use otelier_context::Level;
use support::grpc::Step::{Fail, Message, Panic, Trailers, Wait};
use support::grpc::{Calls, GET, Script, Step, answer, call, script, status};
use support::{attributes, get, ok};
use tokio_test::{assert_pending, block_on, task};
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};

type Head = Empty<Bytes>;

/// The one call of a service that answers so, polled to the body's end.
fn told(response: impl Fn() -> Response<Script>) -> Calls {
    let calls = Calls::new();
    let service = service_fn(|_: Request<Head>| async { Ok::<_, Infallible>(response()) });
    let response = block_on(calls.builder().build().layer(service).oneshot(call(GET))).unwrap();
    let _ = catch_unwind(AssertUnwindSafe(|| block_on(response.collect())));
    calls
}

fn streamed<const N: usize>(steps: fn() -> [Step; N]) -> Calls {
    told(|| answer(Script::of(steps())))
}

#[test]
fn each_status_is_told_as_its_name_and_an_error_only_where_it_is_the_servers() {
    for (number, name, is_error) in [
        ("0", "OK", false),
        ("1", "CANCELLED", false),
        ("2", "UNKNOWN", true),
        ("3", "INVALID_ARGUMENT", false),
        ("4", "DEADLINE_EXCEEDED", true),
        ("5", "NOT_FOUND", false),
        ("6", "ALREADY_EXISTS", false),
        ("7", "PERMISSION_DENIED", false),
        ("8", "RESOURCE_EXHAUSTED", false),
        ("9", "FAILED_PRECONDITION", false),
        ("10", "ABORTED", false),
        ("11", "OUT_OF_RANGE", false),
        ("12", "UNIMPLEMENTED", true),
        ("13", "INTERNAL", true),
        ("14", "UNAVAILABLE", true),
        ("15", "DATA_LOSS", true),
        ("16", "UNAUTHENTICATED", false),
        ("17", "UNKNOWN", true),
        ("-1", "UNKNOWN", true),
        ("4294967296", "UNKNOWN", true),
        ("OK", "UNKNOWN", true),
        ("", "UNKNOWN", true),
    ] {
        let error = is_error.then_some(name);
        let in_trailers = told(|| answer(Script::of([Message, Trailers(status(number))])));
        in_trailers.ended_once(GET, name, error);
        let level = if is_error { Level::Error } else { Level::Info };
        assert_eq!(in_trailers.lines()[0].level, level, "{name}");
        let in_head = told(|| {
            let mut response = answer(Script::of([]));
            response.headers_mut().extend(status(number));
            response
        });
        in_head.ended_once(GET, name, error);
    }
}

#[test]
fn trailers_win_over_the_head_if_they_have_a_status() {
    let both = |trailers: fn() -> http::HeaderMap| {
        told(move || {
            let mut response = answer(Script::of([Message, Trailers(trailers())]));
            response.headers_mut().extend(status("0"));
            response
        })
    };
    both(|| status("14")).ended_once(GET, "UNAVAILABLE", Some("UNAVAILABLE"));
    both(http::HeaderMap::new).ended_once(GET, "OK", None);
}

#[test]
fn an_ending_without_a_status_has_one() {
    streamed(|| [Message]).ended_once(GET, "UNKNOWN", Some("UNKNOWN"));
    streamed(|| [Message, Trailers(http::HeaderMap::new())]).ended_once(
        GET,
        "UNKNOWN",
        Some("UNKNOWN"),
    );
    streamed(|| [Message, Fail]).ended_once(GET, "UNKNOWN", Some("UNKNOWN"));
    streamed(|| [Message, Panic]).ended_once(GET, "INTERNAL", Some("INTERNAL"));
}

#[test]
fn the_length_of_a_message_is_not_the_calls_end() {
    let calls = told(|| {
        let mut response = answer(Script::of([Message, Trailers(status("0"))]));
        response.headers_mut().insert("content-length", 1.into());
        response
    });
    calls.ended_once(GET, "OK", None);
}

#[test]
fn a_message_of_the_status_is_told_nowhere() {
    let calls = told(|| {
        let mut trailers = status("13");
        let message = "%F0%9F%92%A9s3cret".repeat(60_000);
        trailers.insert("grpc-message", message.parse().unwrap());
        answer(Script::of([Trailers(trailers)]))
    });
    calls.ended_once(GET, "INTERNAL", Some("INTERNAL"));
    assert!(!format!("{:?}", calls.harness.spans()).contains("s3cret"));
    assert_eq!(calls.harness.samples(&["s3cret"]), [] as [f64; 0]);
}

#[test]
fn a_client_gone_is_cancelled_and_no_error_of_the_server() {
    let calls = Calls::new();
    let never = |_: Request<Head>| pending::<Result<Response<Script>, Infallible>>();
    let mut service = calls.builder().build().layer(service_fn(never));
    let mut response = task::spawn(service.call(call(GET)));
    assert_pending!(response.poll());
    drop(response);
    calls.ended_once(GET, "CANCELLED", None);
    assert_eq!(calls.lines()[0].level, Level::Warn);

    // In the stream, and between the last message and the trailers.
    for messages in [1, 2] {
        let calls = Calls::new();
        let service = service_fn(|_: Request<Head>| script([Message, Message, Wait]));
        let service = calls.builder().build().layer(service);
        let mut response = block_on(service.oneshot(call(GET))).unwrap();
        for _ in 0..messages {
            assert!(block_on(response.frame()).unwrap().unwrap().is_data());
        }
        assert!(calls.lines().is_empty(), "the stream to its end");
        drop(response);
        calls.ended_once(GET, "CANCELLED", None);
    }
}

#[test]
fn a_client_gone_after_its_deadline_exceeded_it() {
    for (timeout, name, error) in [
        ("0n", "DEADLINE_EXCEEDED", Some("DEADLINE_EXCEEDED")),
        ("99999999H", "CANCELLED", None),
        ("soon", "CANCELLED", None),
    ] {
        let calls = Calls::new();
        let mut service = calls
            .builder()
            .build()
            .layer(service_fn(|_: Request<Head>| script([])));
        let mut request = call(GET);
        let timeout = timeout.parse().unwrap();
        request.headers_mut().insert("grpc-timeout", timeout);
        drop(service.call(request));
        calls.ended_once(GET, name, error);
    }
}

async fn panics(_: Request<Head>) -> Result<Response<Full<Bytes>>, Infallible> {
    panic!("the secret")
}

#[test]
fn a_caught_panic_is_a_status_without_a_body_and_nothing_of_the_panic() {
    let calls = Calls::new();
    let service = service_fn(panics);
    let service = calls.builder().catch_panic(true).build().layer(service);
    let response = block_on(service.oneshot(call(GET))).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/grpc");
    assert_eq!(response.headers()["grpc-status"], "13");
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(response.headers().len(), 3);
    assert!(
        http_body::Body::is_end_stream(response.body()),
        "trailers-only"
    );
    calls.ended_once(GET, "INTERNAL", Some("INTERNAL"));
}

#[test]
fn an_uncaught_panic_is_internal_and_goes_on() {
    let calls = Calls::new();
    let service = service_fn(|_: Request<Head>| async {
        let panics = || -> Response<Script> { panic!("in poll") };
        Ok::<_, Infallible>(panics())
    });
    let service = calls.builder().build().layer(service);
    catch_unwind(AssertUnwindSafe(|| block_on(service.oneshot(call(GET)))))
        .map(drop)
        .unwrap_err();
    calls.ended_once(GET, "INTERNAL", Some("INTERNAL"));
}

#[test]
fn a_service_error_is_unknown() {
    let calls = Calls::new();
    let service = service_fn(|_: Request<Head>| async { Err::<Response<Script>, _>("broken") });
    let service = calls.builder().build().layer(service);
    block_on(service.oneshot(call(GET))).map(drop).unwrap_err();
    calls.ended_once(GET, "UNKNOWN", Some("UNKNOWN"));
}

#[test]
fn an_error_that_the_handler_set_fails_a_call() {
    let calls = Calls::new();
    let service = service_fn(|_: Request<Head>| {
        otelier_context::current()
            .unwrap()
            .set_error("out_of_stock");
        script([Trailers(status("0"))])
    });
    let service = calls.builder().build().layer(service);
    block_on(block_on(service.oneshot(call(GET))).unwrap().collect()).unwrap();
    calls.ended_once(GET, "OK", Some("out_of_stock"));
}

#[test]
fn an_http_answer_has_the_status_that_a_client_takes_it_for() {
    for (code, name, error) in [
        (404, "UNIMPLEMENTED", None),
        (415, "UNKNOWN", None),
        (503, "UNAVAILABLE", Some("UNAVAILABLE")),
    ] {
        let calls = told(|| {
            let response = Response::builder().status(code);
            response.body(Script::of([Message])).unwrap()
        });
        calls.ended_once(GET, name, error);
    }
}

#[test]
fn http_beside_grpc_is_told_as_http() {
    for (method, content_type) in [
        ("POST", "application/json"),
        ("POST", "application/grpc-web+proto"),
        ("GET", "application/grpc"),
    ] {
        let calls = Calls::new();
        let service = calls
            .builder()
            .build()
            .layer(service_fn(|_: Request<Head>| ok(Head::new())));
        let mut request = get("/");
        *request.method_mut() = method.parse().unwrap();
        request
            .headers_mut()
            .insert("content-type", content_type.parse().unwrap());
        block_on(service.oneshot(request)).unwrap();
        assert_eq!(calls.lines()[0].message, format!("{method} 200"));
        assert_eq!(
            calls
                .harness
                .samples(&["http_server_request_duration_seconds_count"]),
            [1.0]
        );
        assert_eq!(calls.harness.samples(&["rpc_server"]), [] as [f64; 0]);
    }
}

#[test]
fn grpc_is_http_where_nobody_asked_for_it() {
    let calls = Calls::new();
    let layer = calls.builder().grpc(false).build();
    let service = layer.layer(service_fn(|_: Request<Head>| ok(Head::new())));
    block_on(service.oneshot(call(GET))).unwrap();
    assert_eq!(calls.lines()[0].message, "POST 200");
}

#[test]
fn the_span_has_these_attributes_and_no_others() {
    let calls = Calls::new();
    let service = service_fn(|_: Request<Head>| script([Trailers(status("0"))]));
    let peer = |_: &http::request::Parts| Some(([192, 0, 2, 1], 4711).into());
    let service = calls.builder().peer_of(peer).build().layer(service);
    let mut request = call("shop.Orders/Put");
    *request.version_mut() = http::Version::HTTP_2;
    block_on(block_on(service.oneshot(request)).unwrap().collect()).unwrap();
    let mut attributes = attributes(&calls.harness.spans()[0]);
    assert!(attributes.remove("request.id").is_some());
    let expected = [
        ("client.address", Value::from("192.0.2.1")),
        ("network.peer.address", "192.0.2.1".into()),
        ("network.peer.port", 4711.into()),
        ("network.protocol.version", "2".into()),
        ("rpc.method", "_OTHER".into()),
        ("rpc.method_original", "shop.Orders/Put".into()),
        ("rpc.response.status_code", "OK".into()),
        ("rpc.system.name", "grpc".into()),
        ("server.address", "shop.local".into()),
        ("server.port", 50051.into()),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value));
    assert_eq!(attributes.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_sample_has_the_calls_trace_as_its_exemplar() {
    let calls = streamed(|| [Trailers(status("0"))]);
    let accept = Some("application/openmetrics-text");
    let text = calls.harness.registry().expose(accept).unwrap().body;
    let trace_id = calls.harness.spans()[0].span_context.trace_id();
    let mut lines = text.lines();
    let sample = lines.find(|line| line.contains("# {"));
    let sample = sample.expect("an exemplar");
    assert!(sample.starts_with("rpc_server_call_duration_seconds_bucket"));
    assert!(sample.contains(&trace_id.to_string()), "{sample}");
}
