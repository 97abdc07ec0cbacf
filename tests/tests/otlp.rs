//! What the OpenTelemetry Collector receives from a service.

use std::collections::BTreeMap;

use otelier_e2e::{Attributes, Collector, Protocol, Quickstart, tools};
use serde_json::json;

/// The attributes of the server span and their OTLP types, no more and no fewer.
const SERVER_SPAN: [(&str, &str); 14] = [
    ("client.address", "stringValue"),
    ("http.request.method", "stringValue"),
    ("http.response.status_code", "intValue"),
    ("http.route", "stringValue"),
    ("network.peer.address", "stringValue"),
    ("network.peer.port", "intValue"),
    ("network.protocol.version", "stringValue"),
    ("request.id", "stringValue"),
    ("server.address", "stringValue"),
    ("server.port", "intValue"),
    ("url.path", "stringValue"),
    ("url.query", "stringValue"),
    ("url.scheme", "stringValue"),
    ("user_agent.original", "stringValue"),
];

/// The attributes that the resource has at least.
const RESOURCE: [(&str, &str); 6] = [
    ("deployment.environment.name", "stringValue"),
    ("host.name", "stringValue"),
    ("process.pid", "intValue"),
    ("service.instance.id", "stringValue"),
    ("service.name", "stringValue"),
    ("service.version", "stringValue"),
];

#[tokio::test]
async fn the_collector_has_span_child_and_log_record_under_one_trace_id_over_grpc() {
    let test = "the_collector_has_span_child_and_log_record_under_one_trace_id_over_grpc";
    one_trace_id(test, Protocol::Grpc).await;
}

#[tokio::test]
async fn the_collector_has_span_child_and_log_record_under_one_trace_id_over_http() {
    let test = "the_collector_has_span_child_and_log_record_under_one_trace_id_over_http";
    one_trace_id(test, Protocol::HttpProtobuf).await;
}

async fn one_trace_id(test: &str, protocol: Protocol) {
    let Some([otelcol]) = tools(test, ["otelcol"]) else {
        return;
    };
    let collector = Collector::start(&otelcol).await;
    let service = Quickstart::exporting_to(
        &collector.endpoint(protocol),
        protocol,
        &[
            (
                "OTEL_RESOURCE_ATTRIBUTES",
                "deployment.environment.name=e2e",
            ),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
        ],
    )
    .await;

    let headers = [("user-agent", "otelier-e2e"), ("x-request-id", "e2e-1")];
    let response = service.get("/orders/42?x=1", &headers).await;
    assert_eq!(response.status, 200);

    let server = collector.server_span("e2e-1").await;
    assert_eq!(server.name, "GET /orders/{id}");
    assert_eq!(server.parent_span_id, "");
    assert_eq!(types(&server.attributes), BTreeMap::from(SERVER_SPAN));
    for (key, value) in [
        ("client.address", json!({"stringValue": "127.0.0.1"})),
        ("http.request.method", json!({"stringValue": "GET"})),
        ("http.response.status_code", json!({"intValue": "200"})),
        ("http.route", json!({"stringValue": "/orders/{id}"})),
        ("network.peer.address", json!({"stringValue": "127.0.0.1"})),
        ("network.protocol.version", json!({"stringValue": "1.1"})),
        ("server.address", json!({"stringValue": "127.0.0.1"})),
        ("server.port", json!({"intValue": service.port.to_string()})),
        ("url.path", json!({"stringValue": "/orders/42"})),
        ("url.query", json!({"stringValue": "x=1"})),
        ("url.scheme", json!({"stringValue": "http"})),
        ("user_agent.original", json!({"stringValue": "otelier-e2e"})),
    ] {
        assert_eq!(server.attributes[key], value, "{key}");
    }

    let resource = types(&server.resource);
    for (key, value_type) in RESOURCE {
        assert_eq!(resource.get(key), Some(&value_type), "{key}");
    }
    assert_eq!(
        server.resource["service.name"],
        json!({"stringValue": "quickstart"})
    );
    assert_eq!(
        server.resource["deployment.environment.name"],
        json!({"stringValue": "e2e"})
    );

    let child = collector
        .span("the child load_order", |span| {
            span.name == "load_order" && span.trace_id == server.trace_id
        })
        .await;
    assert_eq!(child.parent_span_id, server.span_id);

    let record = collector
        .log("the log record of the order", |record| {
            record.trace_id == server.trace_id && record.attributes.contains_key("order_id")
        })
        .await;
    assert_eq!(record.span_id, child.span_id);
}

fn types(attributes: &Attributes) -> BTreeMap<&str, &str> {
    attributes
        .iter()
        .map(|(key, value)| {
            let value_type = value.as_object().and_then(|value| value.keys().next());
            (key.as_str(), value_type.map_or("none", String::as_str))
        })
        .collect()
}
