use std::sync::Arc;
use std::time::Duration;

use otelier_context::{Level, RequestEnd, RequestObserver};
use tracing_core::callsite::Callsite;
use tracing_core::metadata::Kind;
use tracing_core::{Interest, Metadata, metadata};
use tracing_subscriber::filter::Targets;

use crate::ids::Ids;
use crate::line::Line;
use crate::output::Output;

const SLOW: Duration = Duration::from_millis(500);

/// Writes a line for each request that has ended: `category` `access`, target `otelier::access`, and
/// the values that the request's span and metrics have.
///
/// It comes from [`JsonLayer::access_log`](crate::JsonLayer::access_log). Its ids are those of the
/// current OpenTelemetry context, which the middleware attaches.
#[derive(Debug, Clone)]
pub struct AccessLog {
    output: Arc<Output>,
    slow: Duration,
    info: bool,
    warn: bool,
    error: bool,
}

impl AccessLog {
    /// From this duration on a request is `slow`; 500 ms by default.
    #[must_use]
    pub fn slow_threshold(mut self, threshold: Duration) -> Self {
        self.slow = threshold;
        self
    }

    pub(crate) fn new(output: Arc<Output>, filter: &Targets) -> Self {
        let enabled = |line: &Metadata<'_>| filter.would_enable(line.target(), line.level());
        Self {
            output,
            slow: SLOW,
            info: enabled(&INFO),
            warn: enabled(&WARN),
            error: enabled(&ERROR),
        }
    }

    fn write(&self, end: &RequestEnd<'_>, line: &mut Line) {
        line.own_fields();
        line.str("category", "access");
        line.str("http.request.method", end.method);
        if let Some(route) = end.route {
            line.str("http.route", route);
        }
        line.str("url.path", end.path);
        if let Some(code) = end.status_code {
            line.i64("http.response.status_code", code.into());
        }
        line.millis("duration_ms", end.duration);
        if let Some(head) = end.head {
            line.millis("head_ms", head);
        }
        if let Some(bytes) = end.bytes_in {
            line.u64("bytes_in", bytes);
        }
        if let Some(bytes) = end.bytes_out {
            line.u64("bytes_out", bytes);
        }
        if let Some(address) = end.client_address {
            line.fmt("client.address", format_args!("{address}"));
        }
        if let Some(user_agent) = end.user_agent {
            line.str("user_agent.original", user_agent);
        }
        if let Some(version) = end.protocol_version {
            line.str("network.protocol.version", version);
        }
        if let Some(error_type) = end.error_type {
            line.str("error.type", error_type);
        }
        line.bool("slow", end.duration >= self.slow);
    }
}

impl RequestObserver for AccessLog {
    fn on_end(&self, end: &RequestEnd<'_>) {
        let (enabled, metadata) = match end.level {
            Level::Info => (self.info, &INFO),
            Level::Warn => (self.warn, &WARN),
            Level::Error => (self.error, &ERROR),
        };
        if enabled {
            self.output.log(
                metadata,
                &Ids::current(),
                |line| line.message_fmt(format_args!("{end}")),
                |line| self.write(end, line),
            );
        }
    }
}

/// Writers and loggers choose by an event's metadata; these lines are no events, but have theirs.
struct AccessCallsite;

static CALLSITE: AccessCallsite = AccessCallsite;
static INFO: Metadata<'static> = access_metadata(tracing_core::Level::INFO);
static WARN: Metadata<'static> = access_metadata(tracing_core::Level::WARN);
static ERROR: Metadata<'static> = access_metadata(tracing_core::Level::ERROR);

const fn access_metadata(level: tracing_core::Level) -> Metadata<'static> {
    metadata! {
        name: "access",
        target: "otelier::access",
        level: level,
        fields: &[],
        callsite: &CALLSITE,
        kind: Kind::EVENT,
    }
}

impl Callsite for AccessCallsite {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &INFO
    }
}
