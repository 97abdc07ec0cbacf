//! What a call's span says, and what its server learns of it.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::Empty;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{SpanKind, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracer;
use otelier_context::{ContextExt as _, RequestContext, TraceContextPropagator};
use otelier_metrics::MAX_SERIES;
use otelier_tower::{ClientLayer, ResendCount, UrlTemplate};
use support::client::Calls;
use support::{attributes, get, ok};
use tokio_test::block_on;
use tower::retry::{Policy, RetryLayer};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};

/// The headers of a call as its server gets them.
fn sent(layer: &ClientLayer<SdkTracer>, request: Request<Empty<Bytes>>) -> HeaderMap {
    let headers = Mutex::new(HeaderMap::new());
    let client = layer.layer(service_fn(|request: Request<_>| {
        *headers.lock().unwrap() = request.headers().clone();
        ok(Empty::<Bytes>::new())
    }));
    block_on(client.oneshot(request)).unwrap();
    headers.into_inner().unwrap()
}

/// A context as below a server's layer.
fn request_context(calls: &Calls) -> Context {
    let parent = calls.tracer().start("server");
    let request = RequestContext::new("edge-1".parse().unwrap());
    let cx = Context::current_with_span(parent).with_request(request);
    cx.with_baggage([KeyValue::new("plan", "gold plus")])
}

#[test]
fn the_attributes_are_those_of_the_conventions() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| async {
        let response = Response::builder().version(Version::HTTP_2).status(404);
        response.body(Empty::<Bytes>::new())
    });
    let request = get("https://me:pw@Orders.internal:8443/orders/42?a=1&sig=s3cret");
    block_on(client.oneshot(request)).unwrap();

    let span = &calls.spans()[0];
    assert_eq!(span.name, "GET");
    assert_eq!(span.span_kind, SpanKind::Client);
    let url = "https://REDACTED:REDACTED@Orders.internal:8443/orders/42?a=1&sig=REDACTED";
    let expected = [
        ("error.type", Value::from("404")),
        ("http.request.method", "GET".into()),
        ("http.response.status_code", Value::I64(404)),
        ("network.protocol.version", "2".into()),
        ("server.address", "orders.internal".into()),
        ("server.port", Value::I64(8443)),
        ("url.full", url.into()),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value));
    assert_eq!(attributes(span), expected.into());
}

#[test]
fn a_template_is_in_the_name_and_an_unknown_method_is_not() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| ok(Empty::<Bytes>::new()));
    let mut request = get("http://svc/orders/42");
    request.extensions_mut().insert(UrlTemplate("/orders/{id}"));
    *request.method_mut() = "BREW".parse().unwrap();
    block_on(client.oneshot(request)).unwrap();

    let span = &calls.spans()[0];
    assert_eq!(span.name, "HTTP /orders/{id}");
    let attributes = attributes(span);
    assert_eq!(attributes["url.template"], "/orders/{id}".into());
    assert_eq!(attributes["http.request.method"], "_OTHER".into());
    assert_eq!(attributes["http.request.method_original"], "BREW".into());
    assert!(calls.counts()[0].contains(r#"http_request_method="_OTHER""#));
}

#[test]
fn the_server_learns_trace_baggage_and_request_id() {
    let calls = Calls::new();
    let cx = request_context(&calls);
    let parent = cx.span().span_context().clone();
    let guard = cx.attach();
    let mut request = get("http://svc/");
    for (name, forged) in [
        (
            "traceparent",
            "00-11111111111111111111111111111111-1111111111111111-01",
        ),
        ("tracestate", "evil=1"),
        ("baggage", "evil=1"),
        ("x-request-id", "evil"),
        ("accept", "*/*"),
    ] {
        request.headers_mut().append(name, forged.parse().unwrap());
    }
    let headers = sent(&calls.builder().build(), request);
    drop(guard);

    let span = &calls.spans()[0];
    assert_eq!(span.parent_span_id, parent.span_id());
    let (trace_id, span_id) = (parent.trace_id(), span.span_context.span_id());
    let expected = [
        ("traceparent", format!("00-{trace_id}-{span_id}-01")),
        ("baggage", "plan=gold%20plus".to_owned()),
        ("x-request-id", "edge-1".to_owned()),
        ("accept", "*/*".to_owned()),
    ];
    assert_eq!(headers.len(), expected.len(), "{headers:?}");
    for (name, value) in expected {
        assert_eq!(headers[name], value);
    }
}

#[test]
fn what_is_switched_off_does_not_travel() {
    let calls = Calls::new();
    let _guard = request_context(&calls).attach();
    let builder = calls.builder().propagator(TraceContextPropagator);
    let headers = sent(&builder.request_id_header(None).build(), get("http://svc/"));
    let names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(names, ["traceparent"]);
}

#[test]
fn a_call_outside_of_a_request_keeps_the_id_that_it_has() {
    let calls = Calls::new();
    let mut request = get("http://svc/");
    let id = "job-7".parse().unwrap();
    request.headers_mut().insert("x-request-id", id);
    let headers = sent(&calls.builder().build(), request);
    assert_eq!(headers["x-request-id"], "job-7");
    assert!(headers.contains_key("traceparent"));
}

#[test]
fn what_runs_below_is_a_part_of_the_call() {
    let calls = Calls::new();
    let seen = Arc::new(Mutex::new(None));
    let client = calls.client(|_: Request<Empty<Bytes>>| {
        *seen.lock().unwrap() = Some(Context::current().span().span_context().span_id());
        ok(Empty::<Bytes>::new())
    });
    block_on(client.oneshot(get("http://svc/"))).unwrap();
    let span_id = calls.spans()[0].span_context.span_id();
    assert_eq!(*seen.lock().unwrap(), Some(span_id));
    assert!(!Context::current().span().span_context().is_valid());
}

#[derive(Clone)]
struct Again(u8);

impl<R> Policy<Request<Empty<Bytes>>, Response<R>, Infallible> for Again {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Empty<Bytes>>,
        _: &mut Result<Response<R>, Infallible>,
    ) -> Option<Ready<()>> {
        self.0 = self.0.checked_sub(1)?;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request<Empty<Bytes>>) -> Option<Request<Empty<Bytes>>> {
        Some(request.clone())
    }
}

#[test]
fn retries_are_numbered() {
    let calls = Calls::new();
    let client = ServiceBuilder::new()
        .map_request(|mut request: Request<Empty<Bytes>>| {
            request.extensions_mut().insert(ResendCount::default());
            request
        })
        .layer(RetryLayer::new(Again(2)))
        .layer(calls.builder().build())
        .service_fn(|_: Request<Empty<Bytes>>| ok(Empty::<Bytes>::new()));
    for _ in 0..2 {
        block_on(client.clone().oneshot(get("http://svc/"))).unwrap();
    }
    let spans = calls.spans();
    let numbers = spans
        .iter()
        .map(|span| attributes(span).remove("http.request.resend_count"));
    let of_a_call = [None, Some(Value::I64(1)), Some(Value::I64(2))];
    assert_eq!(
        numbers.collect::<Vec<_>>(),
        [of_a_call.clone(), of_a_call].concat()
    );
}

#[test]
fn the_trace_is_the_samples_exemplar() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| ok(Empty::<Bytes>::new()));
    block_on(client.oneshot(get("http://svc/"))).unwrap();
    let trace_id = calls.spans()[0].span_context.trace_id();
    let exemplar = format!("trace_id=\"{trace_id}\"");
    assert!(calls.exposed().contains(&exemplar));
}

#[test]
fn hosts_without_end_have_series_with_one() {
    let calls = Calls::new();
    let client = calls.client(|_: Request<Empty<Bytes>>| ok(Empty::<Bytes>::new()));
    for host in 0..MAX_SERIES + 10 {
        let request = get(&format!("http://host-{host}/"));
        block_on(client.clone().oneshot(request)).unwrap();
    }
    assert_eq!(calls.counts().len(), MAX_SERIES + 1);
    let overflow = r#"http_client_request_duration_seconds_count{otel_metric_overflow="true"} 10"#;
    assert!(calls.counts().iter().any(|line| line == overflow));
}
