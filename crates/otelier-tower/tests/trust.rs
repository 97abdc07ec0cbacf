//! What of a caller's word a server takes over, by who the connection's peer is.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body_util::Empty;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::trace::SpanId;
use opentelemetry::{Context, Value};
use opentelemetry_sdk::trace::{SdkTracer, SpanData};
use otelier_context::{
    BaggagePropagator, RequestEnd, RequestObserver, TraceContextPropagator, current,
};
use otelier_tower::{Cidr, ServerBuilder, Trust};
use support::{Harness, attributes, get};
use tokio_test::block_on;
use tower::{Layer as _, ServiceExt as _, service_fn};

const PROXY: [u8; 4] = [10, 0, 0, 1];
const STRANGER: [u8; 4] = [203, 0, 113, 9];
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn networks() -> Vec<Cidr> {
    vec!["10.0.0.0/8".parse().unwrap()]
}

/// What a request of this peer with these headers leaves behind: its span, the headers of its response,
/// and whether its handler saw the caller's baggage.
fn send(
    harness: &Harness,
    builder: ServerBuilder<SdkTracer>,
    peer: [u8; 4],
    headers: &[(&'static str, &str)],
) -> (SpanData, HeaderMap, bool) {
    let propagators: Vec<Box<dyn TextMapPropagator + Send + Sync>> = vec![
        Box::new(TraceContextPropagator),
        Box::new(BaggagePropagator),
    ];
    let layer = builder
        .peer_of(move |_: &Parts| Some(SocketAddr::from((peer, 4711))))
        .propagator(TextMapCompositePropagator::new(propagators))
        .build();
    let mut request = get("/");
    for (name, value) in headers {
        let value = value.parse().unwrap();
        request.headers_mut().append(*name, value);
    }
    let baggage = Mutex::new(false);
    let handler = service_fn(async |_: Request<Empty<Bytes>>| {
        *baggage.lock().unwrap() = Context::current().baggage().get("a").is_some();
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let response = block_on(layer.layer(handler).oneshot(request)).unwrap();
    let headers = response.headers().clone();
    drop(response);
    let span = harness.spans().pop().unwrap();
    let seen = *baggage.lock().unwrap();
    (span, headers, seen)
}

#[test]
fn the_callers_trace_goes_on_where_the_caller_is_trusted() {
    for (trust, peer, trusted) in [
        (Trust::default(), STRANGER, true),
        (Trust::Always, STRANGER, true),
        (Trust::FromProxies(networks()), PROXY, true),
        (Trust::FromProxies(networks()), STRANGER, false),
        (Trust::FromProxies(Vec::new()), PROXY, false),
        (Trust::Link, PROXY, false),
    ] {
        let name = format!("{trust:?} {peer:?}");
        let harness = Harness::new();
        let linked = matches!(trust, Trust::Link);
        let headers = [
            ("traceparent", TRACEPARENT),
            ("baggage", "a=1"),
            ("x-request-id", "edge-1"),
        ];
        let (span, headers, baggage) =
            send(&harness, harness.builder().trust(trust), peer, &headers);

        let trace_id = span.span_context.trace_id().to_string();
        assert_eq!(TRACEPARENT.contains(&trace_id), trusted, "{name}");
        assert_eq!(span.parent_span_id != SpanId::INVALID, trusted, "{name}");
        assert_eq!(baggage, trusted, "{name}");
        let links = span.links.iter();
        let links: Vec<_> = links
            .map(|link| link.span_context.span_id().to_string())
            .collect();
        let expected: &[&str] = if linked { &["00f067aa0ba902b7"] } else { &[] };
        assert_eq!(links, expected, "{name}");
        assert_eq!(headers["x-request-id"] == "edge-1", trusted, "{name}");
        let replaced = attributes(&span).contains_key("request.id.replaced");
        assert_eq!(replaced, !trusted, "{name}");
    }
}

#[test]
fn a_caller_without_a_trace_is_not_linked() {
    for traceparent in ["broken", ""] {
        let harness = Harness::new();
        let headers = [("traceparent", traceparent)];
        let (span, ..) = send(
            &harness,
            harness.builder().trust(Trust::Link),
            PROXY,
            &headers,
        );
        assert!(span.links.is_empty());
        assert!(span.span_context.is_valid());
    }
}

#[test]
fn an_unknown_peer_is_no_trusted_proxy() {
    let harness = Harness::new();
    let builder = harness.builder().trusted_proxies(networks());
    let layer = builder.trust(Trust::FromProxies(networks())).build();
    let mut request = get("/");
    let headers = request.headers_mut();
    headers.insert("traceparent", TRACEPARENT.parse().unwrap());
    headers.insert("x-forwarded-for", "192.0.2.1".parse().unwrap());
    let handler = service_fn(async |_| support::ok(Empty::<Bytes>::new()).await);
    block_on(layer.layer(handler).oneshot(request)).unwrap();
    let span = &harness.spans()[0];
    assert_eq!(span.parent_span_id, SpanId::INVALID);
    assert!(!attributes(span).contains_key("client.address"));
}

#[test]
fn a_trusted_proxys_request_id_is_kept_whoever_is_trusted_for_traces() {
    for (peer, kept) in [(PROXY, true), (STRANGER, false)] {
        let harness = Harness::new();
        let builder = harness
            .builder()
            .trust(Trust::Link)
            .trusted_proxies(networks());
        let (_, headers, _) = send(&harness, builder, peer, &[("x-request-id", "edge-1")]);
        assert_eq!(headers["x-request-id"] == "edge-1", kept);
    }
}

#[derive(Clone, Default)]
struct Clients(Arc<Mutex<Vec<Option<IpAddr>>>>);

impl RequestObserver for Clients {
    fn on_end(&self, end: &RequestEnd<'_>) {
        assert!(current().is_some_and(|request| request.tenant().is_none()));
        self.0.lock().unwrap().push(end.client_address);
    }
}

#[test]
fn client_and_scheme_are_what_a_trusted_proxy_says_on_span_line_and_metric() {
    for (peer, client, scheme, port) in [
        (PROXY, [192, 0, 2, 1], "https", 443),
        (STRANGER, STRANGER, "http", 80),
    ] {
        let harness = Harness::new();
        let clients = Clients::default();
        let builder = harness.builder().observer(clients.clone());
        let builder = builder.trusted_proxies(networks());
        let headers = [
            ("host", "shop.example"),
            ("x-forwarded-for", "9.9.9.9, 192.0.2.1"),
            ("x-forwarded-for", "10.0.0.2"),
            ("x-forwarded-proto", "https"),
        ];
        let (span, ..) = send(&harness, builder, peer, &headers);
        let attributes = attributes(&span);
        let text = |address: [u8; 4]| Value::from(IpAddr::from(address).to_string());
        assert_eq!(attributes["client.address"], text(client));
        assert_eq!(attributes["network.peer.address"], text(peer));
        assert_eq!(attributes["network.peer.port"], Value::I64(4711));
        assert_eq!(attributes["url.scheme"], Value::from(scheme));
        assert_eq!(attributes["server.port"], Value::I64(port));
        assert_eq!(*clients.0.lock().unwrap(), [Some(client.into())]);
        let label = format!("url_scheme=\"{scheme}\"");
        assert_eq!(harness.samples(&["seconds_count{", &label]), [1.0]);
    }
}

#[test]
fn a_trusted_proxys_scheme_wins_over_the_uris() {
    let harness = Harness::new();
    let layer = harness
        .builder()
        .peer_of(|_: &Parts| Some(SocketAddr::from((PROXY, 4711))))
        .trusted_proxies(networks())
        .build();
    let mut request = get("http://shop.example/");
    let forwarded = "for=192.0.2.1;proto=https".parse().unwrap();
    request.headers_mut().insert("forwarded", forwarded);
    let handler = service_fn(async |_| support::ok(Empty::<Bytes>::new()).await);
    block_on(layer.layer(handler).oneshot(request)).unwrap();
    let attributes = attributes(&harness.spans()[0]);
    assert_eq!(attributes["url.scheme"], Value::from("https"));
}

#[test]
fn the_first_valid_request_id_is_kept_and_told_by_the_first_name() {
    let own = [
        HeaderName::from_static("x-trace"),
        HeaderName::from_static("x-other"),
    ];
    for (names, headers, kept, replaced) in [
        (
            None,
            &[("x-request-id", "a"), ("x-correlation-id", "b")][..],
            Some("a"),
            false,
        ),
        (None, &[("x-correlation-id", "b")], Some("b"), false),
        (
            None,
            &[("x-request-id", "a b"), ("x-correlation-id", "b")],
            Some("b"),
            false,
        ),
        (
            None,
            &[("x-correlation-id", "b"), ("x-correlation-id", "c")],
            None,
            true,
        ),
        (None, &[("x-trace", "a")], None, false),
        (
            Some(&own[..]),
            &[("x-other", "a"), ("x-request-id", "b")],
            Some("a"),
            false,
        ),
        (Some(&own[..]), &[("x-request-id", "b")], None, false),
        (Some(&[]), &[("x-request-id", "b")], None, false),
    ] {
        let harness = Harness::new();
        let mut builder = harness.builder();
        if let Some(names) = names {
            builder = builder.request_id_headers(names.to_vec());
        }
        let (span, response, _) = send(&harness, builder, STRANGER, headers);
        let name = names.map_or(Some("x-request-id"), |names| {
            names.first().map(HeaderName::as_str)
        });
        let attributes = attributes(&span);
        let id = attributes["request.id"].as_str();
        let found = headers.iter().find(|(_, value)| *value == id);
        assert_eq!(found.map(|(_, value)| *value), kept, "{headers:?}");
        assert_eq!(
            attributes.contains_key("request.id.replaced"),
            replaced,
            "{headers:?}"
        );
        assert_eq!(response.len(), usize::from(name.is_some()), "{headers:?}");
        if let Some(name) = name {
            assert_eq!(response[name], *id);
        }
    }
}
