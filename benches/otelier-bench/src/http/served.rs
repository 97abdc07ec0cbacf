//! A router under request, and everything that a request has to leave behind.

use std::hint::black_box;
use std::rc::Rc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{RouterIntoService, get};
use http::{Request, Response, StatusCode};
use tokio::runtime::{Builder, Runtime};
use tower::{Service, ServiceExt};
use tracing::{Dispatch, dispatcher};

use crate::bench::{Batch, Result, Subject};
use crate::line::{self, Field};
use crate::spans::Spans;

/// The trace that every request says it belongs to.
pub(super) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

pub(super) struct Served {
    pub(super) name: &'static str,
    pub(super) runtime: Rc<Runtime>,
    pub(super) service: RouterIntoService<Body>,
    pub(super) subscriber: Option<Box<dyn Fn() -> Dispatch>>,
    pub(super) spans: Option<ServedSpans>,
    /// Fields of the access line, if there is one.
    pub(super) line: Option<&'static [Field<'static>]>,
    /// Reads how many requests the metrics have counted.
    pub(super) requests_counted: Option<Box<dyn Fn() -> Result<u64>>>,
    /// Whether the response carries `x-request-id`.
    pub(super) request_id: bool,
}

pub(super) struct ServedSpans {
    pub(super) spans: Spans,
    pub(super) name: &'static str,
    pub(super) attributes: &'static [(&'static str, &'static str)],
}

impl Served {
    /// A subject without telemetry; the others add theirs with `..`.
    pub(super) fn new(name: &'static str, app: Router) -> Result<Self> {
        Ok(Self {
            name,
            runtime: Rc::new(runtime()?),
            service: app.into_service(),
            subscriber: None,
            spans: None,
            line: None,
            requests_counted: None,
            request_id: false,
        })
    }

    fn count_requests(&self) -> Result<u64> {
        self.requests_counted
            .as_ref()
            .map_or(Ok(0), |count| count())
    }

    fn check_response(&mut self) -> Result {
        let _subscriber = self
            .subscriber
            .as_ref()
            .map(|make| dispatcher::set_default(&make()));
        let (head, body) = self.runtime.block_on(exchange(&mut self.service))?;
        if head.status() != StatusCode::OK || body != "hello" {
            return Err(format!("answered {} with {body:?}", head.status()).into());
        }
        if self.request_id != head.headers().contains_key("x-request-id") {
            return Err(format!(
                "x-request-id, expected: {}, headers: {:?}",
                self.request_id,
                head.headers()
            )
            .into());
        }
        Ok(())
    }
}

impl Subject for Served {
    fn name(&self) -> &'static str {
        self.name
    }

    fn check(&mut self) -> Result {
        let counted = self.count_requests()?;
        let spans = self.spans.take();
        let written = line::capture(|| match &spans {
            Some(ServedSpans {
                spans,
                name,
                attributes,
            }) => spans.check(name, attributes, || self.check_response()),
            None => self.check_response(),
        });
        self.spans = spans;
        match self.line {
            Some(fields) => line::check(&written?, fields.iter().copied())?,
            None if !written?.is_empty() => return Err("an unexpected line was written".into()),
            None => {}
        }
        let expected = u64::from(self.requests_counted.is_some());
        match self.count_requests()? - counted {
            samples if samples == expected => Ok(()),
            samples => Err(format!("{samples} of {expected} requests were counted").into()),
        }
    }

    fn batch(&mut self, batch: &mut Batch) -> Result {
        let Self {
            runtime, service, ..
        } = self;
        let calls = batch.calls();
        let lines = if self.line.is_some() { calls } else { 0 };
        let mut failure = None;
        let work = || {
            let subscriber = self.subscriber.as_ref().map(|make| make());
            line::expect_count(lines, || {
                let _subscriber = subscriber.as_ref().map(dispatcher::set_default);
                batch.measure(|| match runtime.block_on(exchange(service)) {
                    Ok(answer) => drop(black_box(answer)),
                    Err(error) => failure = Some(error),
                });
            })?;
            failure.map_or(Ok(()), Err)
        };
        match &self.spans {
            Some(ServedSpans { spans, .. }) => spans.expect_count(calls, work),
            None => work(),
        }
    }
}

/// The application that every subject wraps.
pub(super) fn app() -> Router {
    Router::new().route("/users/{id}", get(|| async { "hello" }))
}

/// Current-thread, so that neither a wake-up nor a migration is measured.
pub(super) fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

async fn exchange(service: &mut RouterIntoService<Body>) -> Result<(Response<()>, Bytes)> {
    let request = Request::get("/users/42?x=1")
        .header("host", "svc.local")
        .header("user-agent", "wrk/4")
        .header("traceparent", TRACEPARENT)
        .body(Body::empty())?;
    let response = ServiceExt::<Request<Body>>::ready(service)
        .await?
        .call(request)
        .await?;
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1024).await?;
    Ok((Response::from_parts(head, ()), body))
}
