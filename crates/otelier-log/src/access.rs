use std::sync::Arc;
use std::time::Duration;

use otelier_context::{Level, RequestEnd, RequestObserver};
use tracing_core::{Level as LogLevel, Metadata};

use crate::ids::Source;
use crate::levels::Levels;
use crate::line::Line;
use crate::output::Output;
use crate::own::own_metadata;
use crate::schema::{Callsite, Key};

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
    levels: Levels,
}

impl AccessLog {
    /// From this duration on a request is `slow`; 500 ms by default. Of a stream the time to its head
    /// counts.
    #[must_use]
    pub fn slow_threshold(mut self, threshold: Duration) -> Self {
        self.slow = threshold;
        self
    }

    pub(crate) fn new(output: Arc<Output>, levels: Levels) -> Self {
        Self {
            output,
            slow: SLOW,
            levels,
        }
    }

    fn write(&self, end: &RequestEnd<'_>, line: &mut Line, callsite: &Callsite) {
        let key = |field: Field| field.key(callsite);
        line.str(key(Field::Category), "access");
        if end.rpc_method.is_none() {
            line.str(key(Field::Method), end.method);
        }
        if let Some(route) = end.route {
            line.str(key(Field::Route), route);
        }
        if let Some(operation) = end.operation {
            line.str(key(Field::Operation), operation);
        }
        line.str(key(Field::Path), end.path);
        if let Some(code) = end.status_code {
            line.i64(key(Field::StatusCode), code.into());
        }
        if let Some(method) = end.rpc_method {
            line.str(key(Field::RpcMethod), method);
        }
        if let Some(status) = end.rpc_status_code {
            line.str(key(Field::RpcStatusCode), status);
        }
        line.millis(key(Field::Duration), end.duration);
        if let Some(head) = end.head {
            line.millis(key(Field::Head), head);
        }
        if let Some(bytes) = end.bytes_in {
            line.u64(key(Field::BytesIn), bytes);
        }
        if let Some(bytes) = end.bytes_out {
            line.u64(key(Field::BytesOut), bytes);
        }
        if let Some(address) = end.client_address {
            line.fmt(key(Field::ClientAddress), format_args!("{address}"));
        }
        if let Some(user_agent) = end.user_agent {
            line.str(key(Field::UserAgent), user_agent);
        }
        if let Some(version) = end.protocol_version {
            line.str(key(Field::ProtocolVersion), version);
        }
        if let Some(error_type) = end.error_type {
            line.str(key(Field::ErrorType), error_type);
        }
        let latency = match end.is_stream {
            true => end.head.unwrap_or_default(),
            false => end.duration,
        };
        line.bool(key(Field::Slow), latency >= self.slow);
    }
}

impl RequestObserver for AccessLog {
    fn on_end(&self, end: &RequestEnd<'_>) {
        let metadata = match end.level {
            Level::Info => &INFO,
            Level::Warn => &WARN,
            Level::Error => &ERROR,
        };
        if self.levels.enables(metadata) {
            let schema = &self.output.schema;
            self.output
                .log(metadata, Source::Current, |line, callsite| {
                    line.message_fmt(schema, format_args!("{end}"));
                    line.context(schema, callsite);
                    self.write(end, line, callsite);
                });
        }
    }
}

/// Declares the fields of an access line, and their places in its callsite.
macro_rules! own_fields {
    ($Field:ident { $($name:ident = $text:literal,)* }) => {
        #[derive(Clone, Copy)]
        enum $Field {
            $($name,)*
        }

        impl $Field {
            const NAMES: &[&'static str] = &[$($text),*];

            fn key(self, callsite: &Callsite) -> &Key {
                &callsite.keys[self as usize]
            }
        }
    };
}

own_fields! {
    Field {
        Category = "category",
        Method = "http.request.method",
        Route = "http.route",
        Operation = "operation",
        Path = "url.path",
        StatusCode = "http.response.status_code",
        RpcMethod = "rpc.method",
        RpcStatusCode = "rpc.response.status_code",
        Duration = "duration_ms",
        Head = "head_ms",
        BytesIn = "bytes_in",
        BytesOut = "bytes_out",
        ClientAddress = "client.address",
        UserAgent = "user_agent.original",
        ProtocolVersion = "network.protocol.version",
        ErrorType = "error.type",
        Slow = "slow",
    }
}

static INFO: Metadata<'static> =
    own_metadata!("access", "otelier::access", LogLevel::INFO, Field::NAMES);
static WARN: Metadata<'static> =
    own_metadata!("access", "otelier::access", LogLevel::WARN, Field::NAMES);
static ERROR: Metadata<'static> =
    own_metadata!("access", "otelier::access", LogLevel::ERROR, Field::NAMES);
