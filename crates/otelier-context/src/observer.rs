use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

/// Is told once how each request ended.
///
/// The middleware calls it in the one place where it also ends the span and records the metrics, with
/// the request's OpenTelemetry context attached. It runs on the request's path: it must not block. A
/// panic in it is caught.
pub trait RequestObserver: Send + Sync {
    /// The request ended like this.
    fn on_end(&self, end: &RequestEnd<'_>);
}

/// How a request went, in the words of the semantic conventions.
///
/// The same values go to the span and the metrics, so that the three cannot disagree.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RequestEnd<'a> {
    /// Which of the possible ends this was.
    pub outcome: Outcome,
    /// How loud a line about it should be.
    pub level: Level,
    /// When the request began, by the wall clock.
    pub start: SystemTime,
    /// From the request's head to the end of the response's body, by the monotonic clock.
    pub duration: Duration,
    /// From the request's head to the response's head, if there was one.
    pub head: Option<Duration>,
    /// `http.request.method`: a known method or `_OTHER`.
    pub method: &'a str,
    /// `http.route`: the router's template, if one matched.
    pub route: Option<&'a str>,
    /// What the application calls that which the request did.
    pub operation: Option<&'static str>,
    /// `url.path`, as the client sent it.
    pub path: &'a str,
    /// `http.response.status_code`, if a head was sent.
    pub status_code: Option<u16>,
    /// `rpc.method` of a gRPC call: a known `package.Service/Method` or `_OTHER`. What is HTTP's alone
    /// does not apply to it: it has no `status_code`, and its line no `http.request.method`.
    pub rpc_method: Option<&'a str>,
    /// `rpc.response.status_code` of a gRPC call: the name of its status.
    pub rpc_status_code: Option<&'static str>,
    /// `error.type`, if the request failed.
    pub error_type: Option<&'a str>,
    /// `network.protocol.version`: `1.1`, `2` and so on.
    pub protocol_version: Option<&'static str>,
    /// `client.address`.
    pub client_address: Option<IpAddr>,
    /// `user_agent.original`.
    pub user_agent: Option<&'a str>,
    /// The size of the request's body in bytes, where it was announced.
    pub bytes_in: Option<u64>,
    /// How many bytes of the response's body were handed on, if a head was sent.
    pub bytes_out: Option<u64>,
    /// Whether the response was a stream (101, a 2xx to CONNECT, `text/event-stream`): its duration is
    /// not the service's latency.
    pub is_stream: bool,
}

impl<'a> RequestEnd<'a> {
    /// An end of which only this is known; the fields are public.
    pub fn new(outcome: Outcome, level: Level, start: SystemTime, duration: Duration) -> Self {
        Self {
            outcome,
            level,
            start,
            duration,
            head: None,
            method: "_OTHER",
            route: None,
            operation: None,
            path: "",
            status_code: None,
            rpc_method: None,
            rpc_status_code: None,
            error_type: None,
            protocol_version: None,
            client_address: None,
            user_agent: None,
            bytes_in: None,
            bytes_out: None,
            is_stream: false,
        }
    }
}

/// The message of a line about it, without what is not known: `GET /orders/{id} 200` or
/// `shop.Orders/Get OK`.
impl fmt::Display for RequestEnd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rpc_method.unwrap_or(self.method))?;
        if let Some(status) = self.rpc_status_code {
            return write!(f, " {status}");
        }
        if let Some(route) = self.route {
            write!(f, " {route}")?;
        }
        if let Some(code) = self.status_code {
            write!(f, " {code}")?;
        }
        Ok(())
    }
}

/// The ways in which a request ends; each request has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The response was handed on to its last byte.
    Complete,
    /// The response's body failed after its head was sent.
    BodyError,
    /// The client went away: the future or the body was dropped before its end.
    Cancelled {
        /// Whether it went before the response's head was sent.
        before_head: bool,
    },
    /// The handler, or its body, panicked.
    Panicked,
    /// The service returned an error instead of a response.
    ServiceError,
}

/// The level of a line about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Nothing to see.
    Info,
    /// Odd, but not this service's failure.
    Warn,
    /// A failure.
    Error,
}
