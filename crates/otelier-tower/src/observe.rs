use otelier_context::{Level, RequestEnd, RequestObserver};

/// Tells of a request's end as one `tracing` event, for those who have no other observer.
#[derive(Debug)]
pub(crate) struct TracingEvent;

impl RequestObserver for TracingEvent {
    fn on_end(&self, end: &RequestEnd<'_>) {
        macro_rules! event {
            ($level:ident) => {
                tracing::event!(
                    target: "otelier::access",
                    tracing::Level::$level,
                    category = "access",
                    "http.request.method" = end.rpc_method.is_none().then_some(end.method),
                    "http.route" = end.route,
                    operation = end.operation,
                    "url.path" = end.path,
                    "http.response.status_code" = end.status_code,
                    "rpc.method" = end.rpc_method,
                    "rpc.response.status_code" = end.rpc_status_code,
                    duration_ms = end.duration.as_secs_f64() * 1e3,
                    "error.type" = end.error_type,
                    "{end}",
                )
            };
        }
        match end.level {
            Level::Info => event!(INFO),
            Level::Warn => event!(WARN),
            Level::Error => event!(ERROR),
        }
    }
}
