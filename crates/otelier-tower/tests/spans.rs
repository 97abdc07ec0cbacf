//! What the server span says, and what runs below it sees.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Empty;
use opentelemetry::trace::{
    Link, SpanKind, Status, TraceContextExt as _, TraceId, TracerProvider as _,
};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, SdkTracerProvider, ShouldSample};
use otelier_tower::{HeaderTenant, HttpLayer, HttpService};
use support::{Harness, attributes, get};
use tokio_test::block_on;
use tower::{Layer as _, ServiceExt as _, service_fn};

async fn ok(_: Request<Empty<Bytes>>) -> Result<Response<Empty<Bytes>>, Infallible> {
    Ok(Response::new(Empty::new()))
}

fn orders(_: &Parts) -> Option<&str> {
    Some("/orders/{id}")
}

fn peer(_: &Parts) -> Option<SocketAddr> {
    Some(([192, 0, 2, 7], 4711).into())
}

fn text(value: &'static str) -> Value {
    Value::from(value)
}

#[test]
fn the_attributes_are_those_of_the_conventions() {
    let harness = Harness::new();
    let layer = harness
        .builder()
        .route_of(orders)
        .peer_of(peer)
        .tenant(HeaderTenant::trusted("x-tenant-id"))
        .build();
    let request = Request::get("/orders/42?a=1&sig=s3cret")
        .header("host", "shop.example:8080")
        .header("user-agent", "curl/8")
        .header("x-request-id", "edge-1")
        .header("x-tenant-id", "acme")
        .body(Empty::new())
        .unwrap();
    block_on(layer.layer(service_fn(ok)).oneshot(request)).unwrap();

    let span = &harness.spans()[0];
    assert_eq!(span.name, "GET /orders/{id}");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.status, Status::Unset);
    let expected = [
        ("client.address", text("192.0.2.7")),
        ("http.request.method", text("GET")),
        ("http.response.status_code", Value::I64(200)),
        ("http.route", text("/orders/{id}")),
        ("network.peer.address", text("192.0.2.7")),
        ("network.peer.port", Value::I64(4711)),
        ("network.protocol.version", text("1.1")),
        ("request.id", text("edge-1")),
        ("server.address", text("shop.example")),
        ("server.port", Value::I64(8080)),
        ("tenant.id", text("acme")),
        ("url.path", text("/orders/42")),
        ("url.query", text("a=1&sig=REDACTED")),
        ("url.scheme", text("http")),
        ("user_agent.original", text("curl/8")),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value));
    assert_eq!(attributes(span), expected.into());
}

#[test]
fn headers_on_the_list_are_attributes_and_those_of_the_request_are_there_for_samplers() {
    let harness = Harness::new();
    let sampled = Arc::new(Mutex::new(Vec::new()));
    let provider = SdkTracerProvider::builder()
        .with_sampler(Witness(Arc::clone(&sampled)))
        .with_simple_exporter(harness.exporter())
        .build();
    let layer = HttpLayer::server(provider.tracer("test"))
        .capture_request_headers([ACCEPT, COOKIE])
        .capture_response_headers([ACCEPT, CONTENT_TYPE, SET_COOKIE])
        .build();
    let service = layer.layer(service_fn(async |_: Request<Empty<Bytes>>| {
        let head = Response::builder()
            .header("content-type", "text/plain")
            .header("set-cookie", "id=s3cret")
            .header("x-other", "s3cret");
        head.body(Empty::<Bytes>::new())
    }));
    let mut request = get("/");
    for (name, value) in [("accept", "a"), ("accept", "b"), ("cookie", "id=s3cret")] {
        let value = http::HeaderValue::from_static(value);
        request.headers_mut().append(name, value);
    }
    block_on(service.oneshot(request)).unwrap();

    let attributes = attributes(&harness.spans()[0]);
    let array = |values: &[&'static str]| {
        let values = values.iter().map(|value| StringValue::from(*value));
        Value::Array(Array::String(values.collect()))
    };
    let headers = attributes
        .into_iter()
        .filter(|(key, _)| key.contains(".header."));
    let expected = [
        ("http.request.header.accept", array(&["a", "b"])),
        ("http.request.header.cookie", array(&["REDACTED"])),
        ("http.response.header.content-type", array(&["text/plain"])),
        ("http.response.header.set-cookie", array(&["REDACTED"])),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value));
    assert_eq!(headers.collect::<Vec<_>>(), expected);
    let sampled = sampled.lock().unwrap();
    for key in ["http.request.header.accept", "http.request.header.cookie"] {
        assert!(sampled.iter().any(|sampled| sampled == key), "{key}");
    }
}

/// Notes which attributes a sampler sees.
#[derive(Debug, Clone)]
struct Witness(Arc<Mutex<Vec<String>>>);

impl ShouldSample for Witness {
    fn should_sample(
        &self,
        parent: Option<&opentelemetry::Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let keys = attributes.iter().map(|pair| pair.key.to_string());
        self.0.lock().unwrap().extend(keys);
        Sampler::AlwaysOn.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

#[test]
fn without_a_route_the_name_is_the_method() {
    let harness = Harness::new();
    let service = harness.layer().layer(service_fn(ok));
    block_on(service.oneshot(get("/any/path"))).unwrap();
    let span = &harness.spans()[0];
    assert_eq!(span.name, "GET");
    assert!(!attributes(span).contains_key("http.route"));
}

#[test]
fn the_parent_is_the_callers_span() {
    let harness = Harness::new();
    let service = harness.layer().layer(service_fn(ok));
    let mut request = get("/");
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    request
        .headers_mut()
        .insert("traceparent", parent.parse().unwrap());
    block_on(service.oneshot(request)).unwrap();
    let span = &harness.spans()[0];
    assert_eq!(span.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert!(span.parent_span_is_remote);
    let trace_id = span.span_context.trace_id().to_string();
    assert_eq!(trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[test]
fn what_runs_below_sees_the_request() {
    let harness = Harness::new();
    let seen = Arc::new(Mutex::new(None));
    let handler = {
        let seen = Arc::clone(&seen);
        service_fn(move |request| {
            let seen = Arc::clone(&seen);
            async move {
                let cx = opentelemetry::Context::current();
                let span_id = cx.span().span_context().span_id();
                let id = otelier_context::current().unwrap().id().to_string();
                *seen.lock().unwrap() = Some((span_id, id));
                ok(request).await
            }
        })
    };
    let response = block_on(harness.layer().layer(handler).oneshot(get("/"))).unwrap();
    let (span_id, request_id) = seen.lock().unwrap().take().unwrap();
    assert_eq!(span_id, harness.spans()[0].span_context.span_id());
    assert_eq!(response.headers()["x-request-id"], request_id);
    assert!(otelier_context::current().is_none(), "and nothing after it");
}

#[test]
fn a_valid_request_id_is_kept_and_any_other_replaced() {
    for (values, kept) in [
        (&["edge-1"][..], true),
        (&[], false),
        (&["a b"], false),
        (&["one", "two"], false),
        (&[""], false),
        (&["é"], false),
    ] {
        let harness = Harness::new();
        let mut request = get("/");
        for value in values {
            let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request.headers_mut().append("x-request-id", value);
        }
        let service = harness.layer().layer(service_fn(ok));
        let response = block_on(service.oneshot(request)).unwrap();
        let returned = response.headers()["x-request-id"].to_str().unwrap();
        assert_eq!(
            returned == *values.first().unwrap_or(&"-"),
            kept,
            "{values:?}"
        );
        let attributes = attributes(&harness.spans()[0]);
        assert_eq!(attributes["request.id"], Value::from(returned.to_owned()));
        let replaced = attributes.contains_key("request.id.replaced");
        assert_eq!(replaced, !kept && !values.is_empty(), "{values:?}");
    }
}

#[test]
fn a_tenant_learned_late_is_on_the_span_and_the_line() {
    let harness = Harness::new();
    let handler = service_fn(|request| {
        let current = otelier_context::current().unwrap();
        assert!(current.set_tenant("acme".parse().unwrap()));
        ok(request)
    });
    block_on(harness.layer().layer(handler).oneshot(get("/"))).unwrap();
    assert_eq!(attributes(&harness.spans()[0])["tenant.id"], text("acme"));
    assert_eq!(harness.lines()[0].tenant.as_deref(), Some("acme"));
}

#[test]
fn an_operation_that_the_application_named_is_on_the_span_and_the_line() {
    let harness = Harness::new();
    let handler = service_fn(|request| {
        let current = otelier_context::current().unwrap();
        assert!(current.set_operation("createOrder"));
        assert!(!current.set_operation("other"));
        ok(request)
    });
    block_on(harness.layer().layer(handler).oneshot(get("/"))).unwrap();
    let attributes = attributes(&harness.spans()[0]);
    assert_eq!(attributes["otelier.operation"], text("createOrder"));
    assert_eq!(harness.lines()[0].operation, Some("createOrder"));
}

#[test]
fn fields_that_the_application_set_are_attributes_with_their_types() {
    let harness = Harness::new();
    let handler = service_fn(|request| {
        for step in ["cart", "pay"] {
            otelier_context::set_field("step", step);
        }
        otelier_context::set_field("order_id", 42);
        otelier_context::set_field("items", 3_u64);
        otelier_context::set_field("total", 12.5);
        otelier_context::set_field("gift", true);
        ok(request)
    });
    block_on(harness.layer().layer(handler).oneshot(get("/"))).unwrap();
    let attributes = attributes(&harness.spans()[0]);
    assert_eq!(attributes["step"], text("pay"));
    assert_eq!(attributes["order_id"], Value::I64(42));
    assert_eq!(attributes["items"], Value::I64(3));
    assert_eq!(attributes["total"], Value::F64(12.5));
    assert_eq!(attributes["gift"], Value::Bool(true));
}

#[test]
fn no_field_takes_an_attribute_of_the_middleware() {
    let harness = Harness::new();
    let keys = Mutex::new(Vec::<&'static str>::new());
    let service = service_fn(async |_: Request<Empty<Bytes>>| {
        let request = otelier_context::current().unwrap();
        request.set_tenant("acme".parse().unwrap());
        request.set_user("ann".parse().unwrap());
        request.set_error("out_of_stock");
        request.set_operation("createOrder");
        for key in &*keys.lock().unwrap() {
            assert!(request.set_field(key, "forged"));
        }
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let service = harness
        .builder()
        .route_of(orders)
        .peer_of(peer)
        .build()
        .layer(service);
    let send = || {
        let request = Request::builder()
            .method("BREW")
            .uri("https://shop.example:8080/orders/42?a=1")
            .header("user-agent", "curl/8")
            .header("x-request-id", "not an id")
            .body(Empty::new())
            .unwrap();
        block_on(service.clone().oneshot(request)).unwrap();
        let mut attributes = attributes(harness.spans().last().unwrap());
        attributes.remove("request.id");
        attributes
    };
    let own = send();
    assert!(own.len() >= 18, "all that there are: {own:?}");
    let names = own.keys().map(|key| -> &'static str { key.clone().leak() });
    keys.lock().unwrap().extend(names.chain(["request.id"]));
    let mut both = send();
    for key in &*keys.lock().unwrap() {
        assert_eq!(both.remove(&format!("field.{key}")), Some(text("forged")));
    }
    assert_eq!(both, own);
}

#[test]
fn a_client_cannot_make_series() {
    let harness = Harness::new();
    let service = harness.layer().layer(service_fn(ok));
    for i in 0..1_000 {
        let request = Request::builder()
            .method(format!("M{i}").as_str())
            .uri(format!("http://h{i}.example/p{i}?q={i}"))
            .header("user-agent", i)
            .body(Empty::new())
            .unwrap();
        block_on(service.clone().oneshot(request)).unwrap();
    }
    assert_eq!(harness.samples(&["duration_seconds_count{"]), [1_000.0]);
    assert_eq!(harness.samples(&["active_requests{"]), [0.0]);
}

#[test]
fn a_known_route_keeps_its_place() {
    let harness = Harness::new();
    let layer = harness.builder().route_of(numbered).build();
    let service = layer.layer(service_fn(async |request: Request<Empty<Bytes>>| {
        let hostile = request.headers().contains_key("hostile");
        let status = if hostile { 405 } else { 200 };
        Response::builder()
            .status(status)
            .body(Empty::<Bytes>::new())
    }));
    let methods = "GET POST PUT DELETE HEAD OPTIONS PATCH CONNECT TRACE QUERY BREW";
    let versions = [
        http::Version::HTTP_10,
        http::Version::HTTP_11,
        http::Version::HTTP_2,
    ];
    for route in 1..200 {
        for method in methods.split(' ') {
            for (version, scheme) in versions
                .into_iter()
                .flat_map(|v| [(v, "http"), (v, "https")])
            {
                let request = Request::builder()
                    .method(method)
                    .version(version)
                    .uri(format!("{scheme}://shop/{route}"))
                    .header("hostile", "1");
                let request = request.body(Empty::new()).unwrap();
                block_on(service.clone().oneshot(request)).unwrap();
            }
        }
    }
    block_on(service.oneshot(get("/200"))).unwrap();
    assert_eq!(
        harness.samples(&["seconds_count{", r#"http_route="/200""#]),
        [1.0]
    );
    let series = harness.samples(&["seconds_count{"]).len();
    assert!(series <= otelier_metrics::MAX_SERIES + 1, "{series}");
}

fn numbered(head: &Parts) -> Option<&str> {
    Some(head.uri.path())
}

fn marked(head: &Parts) -> Option<&str> {
    head.extensions.get::<&'static str>().copied()
}

#[test]
fn routes_are_labels_of_their_own() {
    let harness = Harness::new();
    let layer = harness.builder().route_of(marked).build();
    let service: HttpService<_, _> = layer.layer(service_fn(ok));
    for route in ["/a", "/b", "/a"] {
        let mut request = get("/");
        request.extensions_mut().insert(route);
        block_on(service.clone().oneshot(request)).unwrap();
    }
    assert_eq!(
        harness.samples(&["seconds_count{", r#"http_route="/a""#]),
        [2.0]
    );
    assert_eq!(
        harness.samples(&["seconds_count{", r#"http_route="/b""#]),
        [1.0]
    );
}
