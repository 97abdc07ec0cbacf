//! What is recorded arrives at a collector, over either protocol and after any failure.

mod common;

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};

use common::proxy::{Proxy, closed_address};
use common::*;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Span as _, Tracer as _};
use otelier_testing::Behaviour;

const PROTOCOLS: [&str; 2] = ["grpc", "http/protobuf"];

#[test]
fn spans_and_log_records_arrive_with_the_resource() {
    for protocol in PROTOCOLS {
        let collector = collector();
        let (pipeline, registry) = pipeline(protocol, &endpoint(&collector, protocol), &[]);
        record(&pipeline, "GET /orders/{id}");
        pipeline.shutdown(LONG).unwrap();

        let span = block_on(collector.traces().into_future()).single().root();
        assert_eq!(span.name(), "GET /orders/{id}");
        assert_eq!(span.resource().get("service.name").unwrap(), "checkout");
        let log = block_on(collector.logs().into_future()).single();
        assert_eq!(log.body(), "GET /orders/{id}");
        assert_eq!(log.resource().get("service.name").unwrap(), "checkout");
        assert_eq!(count(&registry, SPANS, ""), 1);
        assert_eq!(count(&registry, LOGS, ""), 1);
    }
}

#[test]
fn an_absent_collector_is_counted_and_blocks_nobody() {
    for protocol in PROTOCOLS {
        let absent = format!("http://{}", closed_address());
        let (pipeline, registry) = pipeline(protocol, &absent, &[]);
        record(&pipeline, "GET");
        let error = pipeline.shutdown(LONG).unwrap_err();
        assert_eq!(
            error.to_string(),
            "traces: 1 lost (unavailable), logs: 1 lost (unavailable)"
        );
        assert_eq!(count(&registry, SPANS, "unavailable"), 1);
        assert_eq!(count(&registry, LOGS, "unavailable"), 1);
        assert_eq!(count(&registry, SPANS, ""), 0);
    }
}

#[test]
fn export_goes_on_when_the_collector_comes_back() {
    for protocol in PROTOCOLS {
        let collector = collector();
        let address = closed_address();
        let (pipeline, registry) = pipeline(protocol, &format!("http://{address}"), &[]);
        record(&pipeline, "lost");
        flush(&pipeline);
        assert_eq!(count(&registry, SPANS, "unavailable"), 1);

        let _proxy = Proxy::start(address, &endpoint(&collector, protocol));
        record(&pipeline, "kept");
        pipeline.shutdown(LONG).unwrap();
        assert_eq!(collector.received().spans().single().name(), "kept");
        assert_eq!(collector.received().logs().single().body(), "kept");
        assert_eq!(count(&registry, SPANS, ""), 1);
    }
}

#[test]
fn a_connection_that_has_died_silently_is_replaced() {
    for protocol in PROTOCOLS {
        let collector = collector();
        let address = closed_address();
        let proxy = Proxy::start(address, &endpoint(&collector, protocol));
        let timeout = ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000");
        let no_logs = ("OTEL_LOGS_EXPORTER", "none");
        let endpoint = format!("http://{address}");
        let (pipeline, registry) = pipeline(protocol, &endpoint, &[timeout, no_logs]);
        record(&pipeline, "before");
        flush(&pipeline);
        assert_eq!(count(&registry, SPANS, ""), 1);

        proxy.silence_connections();
        // What meets the connection's end may be lost.
        for _ in 0..20 {
            record(&pipeline, "after");
            flush(&pipeline);
            if count(&registry, SPANS, "") > 1 {
                break;
            }
        }
        assert!(
            count(&registry, SPANS, "") > 1,
            "{}",
            registry.expose(None).unwrap().body
        );
        assert!(proxy.connections() > 1);
        pipeline.shutdown(LONG).unwrap();
    }
}

#[test]
fn a_refusing_collector_is_counted_by_its_status() {
    for (protocol, error_type) in [("grpc", "unavailable"), ("http/protobuf", "503")] {
        let collector = collector();
        collector.behave(Behaviour::Unavailable);
        let (pipeline, registry) = pipeline(protocol, &endpoint(&collector, protocol), &[]);
        record(&pipeline, "GET");
        flush(&pipeline);
        assert_eq!(count(&registry, SPANS, error_type), 1);
        assert_eq!(count(&registry, LOGS, error_type), 1);
        assert!(collector.received().requests() > 2, "it is tried again");
        collector.behave(Behaviour::Accept);
        pipeline.shutdown(LONG).unwrap();
    }
}

#[test]
fn headers_and_compression_are_sent() {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let endpoint = format!("http://{}/in", server.local_addr().unwrap());
    let (pipeline, _registry) = pipeline(
        "http/protobuf",
        &endpoint,
        &[
            ("OTEL_LOGS_EXPORTER", "none"),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "authorization=Bearer%20a%253D",
            ),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ],
    );
    let request = std::thread::spawn(move || {
        let (mut connection, _) = server.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            connection.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        connection.read_exact(&mut byte).unwrap();
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        connection.write_all(answer.as_bytes()).unwrap();
        (String::from_utf8(head).unwrap().to_lowercase(), byte)
    });
    record(&pipeline, "GET");
    pipeline.shutdown(LONG).unwrap();

    let (head, first_byte) = request.join().unwrap();
    assert!(
        head.starts_with("post /in/v1/traces http/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains("\r\nauthorization: bearer a%3d\r\n"),
        "{head}"
    );
    assert!(head.contains("\r\ncontent-encoding: gzip\r\n"), "{head}");
    assert_eq!(first_byte, [0x1f], "gzip's magic number");
}

#[test]
fn a_span_keeps_the_limits_of_the_environment() {
    let collector = collector();
    let (pipeline, _registry) = pipeline(
        "http/protobuf",
        &collector.http_endpoint(),
        &[
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "2"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
        ],
    );
    let mut span = pipeline.tracer("app").start("GET");
    for key in ["a", "b", "c"] {
        span.set_attribute(opentelemetry::KeyValue::new(key, "12345"));
    }
    span.end();
    pipeline.shutdown(LONG).unwrap();
    let span = collector.received().spans().single();
    assert_eq!(span.attribute("a"), "123");
    assert_eq!(span.attributes().get("c"), None);
}

#[test]
fn a_disabled_pipeline_exports_nothing_and_still_propagates() {
    let collector = collector();
    let disabled = ("OTEL_SDK_DISABLED", "true");
    let (pipeline, registry) = pipeline("http/protobuf", &collector.http_endpoint(), &[disabled]);
    let span = pipeline.tracer("app").start("GET");
    assert!(!span.span_context().is_sampled());
    assert!(pipeline.logger_provider().is_none());
    let propagator = pipeline.propagator();
    let fields: Vec<_> = propagator.fields().collect();
    assert!(fields.contains(&"traceparent") && fields.contains(&"baggage"));
    drop(span);
    pipeline.shutdown(LONG).unwrap();
    assert_eq!(collector.received().requests(), 0);
    assert!(!registry.expose(None).unwrap().body.contains("otel_sdk"));
}

#[test]
fn the_propagators_are_those_of_the_variable() {
    let multi = ["x-b3-flags", "x-b3-sampled", "x-b3-spanid", "x-b3-traceid"];
    for (value, expected) in [
        ("", &["baggage", "traceparent", "tracestate"][..]),
        ("b3", &["b3"]),
        ("b3multi", &multi),
        ("none", &[]),
    ] {
        let variables = [("OTEL_PROPAGATORS", value), ("OTEL_SDK_DISABLED", "true")];
        let (pipeline, _) = pipeline("grpc", "http://localhost:4317", &variables);
        let propagator = pipeline.propagator();
        let mut fields: Vec<_> = propagator.fields().collect();
        fields.sort_unstable();
        assert_eq!(fields, expected, "{value}");
    }
}

#[test]
fn a_caller_that_denies_sampling_by_b3_is_obeyed() {
    let variables = [("OTEL_PROPAGATORS", "b3"), ("OTEL_TRACES_EXPORTER", "otlp")];
    let collector = collector();
    let (pipeline, _) = pipeline("grpc", &collector.grpc_endpoint(), &variables);
    for (decision, sampled) in [("0", false), ("1", true), ("", true)] {
        let headers = HashMap::from([("b3".to_owned(), decision.to_owned())]);
        let parent = pipeline
            .propagator()
            .extract_with_context(&Context::new(), &headers);
        let span = pipeline.tracer("app").start_with_context("GET", &parent);
        assert_eq!(span.span_context().is_sampled(), sampled, "{decision}");
        assert!(span.span_context().is_valid());
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn https_without_the_feature_is_an_error_that_names_the_variable() {
    for variable in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ] {
        for protocol in PROTOCOLS {
            let config = config(&[
                (variable, "https://collector:4317"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ]);
            let registry = otelier_metrics::Registry::new("checkout");
            let error = otelier_otlp::Pipeline::start(config, &registry).unwrap_err();
            assert!(error.is_tls_missing());
            assert_eq!(
                error.to_string(),
                format!(
                    "{variable} is an endpoint with https, which needs the feature `tls`: switch it \
                     on, or use http"
                )
            );
        }
    }
}
