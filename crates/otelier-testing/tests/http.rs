//! OTLP over HTTP: what is accepted, and what each wrong request gets.

mod common;

use bytes::Bytes;
use common::{TRACE_ID, post, request, send, spans};
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use otelier_testing::{Behaviour, Collector};
use prost::Message;

#[tokio::test]
async fn each_signal_arrives_over_http() {
    let collector = Collector::start().await.expect("a collector");
    let logs = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![LogRecord {
                    severity_number: 17,
                    ..LogRecord::default()
                }],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    };
    let metrics = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics: vec![ScopeMetrics {
                metrics: vec![Metric {
                    name: "orders".to_owned(),
                    ..Metric::default()
                }],
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    };
    assert_eq!(
        post(&collector, "/v1/traces", &spans(&[(1, 0, "root")])).await,
        StatusCode::OK
    );
    assert_eq!(post(&collector, "/v1/logs", &logs).await, StatusCode::OK);
    assert_eq!(
        post(&collector, "/v1/metrics", &metrics).await,
        StatusCode::OK
    );

    assert_eq!(collector.trace(TRACE_ID).await.root().name(), "root");
    assert_eq!(collector.logs().await.single().severity(), "ERROR");
    assert_eq!(collector.metrics().await.single().name(), "orders");
    assert_eq!(collector.received().requests(), 3);
}

#[tokio::test]
async fn a_wrong_request_is_refused_with_its_reason_and_keeps_nothing() {
    let collector = Collector::start().await.expect("a collector");
    let to = |path| request(&collector, path);
    let body = |bytes: Vec<u8>| Full::<Bytes>::from(bytes);
    let right = || body(spans(&[(1, 0, "root")]).encode_to_vec());
    let mut json = to("/v1/traces");
    let headers = json.headers_mut().expect("a valid request");
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let cases = [
        (
            json,
            right(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send application/x-protobuf",
        ),
        (
            to("/v1/profiles"),
            right(),
            StatusCode::NOT_FOUND,
            "/v1/profiles",
        ),
        (
            to("/v1/traces").method("GET"),
            right(),
            StatusCode::METHOD_NOT_ALLOWED,
            "POST",
        ),
        (
            to("/v1/traces").header("content-encoding", "gzip"),
            right(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content-encoding \"gzip\" is not supported; send identity",
        ),
        (
            to("/v1/traces"),
            body(vec![0xff; 9]),
            StatusCode::BAD_REQUEST,
            "cannot decode",
        ),
        (
            to("/v1/traces"),
            body(vec![0; 4 * 1024 * 1024 + 1]),
            StatusCode::PAYLOAD_TOO_LARGE,
            "4194304 bytes",
        ),
    ];
    for (request, body, expected, reason) in cases {
        let (status, answer) = send(request.body(body).expect("a valid request")).await;
        assert_eq!(status, expected);
        assert!(
            String::from_utf8_lossy(&answer).contains(reason),
            "{answer:?}"
        );
    }

    assert_eq!(collector.received().requests(), 0);
}

#[tokio::test]
async fn an_unavailable_collector_answers_503() {
    let collector = Collector::start().await.expect("a collector");
    collector.behave(Behaviour::Unavailable);
    let status = post(&collector, "/v1/traces", &spans(&[(1, 0, "root")])).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(collector.received().traces().is_empty());
}

#[tokio::test]
async fn a_collector_keeps_receiving_while_the_tests_only_thread_is_blocked() {
    use std::io::{Read, Write};

    let collector = Collector::start().await.expect("a collector");
    let address = collector.http_endpoint().replace("http://", "");
    let body = spans(&[(1, 0, "root")]).encode_to_vec();
    let mut connection = std::net::TcpStream::connect(&address).expect("a connection");
    let length = body.len();
    write!(
        connection,
        "POST /v1/traces HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/x-protobuf; q=1\r\ncontent-length: {length}\r\n\r\n"
    )
    .expect("a written head");
    connection.write_all(&body).expect("a written body");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
