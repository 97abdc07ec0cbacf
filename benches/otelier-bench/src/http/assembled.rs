//! What a user puts together today: a tracing span exported by OpenTelemetry, Prometheus metrics, a
//! request id, and an access line in JSON.

use std::rc::Rc;

use axum::body::Body;
use axum_prometheus::PrometheusMetricLayer;
use axum_prometheus::metrics_exporter_prometheus::PrometheusHandle;
use http::Request;
use tokio::runtime::Runtime;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::Level;
use tracing::field::Empty;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use super::served::{Served, ServedSpans, app, runtime};
use crate::bench::Result;
use crate::line::NullWriter;
use crate::spans::Spans;

pub(super) fn assembled(sampled: bool) -> Result<Served> {
    let Prometheus {
        layer,
        handle,
        runtime,
    } = prometheus()?;
    let spans = Spans::new(sampled);
    let tracer = spans.tracer();
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request<Body>| {
            tracing::info_span!(
                "request",
                otel.kind = "server",
                otel.name = "GET /users/{id}",
                http.request.method = %request.method(),
                url.path = request.uri().path(),
                http.response.status_code = Empty
            )
        })
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    let app = app()
        .layer(trace)
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(layer);
    Ok(Served {
        runtime,
        subscriber: Some(Box::new(move || {
            tracing_subscriber::registry()
                .with(LevelFilter::INFO)
                .with(tracing_opentelemetry::layer().with_tracer(tracer.clone()))
                .with(
                    tracing_subscriber::fmt::layer()
                        .json()
                        .with_writer(|| NullWriter),
                )
                .into()
        })),
        spans: Some(ServedSpans {
            spans,
            name: "GET /users/{id}",
            attributes: &[("http.request.method", "GET"), ("url.path", "/users/42")],
        }),
        line: Some(&[
            ("/fields/message", "finished processing request"),
            ("/fields/status", "200"),
            ("/span/http.request.method", "GET"),
            ("/span/url.path", "/users/42"),
        ]),
        requests_counted: Some(Box::new(move || Ok(requests_total(&handle.render())))),
        request_id: true,
        ..Served::new("assembled", app)?
    })
}

#[derive(Clone)]
struct Prometheus {
    layer: PrometheusMetricLayer<'static>,
    handle: PrometheusHandle,
    /// Where the recorder's upkeep runs: serving on it keeps that cost with this subject.
    runtime: Rc<Runtime>,
}

/// The recorder, which can be installed only once in a process.
fn prometheus() -> Result<Prometheus> {
    thread_local! {
        static INSTALLED: std::cell::OnceCell<Prometheus> = const { std::cell::OnceCell::new() };
    }
    INSTALLED.with(|installed| {
        if let Some(prometheus) = installed.get() {
            return Ok(prometheus.clone());
        }
        let runtime = Rc::new(runtime()?);
        let (layer, handle) = {
            let _entered = runtime.enter();
            PrometheusMetricLayer::pair()
        };
        Ok(installed
            .get_or_init(|| Prometheus {
                layer,
                handle,
                runtime,
            })
            .clone())
    })
}

fn requests_total(exposition: &str) -> u64 {
    exposition
        .lines()
        .filter(|line| line.starts_with("axum_http_requests_total{"))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok())
        .sum()
}
