//! Calls of gRPC behind the layer, and all that it told about them.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::{collections::VecDeque, pin::Pin};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::Empty;
use opentelemetry::Value;
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::trace::SdkTracer;
use otelier_context::{Level, RequestEnd, RequestObserver};
use otelier_tower::{GrpcServerMetrics, ServerBuilder};

use super::{Harness, attributes};

pub(crate) const GET: &str = "shop.Orders/Get";

pub(crate) struct Calls {
    pub(crate) harness: Harness,
    metrics: GrpcServerMetrics,
    lines: Lines,
}

impl Calls {
    pub(crate) fn new() -> Self {
        let harness = Harness::new();
        let metrics = GrpcServerMetrics::register(harness.registry()).unwrap();
        Self {
            harness,
            metrics,
            lines: Lines::default(),
        }
    }

    /// A layer that knows the method `GET`, and measures.
    pub(crate) fn builder(&self) -> ServerBuilder<SdkTracer> {
        self.harness
            .builder()
            .grpc_metrics(self.metrics.clone())
            .grpc_methods([GET])
            .observer(self.lines.clone())
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.lines.0.lock().unwrap().clone()
    }

    /// Asserts that the one call so far has ended, told once by each signal and in the same words.
    #[track_caller]
    pub(crate) fn ended_once(&self, method: &str, status: &str, error: Option<&str>) {
        let lines = self.lines();
        assert_eq!(lines.len(), 1, "one line: {lines:?}");
        let line = &lines[0];
        assert_eq!(line.message, format!("{method} {status}"));
        assert_eq!(line.error_type.as_deref(), error);
        assert_eq!(line.http_status, None);

        let spans = self.harness.spans();
        assert_eq!(spans.len(), 1, "one span");
        assert_eq!(
            (&*spans[0].name, &spans[0].span_kind),
            (method, &SpanKind::Server)
        );
        let attributes = attributes(&spans[0]);
        let text = |key| attributes.get(key).map(Value::as_str);
        assert_eq!(text("rpc.system.name").as_deref(), Some("grpc"));
        assert_eq!(text("rpc.method").as_deref(), Some(method));
        assert_eq!(text("rpc.response.status_code").as_deref(), Some(status));
        assert_eq!(text("error.type").as_deref(), error);
        assert!(!attributes.keys().any(|key| key.starts_with("http.")));
        let is_error = matches!(spans[0].status, Status::Error { .. });
        assert_eq!(is_error, error.is_some());

        let mut labels = format!(
            r#"rpc_server_call_duration_seconds_count{{rpc_system_name="grpc",rpc_method="{method}",rpc_response_status_code="{status}""#
        );
        labels += &error.map_or("}".to_owned(), |error| {
            format!(r#",error_type="{error}"}}"#)
        });
        assert_eq!(self.harness.samples(&[&labels]), [1.0], "{labels}");
        assert_eq!(
            self.harness
                .samples(&["rpc_server_call_duration_seconds_count{"])
                .len(),
            1
        );
        assert_eq!(self.harness.samples(&["http_server_"]), [] as [f64; 0]);
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) message: String,
    pub(crate) level: Level,
    pub(crate) http_status: Option<u16>,
    pub(crate) error_type: Option<String>,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

impl RequestObserver for Lines {
    fn on_end(&self, end: &RequestEnd<'_>) {
        self.0.lock().unwrap().push(Line {
            message: end.to_string(),
            level: end.level,
            http_status: end.status_code,
            error_type: end.error_type.map(str::to_owned),
        });
    }
}

pub(crate) fn call(method: &str) -> Request<Empty<Bytes>> {
    Request::post(format!("http://shop.local:50051/{method}"))
        .header("content-type", "application/grpc+proto")
        .body(Empty::new())
        .unwrap()
}

/// The answer of a gRPC service that tells no status in its head.
pub(crate) fn answer<B>(body: B) -> Response<B> {
    let response = Response::builder().header("content-type", "application/grpc");
    response.body(body).unwrap()
}

pub(crate) fn status(status: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status", status.parse().unwrap());
    headers
}

/// What a body does when it is asked.
pub(crate) enum Step {
    Message,
    Trailers(HeaderMap),
    Fail,
    Panic,
    Wait,
}

/// A body of these steps, and then its end.
pub(crate) struct Script(VecDeque<Step>);

impl Script {
    pub(crate) fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(match self.0.pop_front() {
            None => None,
            Some(Step::Message) => Some(Ok(Frame::data("x".into()))),
            Some(Step::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Step::Fail) => Some(Err("failed")),
            Some(Step::Panic) => panic!("in the body"),
            Some(Step::Wait) => return Poll::Pending,
        })
    }
}

pub(crate) async fn script(
    steps: impl IntoIterator<Item = Step>,
) -> Result<Response<Script>, Infallible> {
    Ok(answer(Script::of(steps)))
}
