//! A request comes out as a trace, a log record and a metric with one trace id, on one thread.

mod support;

use axum::Router;
use axum::routing::get;
use otelier_testing::{Collector, Status};
use support::Service;
use tracing::level_filters::LevelFilter;

#[tracing::instrument]
async fn load_order() {
    tokio::task::yield_now().await;
    tracing::info!(order_id = 42, "order loaded");
    tracing::debug!("logged since the level was changed");
    tokio::spawn(async { tracing::info!("spawned") }.in_current_context())
        .await
        .expect("no panic");
}

async fn panics() {
    panic!("a handler's panic");
}

/// What a task needs to stay part of its request.
trait InCurrentContext: Future + Sized {
    fn in_current_context(self) -> opentelemetry::context::WithContext<Self> {
        opentelemetry::context::FutureExt::with_current_context(self)
    }
}

impl<F: Future> InCurrentContext for F {}

#[tokio::test]
async fn a_request_has_one_trace_id_in_all_signals() {
    let collector = Collector::start().await.unwrap();
    let telemetry = support::install(&collector);
    let levels = telemetry.log_levels();
    levels
        .set_target("one_trace_id", LevelFilter::DEBUG)
        .unwrap();
    let twice = otelier::Telemetry::from_env("shop").unwrap().install();
    assert!(twice.unwrap_err().is_already_installed());

    let routes = Router::new()
        .route("/orders/{id}", get(load_order))
        .route("/panic", get(panics));
    let service = Service::start(support::serve(telemetry, routes)).await;

    let answer = support::get(service.app, "/orders/42").await;
    let request_id = answer.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let panicked = support::get(service.app, "/panic").await;
    assert_eq!(panicked.status(), 500);
    let nowhere = support::get(service.app, "/nowhere").await;
    assert_eq!(nowhere.status(), 404);

    let metrics = support::get(service.ops, "/metrics").await;
    let ready = support::get(service.ops, "/readyz").await;
    assert_eq!(ready.status(), 200);
    assert_eq!(service.stop().await.code(), 0);

    let received = collector.received();
    let spans = received.spans();
    assert_eq!(spans.len(), 4, "{received}");
    let server = spans
        .filter(|span| span.name() == "GET /orders/{id}")
        .single();
    assert_eq!(*server.attribute("request.id"), *request_id);
    let child = server.child("load_order");
    assert_eq!(server.children().len(), 1);

    let logs = received.logs_of(server.trace_id());
    let loaded = logs.filter(|log| *log.body() == "order loaded").single();
    assert_eq!(loaded.span_id(), Some(child.id()));
    assert_eq!(*loaded.attribute("order_id"), 42);
    assert_eq!(*loaded.attribute("request.id"), *request_id);
    let debug = "logged since the level was changed";
    logs.filter(|log| *log.body() == debug).single();
    let spawned = logs.filter(|log| *log.body() == "spawned").single();
    assert_eq!(*spawned.attribute("request.id"), *request_id);
    let access = logs
        .filter(|log| *log.body() == "GET /orders/{id} 200")
        .single();
    assert_eq!(access.span_id(), Some(server.id()));

    let failed = spans.filter(|span| span.name() == "GET /panic").single();
    assert!(matches!(failed.status(), Status::Error(_)), "{failed:?}");
    assert_eq!(*failed.attribute("error.type"), "panic");
    assert_eq!(
        spans.filter(|span| span.name() == "GET").len(),
        1,
        "no route, no path"
    );

    let page = metrics.body();
    let exemplar = format!(
        "# {{trace_id=\"{}\",span_id=\"{}\"}}",
        server.trace_id(),
        server.id()
    );
    let bucket = page.lines().find(|line| line.contains(&exemplar));
    assert!(
        bucket.unwrap().contains(r#"http_route="/orders/{id}""#),
        "{page}"
    );
    assert!(
        page.contains(r#"target_info{"#) && page.contains(r#"service_name="shop""#),
        "{page}"
    );
    assert!(
        page.contains(
            r#"http_server_active_requests{http_request_method="GET",url_scheme="http"} 0"#
        )
    );
}
