use std::fmt;

/// What is exported: each signal has its own queue, exporter and settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
}

impl Signal {
    /// The variable of this signal, and the one for all signals, that end in `key`.
    pub(crate) fn variables(self, key: &str) -> [String; 2] {
        let signal = match self {
            Self::Traces => "TRACES",
            Self::Logs => "LOGS",
        };
        [
            format!("OTEL_EXPORTER_OTLP_{signal}_{key}"),
            format!("OTEL_EXPORTER_OTLP_{key}"),
        ]
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
        })
    }
}
