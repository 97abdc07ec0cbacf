//! A client cannot make a time series or a span name: a method is known if it was declared, or once
//! the service has shown that it exists.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use support::grpc::Step::Trailers;
use support::grpc::{Calls, GET, call, script, status};
use tokio_test::block_on;
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};

const PUT: &str = "shop.Orders/Put";

/// Calls these methods of one server that answers each with this status.
fn flood(calls: &Calls, answer: &'static str, methods: impl IntoIterator<Item = String>) {
    let service = service_fn(move |_: Request<Empty<Bytes>>| script([Trailers(status(answer))]));
    let service = calls.builder().build().layer(service);
    for method in methods {
        let response = block_on(service.clone().oneshot(call(&method))).unwrap();
        block_on(response.collect()).unwrap();
    }
}

fn samples(calls: &Calls, method: &str) -> Vec<f64> {
    let method = format!(r#"rpc_method="{method}""#);
    calls
        .harness
        .samples(&["rpc_server_call_duration_seconds_count{", &method])
}

#[test]
fn ten_thousand_unknown_methods_are_one_series_and_a_declared_one_is_exact() {
    let calls = Calls::new();
    let unknown = (0..10_000).map(|number| format!("evil.Service/Method{number}"));
    let known = (0..10).map(|_| GET.to_owned());
    flood(&calls, "12", unknown.chain(known));
    assert_eq!(samples(&calls, "_OTHER"), [10_000.0]);
    assert_eq!(samples(&calls, GET), [10.0]);
    let series = calls
        .harness
        .samples(&["rpc_server_call_duration_seconds_count{"]);
    assert_eq!(series.len(), 2);
}

#[test]
fn a_service_that_answers_any_method_teaches_so_many_only() {
    let calls = Calls::new();
    let unknown =
        (0..2_000).flat_map(|n| [format!("evil.Service/M{n}"), format!("evil.Service/M{n}")]);
    flood(&calls, "0", unknown.chain([GET.to_owned()]));
    let series = calls
        .harness
        .samples(&["rpc_server_call_duration_seconds_count{"]);
    assert_eq!(series.len(), 256 + 2, "learned, _OTHER, declared");
    assert_eq!(samples(&calls, GET), [1.0]);
    assert_eq!(samples(&calls, "_OTHER"), [4_000.0 - 256.0]);
}

#[test]
fn a_method_is_learned_by_a_status_of_the_service_that_shows_that_it_exists() {
    for (answer, learns) in [
        ("0", true),
        ("5", true),
        ("13", true),
        ("2", true),
        ("12", false),
        ("16", false),
        ("7", false),
        ("8", false),
        ("14", false),
    ] {
        let calls = Calls::new();
        flood(&calls, answer, [PUT.to_owned(), PUT.to_owned()]);
        let names: Vec<_> = calls
            .harness
            .spans()
            .into_iter()
            .map(|span| span.name)
            .collect();
        let second = if learns { PUT } else { "_OTHER" };
        assert_eq!(names, ["_OTHER", second], "{answer}");
        let original = |span: &opentelemetry_sdk::trace::SpanData| {
            support::attributes(span).contains_key("rpc.method_original")
        };
        let spans = calls.harness.spans();
        assert_eq!(
            (original(&spans[0]), original(&spans[1])),
            (true, !learns),
            "{answer}"
        );
    }
}

#[test]
fn a_call_that_is_given_up_teaches_nothing() {
    let calls = Calls::new();
    let service = service_fn(|_: Request<Empty<Bytes>>| script([Trailers(status("0"))]));
    let mut service = calls.builder().build().layer(service);
    for _ in 0..2 {
        drop(service.call(call(PUT)));
    }
    assert_eq!(samples(&calls, "_OTHER"), [2.0]);
}
