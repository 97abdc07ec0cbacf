//! The client layer around a tonic channel, on a real connection.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use otelier_testing::Collector;
use support::attributes;
use support::client::Calls;
use tonic::transport::{Channel, Endpoint};
use tower::Layer as _;

const METHOD: &str = "opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Exports nothing, by way of the layer.
async fn export(calls: &Calls, channel: Channel, url: &str) -> Result<(), tonic::Status> {
    let layer = calls.builder().origin(url.parse().unwrap()).build();
    let mut client = TraceServiceClient::new(layer.layer(channel));
    let answer = client.export(ExportTraceServiceRequest::default()).await;
    answer.map(drop)
}

#[tokio::test]
async fn a_call_by_tonic_is_told_by_its_method_and_status() {
    let collector = Collector::start().await.unwrap();
    let url = collector.grpc_endpoint();
    let channel = Endpoint::from_shared(url.clone()).unwrap().connect_lazy();
    let calls = Calls::new();
    export(&calls, channel, &url).await.unwrap();

    let span = &calls.spans()[0];
    assert_eq!(span.name, METHOD);
    let attributes = attributes(span);
    assert_eq!(attributes["rpc.response.status_code"], "OK".into());
    assert_eq!(attributes["server.address"], "127.0.0.1".into());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_without_a_status() {
    let channel = Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
    let calls = Calls::new();
    let refused = export(&calls, channel, "http://127.0.0.1:1").await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::Unavailable);

    let attributes = attributes(&calls.spans()[0]);
    assert_eq!(attributes["error.type"], "_OTHER".into());
    assert!(!attributes.contains_key("rpc.response.status_code"));
}
