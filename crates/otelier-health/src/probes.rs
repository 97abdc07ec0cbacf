use std::convert::Infallible;
use std::future::{Ready, ready};
use std::mem;
use std::task::{Context, Poll};

use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tower_service::Service;

use crate::check::Status;
use crate::registry::Health;
use crate::report::Report;

/// A tower service that answers `GET` and `HEAD`:
///
/// | path | 200 if |
/// | --- | --- |
/// | `/livez`, `/health/live` | the process answers at all |
/// | `/startupz` | each check has had its first result, good or bad |
/// | `/readyz`, `/health/ready`, `/healthz`, `/health` | all checks pass and the service is not draining |
///
/// and 503 otherwise; 404 for other paths, 405 for other methods. The body is
/// `application/health+json`, or plain text if the client asks for that and not for JSON. It has the
/// status alone, unless [`details`](Self::details) are on and the query has `verbose`.
#[derive(Clone, Debug)]
pub struct Probes {
    health: Health,
    details: bool,
}

impl Probes {
    pub(crate) fn new(health: Health) -> Self {
        Self {
            health,
            details: false,
        }
    }

    /// Whether `?verbose` tells names and errors of the checks; off by default. Errors may name hosts
    /// and users: switch it on for a listener that strangers do not reach.
    #[must_use]
    pub fn details(mut self, shown: bool) -> Self {
        self.details = shown;
        self
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<String> {
        let Some(probe) = Probe::at(request.uri().path()) else {
            return empty(StatusCode::NOT_FOUND);
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
            let allowed = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, allowed);
            return response;
        }
        let verbose = self.details && is_verbose(request.uri().query());
        let mut response = self.report(probe, verbose, wants_text(request.headers()));
        if request.method() == Method::HEAD {
            let body = mem::take(response.body_mut());
            let headers = response.headers_mut();
            headers.insert(CONTENT_LENGTH, body.len().into());
        }
        response
    }

    fn report(&self, probe: Probe, verbose: bool, text: bool) -> Response<String> {
        let report = if verbose {
            probe.details(&self.health)
        } else {
            Report::new(probe.passes(&self.health))
        };
        let (content_type, body) = if text {
            ("text/plain; charset=utf-8", report.text())
        } else {
            ("application/health+json", report.json())
        };
        let mut response = empty(match report.status {
            Status::Pass => StatusCode::OK,
            Status::Fail => StatusCode::SERVICE_UNAVAILABLE,
        });
        let content_type = HeaderValue::from_static(content_type);
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        *response.body_mut() = body;
        response
    }
}

impl<B> Service<Request<B>> for Probes {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(&request)))
    }
}

#[derive(Debug, Clone, Copy)]
enum Probe {
    Live,
    Startup,
    Ready,
}

impl Probe {
    fn at(path: &str) -> Option<Self> {
        match path {
            "/livez" | "/health/live" => Some(Self::Live),
            "/startupz" => Some(Self::Startup),
            "/readyz" | "/health/ready" | "/healthz" | "/health" => Some(Self::Ready),
            _ => None,
        }
    }

    fn passes(self, health: &Health) -> bool {
        match self {
            Self::Live => true,
            Self::Startup => health.is_started(),
            Self::Ready => health.is_ready(),
        }
    }

    /// The same from one look at the checks, with those that the status is made of.
    fn details(self, health: &Health) -> Report<'_> {
        let mut checks = health.checks();
        let (passes, output) = match self {
            Self::Live => {
                checks.clear();
                (true, None)
            }
            Self::Startup => {
                checks.retain(|check| check.time().is_none());
                (checks.is_empty(), None)
            }
            Self::Ready => {
                let reason = health.draining_reason();
                let pass = checks.iter().all(|check| check.status() == Status::Pass);
                (pass && reason.is_none(), reason)
            }
        };
        Report {
            status: Status::of(passes),
            output,
            checks,
        }
    }
}

fn empty(status: StatusCode) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = status;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

fn is_verbose(query: Option<&str>) -> bool {
    let mut pairs = query.unwrap_or_default().split('&');
    pairs.any(|pair| pair == "verbose" || pair.starts_with("verbose="))
}

fn wants_text(headers: &HeaderMap) -> bool {
    let names = |wanted: &str| {
        let values = headers.get_all(ACCEPT).iter();
        let mut ranges = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        ranges.any(|range| {
            let media = range.split(';').next().unwrap_or_default();
            media.trim().eq_ignore_ascii_case(wanted)
        })
    };
    names("text/plain") && !names("application/health+json") && !names("application/json")
}
