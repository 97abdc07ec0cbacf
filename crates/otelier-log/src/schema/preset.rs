use tracing_core::Level;

/// Whose names a line has for what is its own.
///
/// | preset | for | fields |
/// | --- | --- | --- |
/// | `Otelier` | anything that reads JSON | at the top |
/// | `Otel` | readers of OpenTelemetry's log data model | under `attributes` |
/// | `Ecs` | Elasticsearch (Elastic Common Schema) | at the top |
/// | `Gcp` | Google Cloud Logging | at the top |
/// | `Datadog` | Datadog | at the top |
///
/// Other names, and fields under another key or none, are settings of [`Keys`](crate::Keys).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// `timestamp`, `level`, `message`, `target`, `trace_id`, `span_id`, `request_id`, …
    #[default]
    Otelier,
    /// `timestamp`, `severity_text`, `severity_number`, `body`, `trace_id`, …, and `attributes`
    /// (OpenTelemetry specification, logs data model).
    Otel,
    /// `@timestamp`, `log.level`, `message`, `trace.id`, `span.id`, `service.name`, … A field whose name
    /// is a part of one of these, such as `service`, or has one as its part, such as `message.id`, could
    /// not be indexed beside it: it is written as `field.service`. The fingerprint of an error is
    /// `error_fingerprint`, so that `error` is left to the error itself.
    Ecs,
    /// `time`, `severity`, `message`, `logging.googleapis.com/trace`, … For links to traces the project
    /// must be known: [`Keys::gcp_project`](crate::Keys::gcp_project).
    Gcp,
    /// `timestamp`, `status`, `message`, `dd.trace_id` and `dd.span_id` in decimal, `dd.service`,
    /// `dd.env`, …
    Datadog,
}

/// What a line may say of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Timestamp,
    Level,
    /// The level as OpenTelemetry's number.
    Severity,
    Message,
    Target,
    TraceId,
    SpanId,
    TraceFlags,
    RequestId,
    TenantId,
    UserId,
    Fingerprint,
    Service,
    Environment,
    File,
    Line,
    Thread,
    Truncated,
}

impl Part {
    pub(crate) const COUNT: usize = 18;
}

/// The names of all parts in their order; an empty one is not written.
pub(crate) type Names = [&'static str; Part::COUNT];

/// How ids of traces are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TraceForm {
    Hex,
    /// `projects/<project>/traces/<hex>`, and a boolean for the flags.
    Gcp,
    /// The lower 64 bits, in decimal.
    Datadog,
}

impl Preset {
    #[rustfmt::skip]
    pub(super) fn names(self) -> Names {
        match self {
            Self::Otelier => [
                "timestamp", "level", "", "message", "target", "trace_id", "span_id", "trace_flags",
                "request_id", "tenant_id", "user_id", "error.fingerprint", "service", "environment",
                "file", "line", "thread", "truncated_bytes",
            ],
            Self::Otel => [
                "timestamp", "severity_text", "severity_number", "body", "scope", "trace_id", "span_id", "trace_flags",
                "request.id", "tenant.id", "user.id", "error.fingerprint", "service.name", "deployment.environment.name",
                "code.file.path", "code.line.number", "thread.name", "truncated_bytes",
            ],
            Self::Ecs => [
                "@timestamp", "log.level", "", "message", "log.logger", "trace.id", "span.id", "",
                "request.id", "tenant.id", "user.id", "error_fingerprint", "service.name", "service.environment",
                "log.origin.file.name", "log.origin.file.line", "process.thread.name", "truncated_bytes",
            ],
            Self::Gcp => [
                "time", "severity", "", "message", "target",
                "logging.googleapis.com/trace", "logging.googleapis.com/spanId", "logging.googleapis.com/trace_sampled",
                "request_id", "tenant_id", "user_id", "error.fingerprint", "service", "environment",
                "file", "line", "thread", "truncated_bytes",
            ],
            Self::Datadog => [
                "timestamp", "status", "", "message", "logger.name", "dd.trace_id", "dd.span_id", "",
                "request_id", "tenant_id", "usr.id", "error.fingerprint", "dd.service", "dd.env",
                "file", "line", "logger.thread_name", "truncated_bytes",
            ],
        }
    }

    pub(super) fn level(self, level: Level) -> &'static str {
        let names = match self {
            Self::Otelier | Self::Otel | Self::Ecs => ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"],
            Self::Gcp => ["DEBUG", "DEBUG", "INFO", "WARNING", "ERROR"],
            Self::Datadog => ["trace", "debug", "info", "warn", "error"],
        };
        names[rank(level)]
    }

    pub(super) fn trace_form(self) -> TraceForm {
        match self {
            Self::Otelier | Self::Otel | Self::Ecs => TraceForm::Hex,
            Self::Gcp => TraceForm::Gcp,
            Self::Datadog => TraceForm::Datadog,
        }
    }

    /// The key under which fields are, if they are not at the top.
    pub(super) fn nest(self) -> Option<&'static str> {
        (self == Self::Otel).then_some("attributes")
    }

    /// The key under which service and environment are.
    pub(super) fn resource(self) -> Option<&'static str> {
        (self == Self::Otel).then_some("resource")
    }

    /// The key under which file and line are.
    pub(super) fn source(self) -> Option<&'static str> {
        (self == Self::Gcp).then_some("logging.googleapis.com/sourceLocation")
    }

    /// What each line says that is the same for all.
    pub(super) fn constant(self) -> Option<(&'static str, &'static str)> {
        (self == Self::Ecs).then_some(("ecs.version", "8.11.0"))
    }

    /// Whether ids and sources are fields among others.
    pub(super) fn nests_own(self) -> bool {
        self == Self::Otel
    }

    /// Whether a dot in a key stands for an object, so that a field `a` and the line's own `a.b` exclude
    /// each other.
    pub(super) fn dots_are_objects(self) -> bool {
        self == Self::Ecs
    }
}

/// The lowest of OpenTelemetry's numbers for a level (logs data model, severity fields).
pub(super) fn severity_number(level: Level) -> usize {
    rank(level) * 4 + 1
}

fn rank(level: Level) -> usize {
    match level {
        Level::TRACE => 0,
        Level::DEBUG => 1,
        Level::INFO => 2,
        Level::WARN => 3,
        Level::ERROR => 4,
    }
}
