//! What Prometheus and promtool make of `/metrics`.

use otelier_e2e::{
    Collector, DEADLINE, Prometheus, Protocol, Quickstart, check_metrics, tools, until,
};

#[tokio::test]
async fn prometheus_answers_query_exemplars_with_the_trace_id_of_a_request() {
    let test = "prometheus_answers_query_exemplars_with_the_trace_id_of_a_request";
    let Some([otelcol, prometheus]) = tools(test, ["otelcol", "prometheus"]) else {
        return;
    };
    let collector = Collector::start(&otelcol).await;
    let service = Quickstart::exporting_to(
        &collector.endpoint(Protocol::Grpc),
        Protocol::Grpc,
        &[("OTEL_BSP_SCHEDULE_DELAY", "100")],
    )
    .await;
    let prometheus = Prometheus::start(&prometheus, service.ops_port).await;

    // Half a second and more, so that no other request takes the exemplar of the same bucket.
    let response = service
        .get("/slow?ms=600", &[("x-request-id", "e2e-exemplar")])
        .await;
    assert_eq!(response.status, 200);

    let line = service.log_line("the access line", |line| {
        line["request_id"] == "e2e-exemplar" && line["category"] == "access"
    });
    let trace_id = line.await["trace_id"]
        .as_str()
        .expect("a trace id on the access line")
        .to_owned();
    let span = collector.server_span("e2e-exemplar").await;
    assert_eq!(span.trace_id, trace_id);

    let exemplar = until("an exemplar with the trace id", DEADLINE, async || {
        let exemplars = prometheus
            .exemplars("http_server_request_duration_seconds_bucket")
            .await;
        exemplars
            .into_iter()
            .find(|labels| labels["trace_id"] == *trace_id)
    });
    assert_eq!(exemplar.await["span_id"], *span.span_id);

    until("no active request in Prometheus", DEADLINE, async || {
        let active = prometheus.values("http_server_active_requests").await;
        (!active.is_empty() && active.iter().all(|value| value == "0")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn promtool_has_nothing_to_say_about_the_text_exposition() {
    let test = "promtool_has_nothing_to_say_about_the_text_exposition";
    let Some([promtool]) = tools(test, ["promtool"]) else {
        return;
    };
    let service = Quickstart::start(&[]).await;
    for (path, status) in [
        ("/orders/42", 200),
        ("/nowhere", 404),
        ("/fail", 500),
        ("/panic", 500),
    ] {
        assert_eq!(service.get(path, &[]).await.status, status, "{path}");
    }
    service.get("/stream?frames=3&ms=1", &[]).await;

    let metrics = service
        .ops("/metrics", &[("accept", "text/plain;version=0.0.4")])
        .await;
    let content_type = metrics.headers["content-type"]
        .to_str()
        .expect("a textual content type");
    assert!(
        content_type.starts_with("text/plain; version=0.0.4"),
        "{content_type}"
    );
    for path in ["/orders/{id}", "/fail", "/panic"] {
        assert!(
            metrics.body.contains(&format!("http_route=\"{path}\"")),
            "{path}: {}",
            metrics.body
        );
    }

    let verdict = check_metrics(&promtool, &metrics.body);
    let said = [verdict.stdout, verdict.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&said), "", "{}", metrics.body);
    assert!(verdict.status.success(), "{}", verdict.status);
}
