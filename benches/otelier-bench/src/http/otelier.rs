//! otelier with everything on: span, metrics with exemplar, request id, access line in JSON.

use axum::extract::MatchedPath;
use http::request::Parts;
use otelier_log::{JsonLayer, Levels};
use otelier_metrics::Registry;
use otelier_tower::{HttpLayer, HttpServerMetrics};
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::prelude::*;

use super::served::{Served, ServedSpans, TRACE_ID, app};
use crate::bench::Result;
use crate::line::NullWriter;
use crate::spans::Spans;

pub(super) fn otelier(sampled: bool) -> Result<Served> {
    let spans = Spans::new(sampled);
    let tracer = spans.tracer();
    let registry = Registry::new("otelier-bench");
    let layer = HttpLayer::server(tracer.clone())
        .metrics(HttpServerMetrics::register(&registry)?)
        .observer(json_layer().access_log(levels()))
        .route_of(matched_path)
        .catch_panic(true)
        .build();
    Ok(Served {
        subscriber: Some(Box::new(move || {
            let spans = tracing_opentelemetry::layer()
                .with_tracer(tracer.clone())
                .with_filter(filter_fn(|metadata| {
                    metadata.is_span() && *metadata.level() <= Level::INFO
                }));
            tracing_subscriber::registry()
                .with(spans)
                .with(json_layer().with_filter(levels()))
                .into()
        })),
        spans: Some(ServedSpans {
            spans,
            name: "GET /users/{id}",
            attributes: &[
                ("http.request.method", "GET"),
                ("http.route", "/users/{id}"),
                ("http.response.status_code", "200"),
                ("url.path", "/users/42"),
            ],
        }),
        line: Some(&[
            ("/message", "GET /users/{id} 200"),
            ("/category", "access"),
            ("/trace_id", TRACE_ID),
            ("/http.request.method", "GET"),
            ("/http.route", "/users/{id}"),
            ("/http.response.status_code", "200"),
            ("/url.path", "/users/42"),
            ("/bytes_out", "5"),
        ]),
        requests_counted: Some(Box::new(move || {
            requests_counted(&registry.expose(None)?.body, sampled)
        })),
        request_id: true,
        ..Served::new("otelier", app().layer(layer))?
    })
}

fn json_layer() -> JsonLayer {
    JsonLayer::builder()
        .service("otelier-bench")
        .writer(|| NullWriter)
        .build()
}

fn levels() -> Levels {
    Levels::new(Targets::new().with_default(LevelFilter::INFO))
}

fn matched_path(request: &Parts) -> Option<&str> {
    request.extensions.get().map(MatchedPath::as_str)
}

/// The histogram's count, whose exemplar has to be the sampled trace.
fn requests_counted(exposition: &str, sampled: bool) -> Result<u64> {
    let count = exposition
        .lines()
        .filter(|line| line.starts_with("http_server_request_duration_seconds_count{"))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok())
        .sum();
    let exemplar = format!("# {{trace_id=\"{TRACE_ID}\"");
    if count > 0 && sampled != exposition.contains(&exemplar) {
        return Err(format!("exemplar, expected: {sampled}, metrics: {exposition}").into());
    }
    Ok(count)
}
