//! A client below the layer, and all that the layer told about its calls.

use std::sync::{Arc, Mutex};

use opentelemetry::Value;
use opentelemetry::trace::{Status, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider, SpanData};
use otelier_context::{Level, Outcome, RequestEnd, RequestObserver};
use otelier_metrics::Registry;
use otelier_tower::{ClientBuilder, ClientService, HttpClientMetrics, HttpLayer};
use tower::util::ServiceFn;
use tower::{Layer as _, service_fn};

use super::attributes;

pub(crate) struct Calls {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
    registry: Registry,
    metrics: HttpClientMetrics,
    ends: Ends,
}

impl Calls {
    pub(crate) fn new() -> Self {
        let exporter = InMemorySpanExporter::default();
        let registry = Registry::new("test");
        Self {
            provider: SdkTracerProvider::builder()
                .with_simple_exporter(exporter.clone())
                .build(),
            exporter,
            metrics: HttpClientMetrics::register(&registry).unwrap(),
            registry,
            ends: Ends::default(),
        }
    }

    pub(crate) fn tracer(&self) -> SdkTracer {
        self.provider.tracer("test")
    }

    pub(crate) fn builder(&self) -> ClientBuilder<SdkTracer> {
        HttpLayer::client(self.tracer())
            .metrics(self.metrics.clone())
            .observer(self.ends.clone())
    }

    /// A client that answers each call by a call of `answer`, below the layer.
    pub(crate) fn client<F>(&self, answer: F) -> ClientService<ServiceFn<F>, SdkTracer> {
        self.builder().build().layer(service_fn(answer))
    }

    pub(crate) fn exporter(&self) -> InMemorySpanExporter {
        self.exporter.clone()
    }

    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap()
    }

    /// What the observer was told: outcome, level, status code and error.
    pub(crate) fn ends(&self) -> Vec<End> {
        self.ends.0.lock().unwrap().clone()
    }

    pub(crate) fn exposed(&self) -> String {
        self.registry.expose(None).unwrap().body
    }

    /// The samples of the histogram's count.
    pub(crate) fn counts(&self) -> Vec<String> {
        let body = self.exposed();
        let counts = body.lines().map(str::to_owned);
        counts
            .filter(|line| line.starts_with("http_client_request_duration_seconds_count"))
            .collect()
    }

    /// Asserts that the one call so far has ended, told once by each signal and in the same words.
    #[track_caller]
    pub(crate) fn ended_once(
        &self,
        outcome: Outcome,
        level: Level,
        status: Option<u16>,
        error: Option<&str>,
    ) {
        let end = (outcome, level, status, error.map(str::to_owned));
        assert_eq!(self.ends(), [end]);

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
        let expected = error.map_or(Status::Unset, |_| Status::error(""));
        assert_eq!(spans[0].status, expected);

        let mut labels =
            r#"http_request_method="GET",server_address="svc",server_port="80""#.to_owned();
        if let Some(status) = status {
            labels += &format!(r#",http_response_status_code="{status}""#);
        }
        if let Some(error) = error {
            labels += &format!(r#",error_type="{error}""#);
        }
        let count = format!("http_client_request_duration_seconds_count{{{labels}}} 1");
        assert_eq!(self.counts(), [count]);
    }
}

pub(crate) type End = (Outcome, Level, Option<u16>, Option<String>);

#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<End>>>);

impl RequestObserver for Ends {
    fn on_end(&self, end: &RequestEnd<'_>) {
        let error = end.error_type.map(str::to_owned);
        let end = (end.outcome, end.level, end.status_code, error);
        self.0.lock().unwrap().push(end);
    }
}
