//! A service behind the layer, and all that the layer told about it.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test may")]

pub(crate) mod bodies;
pub(crate) mod client;
pub(crate) mod grpc;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, combinators::BoxBody};
use opentelemetry::Value;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider, SpanData};
use otelier_context::{Level, Outcome, RequestEnd, RequestObserver};
use otelier_metrics::Registry;
use otelier_tower::{HttpLayer, HttpServerMetrics, HttpService, ServerBuilder};
use tower::util::ServiceFn;
use tower::{Layer as _, service_fn};

pub(crate) type Body = BoxBody<Bytes, Infallible>;

pub(crate) struct Harness {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
    registry: Registry,
    metrics: HttpServerMetrics,
    lines: Lines,
}

impl Harness {
    pub(crate) fn new() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        let registry = Registry::new("test");
        let metrics = HttpServerMetrics::register(&registry).unwrap();
        Self {
            exporter,
            provider,
            registry,
            metrics,
            lines: Lines::default(),
        }
    }

    pub(crate) fn builder(&self) -> ServerBuilder<SdkTracer> {
        HttpLayer::server(self.provider.tracer("test"))
            .metrics(self.metrics.clone())
            .observer(self.lines.clone())
    }

    pub(crate) fn layer(&self) -> HttpLayer<SdkTracer> {
        self.builder().build()
    }

    /// A service that answers each request by a call of `answer`, behind the layer.
    pub(crate) fn service<F>(&self, answer: F) -> HttpService<ServiceFn<F>, SdkTracer> {
        self.layer().layer(service_fn(answer))
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn exporter(&self) -> InMemorySpanExporter {
        self.exporter.clone()
    }

    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap()
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.lines.0.lock().unwrap().clone()
    }

    /// The values of the samples whose name and labels contain each of these texts.
    pub(crate) fn samples(&self, parts: &[&str]) -> Vec<f64> {
        let body = self.registry.expose(Some("text/plain")).unwrap().body;
        let samples = body.lines().filter_map(|line| line.rsplit_once(' '));
        samples
            .filter(|(name, _)| parts.iter().all(|part| name.contains(part)))
            .map(|(_, value)| value.parse().unwrap())
            .collect()
    }

    /// Asserts that the one request so far has ended, told once by each signal and in the same words.
    #[track_caller]
    pub(crate) fn ended_once(&self, outcome: Outcome, status: Option<u16>, error: Option<&str>) {
        let lines = self.lines();
        assert_eq!(lines.len(), 1, "one line: {lines:?}");
        let line = &lines[0];
        assert_eq!(line.outcome, outcome);
        assert_eq!(line.status, status);
        assert_eq!(line.error_type.as_deref(), error);

        let spans = self.spans();
        assert_eq!(spans.len(), 1, "one span");
        let attributes = attributes(&spans[0]);
        let expected = status.map(|status| Value::I64(i64::from(status)));
        assert_eq!(
            attributes.get("http.response.status_code"),
            expected.as_ref()
        );
        let expected = error.map(|error| Value::from(error.to_owned()));
        assert_eq!(attributes.get("error.type"), expected.as_ref());
        let is_error = matches!(spans[0].status, opentelemetry::trace::Status::Error { .. });
        assert_eq!(is_error, error.is_some());

        assert_eq!(
            self.samples(&["active_requests{"]),
            [0.0],
            "the gauge is back"
        );
        let mut labels = vec!["duration_seconds_count{".to_owned()];
        labels.extend(status.map(|s| format!("http_response_status_code=\"{s}\"")));
        labels.extend(error.map(|e| format!("error_type=\"{e}\"")));
        let labels: Vec<_> = labels.iter().map(String::as_str).collect();
        assert_eq!(self.samples(&labels), [1.0], "one sample");
        assert_eq!(
            self.samples(&["duration_seconds_count{"]).len(),
            1,
            "one series"
        );
    }
}

pub(crate) fn attributes(span: &SpanData) -> BTreeMap<String, Value> {
    let pairs = span.attributes.iter();
    let map: BTreeMap<_, _> = pairs
        .map(|pair| (pair.key.to_string(), pair.value.clone()))
        .collect();
    assert_eq!(map.len(), span.attributes.len(), "no attribute twice");
    map
}

pub(crate) async fn ok<B>(body: B) -> Result<Response<B>, Infallible> {
    Ok(Response::new(body))
}

pub(crate) fn get(uri: &str) -> Request<Empty<Bytes>> {
    request("GET", uri)
}

pub(crate) fn request(method: &str, uri: &str) -> Request<Empty<Bytes>> {
    let head = Request::builder().method(method).uri(uri);
    head.body(Empty::new()).unwrap()
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) outcome: Outcome,
    pub(crate) level: Level,
    pub(crate) status: Option<u16>,
    pub(crate) error_type: Option<String>,
    pub(crate) bytes_out: Option<u64>,
    pub(crate) is_stream: bool,
    pub(crate) operation: Option<&'static str>,
    pub(crate) request_id: String,
    pub(crate) tenant: Option<String>,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

impl RequestObserver for Lines {
    fn on_end(&self, end: &RequestEnd<'_>) {
        let request = otelier_context::current().expect("the request's context is attached");
        self.0.lock().unwrap().push(Line {
            outcome: end.outcome,
            level: end.level,
            status: end.status_code,
            error_type: end.error_type.map(str::to_owned),
            bytes_out: end.bytes_out,
            is_stream: end.is_stream,
            operation: end.operation,
            request_id: request.id().to_string(),
            tenant: request.tenant().map(ToString::to_string),
        });
    }
}
