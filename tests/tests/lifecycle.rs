//! A service without its collector, and at its end.

use std::time::Duration;

use otelier_e2e::{Collector, DEADLINE, Protocol, Quickstart, free_port, get_with, tools, until};

/// The shutdown budget of 30 s and a little for the process itself.
const SHUTDOWN: Duration = Duration::from_secs(32);

#[tokio::test]
async fn the_service_survives_a_collector_that_is_not_there_and_tells_it_in_metrics() {
    let mut service = Quickstart::exporting_to(
        &format!("http://127.0.0.1:{}", free_port()),
        Protocol::Grpc,
        &[("OTEL_BSP_SCHEDULE_DELAY", "100")],
    )
    .await;

    assert_eq!(service.get("/orders/42", &[]).await.status, 200);
    until("failed exports in /metrics", DEADLINE, async || {
        failed_spans(&service.ops("/metrics", &[]).await.body).filter(|failed| *failed > 0.0)
    })
    .await;
    assert_eq!(service.get("/orders/42", &[]).await.status, 200);
    assert_eq!(service.ops("/readyz", &[]).await.status, 200);

    service.terminate();
    let status = service.exit(SHUTDOWN).await;
    assert_eq!(status.code(), Some(12), "the code of a flush that failed");
}

#[tokio::test]
async fn sigterm_answers_what_is_in_flight_flushes_the_last_span_and_exits_with_0() {
    let test = "sigterm_answers_what_is_in_flight_flushes_the_last_span_and_exits_with_0";
    let Some([otelcol]) = tools(test, ["otelcol"]) else {
        return;
    };
    let collector = Collector::start(&otelcol).await;
    let mut service = Quickstart::exporting_to(
        &collector.endpoint(Protocol::Grpc),
        Protocol::Grpc,
        &[
            // An hour: only the flush at the end can bring the spans and records.
            ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "3600000"),
        ],
    )
    .await;

    let url = format!("http://127.0.0.1:{}/slow?ms=2000", service.port);
    let in_flight =
        tokio::spawn(async move { get_with(&url, &[("x-request-id", "e2e-last")]).await });
    until("the request is in flight", DEADLINE, async || {
        let metrics = service.ops("/metrics", &[]).await.body;
        samples(&metrics, "http_server_active_requests")
            .any(|(_, value)| value == 1.0)
            .then_some(())
    })
    .await;

    service.terminate();
    let response = in_flight
        .await
        .expect("the request's task")
        .expect("a response to the request in flight");
    assert_eq!(response.status, 200);
    let status = service.exit(SHUTDOWN).await;
    assert_eq!(status.code(), Some(0), "{status}");

    let span = collector.server_span("e2e-last").await;
    assert_eq!(span.name, "GET /slow");
    collector
        .log("the last access line", |record| {
            record.trace_id == span.trace_id
        })
        .await;
}

/// The highest count of spans that could not be exported for one named reason.
fn failed_spans(metrics: &str) -> Option<f64> {
    samples(metrics, "otel_sdk_exporter_span_exported_total")
        .filter(|(labels, _)| {
            labels.contains("error_type=\"") && !labels.contains("error_type=\"\"")
        })
        .map(|(_, value)| value)
        .reduce(f64::max)
}

/// The samples of `metric` in an exposition, as the text of the labels and the value.
fn samples<'a>(metrics: &'a str, metric: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
    metrics
        .lines()
        .filter_map(move |line| {
            line.strip_prefix(metric)?
                .strip_prefix('{')?
                .split_once("} ")
        })
        .filter_map(|(labels, value)| Some((labels, value.split(' ').next()?.parse().ok()?)))
}
