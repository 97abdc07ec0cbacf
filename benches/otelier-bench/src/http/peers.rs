//! The bare router, and the two middlewares that a user finds first.

use std::time::Duration;

use axum_tracing_opentelemetry::middleware::{OtelAxumLayer, OtelInResponseLayer};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Histogram, HistogramDataPoint, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use super::served::{Served, ServedSpans, app};
use crate::bench::Result;
use crate::spans::Spans;

pub(super) fn bare() -> Result<Served> {
    Served::new("bare", app())
}

/// Spans and metrics through the OpenTelemetry API; no log line, no request id, and no route: without
/// its `axum` feature it does not know one.
pub(super) fn opentelemetry_instrumentation_tower(sampled: bool) -> Result<Served> {
    let spans = Spans::new(sampled);
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone())
        .with_interval(Duration::from_secs(3600))
        .build();
    let meters = SdkMeterProvider::builder().with_reader(reader).build();
    // The layer takes its tracer and instruments from the globals, once, when it is made.
    opentelemetry::global::set_tracer_provider(spans.provider.clone());
    opentelemetry::global::set_meter_provider(meters.clone());
    let app = app().layer(opentelemetry_instrumentation_tower::http::server::Layer::new());
    Ok(Served {
        spans: Some(ServedSpans {
            spans,
            name: "GET",
            attributes: &[
                ("http.request.method", "GET"),
                ("url.path", "/users/42"),
                ("http.response.status_code", "200"),
            ],
        }),
        requests_counted: Some(Box::new(move || {
            exporter.reset();
            meters.force_flush()?;
            duration_count(&exporter)
        })),
        ..Served::new("opentelemetry-instrumentation-tower", app)?
    })
}

/// Spans through `tracing`; no metrics, no log line, no request id. The layer that returns the trace
/// context to the client is there when sampled only.
pub(super) fn axum_tracing_opentelemetry(sampled: bool) -> Result<Served> {
    let app = if sampled {
        app().layer(OtelInResponseLayer)
    } else {
        app()
    };
    let spans = Spans::new(sampled);
    let tracer = spans.tracer();
    Ok(Served {
        subscriber: Some(Box::new(move || {
            tracing_subscriber::registry()
                .with(LevelFilter::TRACE)
                .with(tracing_opentelemetry::layer().with_tracer(tracer.clone()))
                .into()
        })),
        spans: Some(ServedSpans {
            spans,
            name: "GET /users/{id}",
            attributes: &[
                ("http.request.method", "GET"),
                ("http.route", "/users/{id}"),
                ("http.response.status_code", "200"),
            ],
        }),
        ..Served::new(
            "axum-tracing-opentelemetry",
            app.layer(OtelAxumLayer::default()),
        )?
    })
}

fn duration_count(exporter: &InMemoryMetricExporter) -> Result<u64> {
    let exported = exporter.get_finished_metrics()?;
    let counts = exported
        .iter()
        .flat_map(ResourceMetrics::scope_metrics)
        .flat_map(ScopeMetrics::metrics)
        .filter(|metric| metric.name() == "http.server.request.duration")
        .filter_map(|metric| match metric.data() {
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => Some(histogram),
            _ => None,
        })
        .flat_map(Histogram::data_points)
        .map(HistogramDataPoint::count);
    Ok(counts.sum())
}
