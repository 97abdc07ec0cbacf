//! What `/metrics` tells of the log and of requests.

mod support;

use std::collections::HashMap;

use axum::Router;
use axum::routing::get;
use opentelemetry::propagation::TextMapPropagator as _;
use otelier::log::{alert, log_context, security};
use otelier_testing::Collector;
use support::Service;

async fn login() {
    security!("login_failed", user = "ann");
    security!("login_failed", user = "bob");
    alert!("payment_backlog", critical);
    assert!(log_context! { step = "login" });
    otelier::set_field("cut", "x".repeat(100_000));
    otelier::current().expect("a request").end();
    assert!(!otelier::set_field("late", true));
    let headers = HashMap::from([("baggage".to_owned(), "no member".to_owned())]);
    otelier::context::BaggagePropagator.extract(&headers);
}

#[tokio::test]
async fn events_by_name_and_losses_of_requests_are_counters() {
    let collector = Collector::start().await.unwrap();
    let telemetry = support::install(&collector);
    let events = async || ([("content-type", "text/event-stream")], "data: 1\n\n");
    let app = Router::new()
        .route("/login", get(login))
        .route("/events", get(events));
    let service = Service::start(support::serve(telemetry, app)).await;

    let answer = support::get(service.app, "/login").await;
    assert_eq!(answer.status(), 200);
    support::get(service.app, "/events").await;
    let page = support::get(service.ops, "/metrics").await.into_body();
    assert_eq!(service.stop().await.code(), 0);

    for sample in [
        r#"otelier_log_events_total{category="security",name="login_failed",severity="warn"} 2"#,
        r#"otelier_log_events_total{category="alert",name="payment_backlog",severity="critical"} 1"#,
        "otelier_request_fields_refused_total 1",
        "otelier_request_late_writes_total 1",
        "otelier_baggage_dropped_total 1",
        r#"otelier_http_server_stream_duration_seconds_count{http_request_method="GET",url_scheme="http",http_route="/events",http_response_status_code="200",network_protocol_version="1.1"} 1"#,
    ] {
        assert!(page.lines().any(|line| line == sample), "{sample}\n{page}");
    }
}
