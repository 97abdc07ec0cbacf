//! What the real exporters send over gRPC can be read back.

mod common;

use std::time::Duration;

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind as Kind, Status as SpanStatus, TraceContextExt as _,
    TraceFlags, TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter, WithExportConfig as _};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otelier_testing::{Behaviour, Collector, MetricKind, SpanKind, Status};
use tonic::Code;
use tonic::metadata::MetadataValue;

const TIMEOUT: Duration = Duration::from_secs(10);

fn resource() -> Resource {
    Resource::builder_empty()
        .with_service_name("checkout")
        .build()
}

fn tracing(collector: &Collector, timeout: Duration) -> SdkTracerProvider {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(collector.grpc_endpoint())
        .with_timeout(timeout)
        .build()
        .expect("an exporter");
    SdkTracerProvider::builder()
        .with_resource(resource())
        .with_batch_exporter(exporter)
        .build()
}

fn logging(collector: &Collector) -> SdkLoggerProvider {
    let exporter = LogExporter::builder()
        .with_tonic()
        .with_endpoint(collector.grpc_endpoint())
        .build()
        .expect("an exporter");
    SdkLoggerProvider::builder()
        .with_resource(resource())
        .with_batch_exporter(exporter)
        .build()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_and_its_log_records_are_read_back_as_they_were_written() {
    let collector = Collector::start().await.expect("a collector");
    let (traces, logs) = (tracing(&collector, TIMEOUT), logging(&collector));
    let (tracer, logger) = (traces.tracer("shop"), logs.logger("shop"));

    let server = tracer
        .span_builder("GET /orders/{id}")
        .with_kind(Kind::Server)
        .start(&tracer);
    let request = Context::new().with_span(server);
    let mut child = tracer.start_with_context("load_order", &request);
    child.set_attribute(KeyValue::new("order_id", 17));
    child.set_attribute(KeyValue::new("cache", "miss"));
    child.add_event("retry", vec![KeyValue::new("attempt", 2)]);
    child.set_status(SpanStatus::error("no rows"));
    child.end();
    {
        let _current = request.clone().attach();
        let mut record = logger.create_log_record();
        record.set_body("order loaded".into());
        record.set_severity_number(Severity::Warn);
        record.add_attribute("order_id", AnyValue::Int(17));
        logger.emit(record);
    }
    request.span().end();
    traces.force_flush().expect("traces are sent");
    logs.force_flush().expect("logs are sent");

    let trace = collector.traces().await.single();
    let server = trace.root();
    assert_eq!(server.name(), "GET /orders/{id}");
    assert_eq!(server.kind(), SpanKind::Server);
    assert_eq!(server.status(), &Status::Unset);
    assert_eq!(server.parent_id(), None);
    assert_eq!(server.resource().attribute("service.name"), "checkout");
    assert_eq!(server.scope(), "shop");
    assert_eq!(
        trace.id(),
        request.span().span_context().trace_id().to_string()
    );

    let child = trace.span("GET /orders/{id}").child("load_order");
    assert_eq!(child.parent_id(), Some(server.id()));
    assert_eq!(child.attribute("order_id"), 17);
    assert_eq!(child.attribute("cache"), "miss");
    assert_eq!(
        child.attributes().keys().collect::<Vec<_>>(),
        ["cache", "order_id"]
    );
    assert_eq!(child.status(), &Status::Error("no rows".to_owned()));
    assert_eq!(child.events()[0].name(), "retry");
    assert_eq!(child.events()[0].attributes().attribute("attempt"), 2);
    assert!(child.duration() <= server.duration());

    let log = collector.logs_of(trace.id()).await.single();
    assert_eq!(log.body(), "order loaded");
    assert_eq!(log.severity(), "WARN");
    assert_eq!(log.attribute("order_id"), 17);
    assert_eq!(log.trace_id(), Some(trace.id()));
    assert_eq!(log.span_id(), Some(server.id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_with_a_remote_parent_completes_its_trace() {
    let collector = Collector::start().await.expect("a collector");
    let traces = tracing(&collector, TIMEOUT);
    let caller = SpanContext::new(
        TraceId::from(0x4bf9),
        SpanId::from(0x00f0),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let request = Context::new().with_remote_span_context(caller);
    drop(traces.tracer("shop").start_with_context("GET /", &request));
    traces.force_flush().expect("traces are sent");

    let trace = collector.trace(TraceId::from(0x4bf9)).await;
    assert_eq!(trace.root().parent_id(), Some("00000000000000f0"));
    assert!(trace.to_string().contains("(remote parent)"), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_is_read_back_as_it_was_written() {
    let collector = Collector::start().await.expect("a collector");
    let exporter = MetricExporter::builder()
        .with_tonic()
        .with_endpoint(collector.grpc_endpoint())
        .build()
        .expect("an exporter");
    let metrics = SdkMeterProvider::builder()
        .with_resource(resource())
        .with_periodic_exporter(exporter)
        .build();
    let meter = metrics.meter("shop");
    let labels = [KeyValue::new("http.route", "/orders/{id}")];
    meter
        .u64_counter("orders")
        .with_unit("{order}")
        .build()
        .add(3, &labels);
    let duration = meter
        .f64_histogram("duration")
        .with_boundaries(vec![0.1, 1.0])
        .build();
    duration.record(0.25, &labels);
    duration.record(2.0, &labels);
    metrics.force_flush().expect("metrics are sent");

    let orders = collector.metric("orders").await;
    assert_eq!(orders.kind(), MetricKind::Sum { monotonic: true });
    assert_eq!(orders.unit(), "{order}");
    assert_eq!(orders.resource().attribute("service.name"), "checkout");
    let point = orders.points().single();
    assert_eq!(point.value(), 3);
    assert_eq!(point.attributes().attribute("http.route"), "/orders/{id}");

    let duration = collector.metric("duration").await;
    assert_eq!(duration.kind(), MetricKind::Histogram);
    let point = duration.points().single();
    assert_eq!((point.count(), point.sum()), (Some(2), Some(2.25)));
    assert_eq!(point.buckets(), [(0.1, 0), (1.0, 1), (f64::INFINITY, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exporter_fails_while_the_collector_is_unavailable_and_works_again_after() {
    let collector = Collector::start().await.expect("a collector");
    let traces = tracing(&collector, TIMEOUT);
    let tracer = traces.tracer("shop");

    collector.behave(Behaviour::Unavailable);
    drop(tracer.start("lost"));
    traces.force_flush().expect_err("the export is refused");
    let received = collector
        .wait_until(|received| received.requests() > 0)
        .await;
    assert!(received.traces().is_empty());

    collector.behave(Behaviour::Accept);
    drop(tracer.start("kept"));
    traces.force_flush().expect("the export is accepted");
    assert_eq!(collector.traces().await.single().root().name(), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_collector_answers_never() {
    let collector = Collector::start().await.expect("a collector");
    let traces = tracing(&collector, Duration::from_millis(100));

    collector.behave(Behaviour::Hang);
    drop(traces.tracer("shop").start("lost"));
    traces.force_flush().expect_err("the export times out");
    let received = collector
        .wait_until(|received| received.requests() > 0)
        .await;
    assert!(received.traces().is_empty());
    collector.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_too_large_or_compressed_is_refused() {
    let collector = Collector::start().await.expect("a collector");
    let mut client = TraceServiceClient::connect(collector.grpc_endpoint())
        .await
        .expect("a connection");

    let large = common::spans(&[(1, 0, &"x".repeat(4 * 1024 * 1024))]);
    let status = client.export(large).await.expect_err("it is too large");
    assert_eq!(status.code(), Code::OutOfRange, "{status}");

    let mut compressed = tonic::Request::new(common::spans(&[(1, 0, "root")]));
    compressed
        .metadata_mut()
        .insert("grpc-encoding", MetadataValue::from_static("gzip"));
    let status = client
        .export(compressed)
        .await
        .expect_err("it is compressed");
    assert_eq!(status.code(), Code::Unimplemented, "{status}");

    assert_eq!(collector.received().requests(), 0);
}
