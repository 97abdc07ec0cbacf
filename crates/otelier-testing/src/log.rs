use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use crate::source::Source;
use crate::store::{Batch, Export};
use crate::value::id;
use crate::{Attributes, Value};

/// A log record that arrived.
#[derive(Debug)]
pub struct Log {
    trace_id: Option<String>,
    span_id: Option<String>,
    time: u64,
    severity_number: i32,
    severity_text: String,
    event_name: String,
    body: Value,
    attributes: Attributes,
    source: Source,
}

impl Log {
    /// The trace it belongs to, 32 lowercase hexadecimal digits.
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// The span it belongs to, 16 lowercase hexadecimal digits.
    pub fn span_id(&self) -> Option<&str> {
        self.span_id.as_deref()
    }

    /// When it happened, or where that is not said, when it was observed.
    pub fn time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.time)
    }

    /// Its severity as the sender wrote it (`INFO`); the number's name where the sender wrote none,
    /// empty where it gave neither.
    pub fn severity(&self) -> &str {
        if !self.severity_text.is_empty() {
            return &self.severity_text;
        }
        match self.severity_number {
            1..=4 => "TRACE",
            5..=8 => "DEBUG",
            9..=12 => "INFO",
            13..=16 => "WARN",
            17..=20 => "ERROR",
            21..=24 => "FATAL",
            _ => "",
        }
    }

    /// Its severity number, 1 (TRACE) to 24 (FATAL4); 0 where it is not given.
    pub fn severity_number(&self) -> i32 {
        self.severity_number
    }

    /// The name of the event that it is; empty for a plain log record.
    pub fn event_name(&self) -> &str {
        &self.event_name
    }

    /// Its body: the message.
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// Its attributes.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// An attribute that must be there.
    ///
    /// # Panics
    ///
    /// If there is none; the message lists those that are there.
    #[track_caller]
    pub fn attribute(&self, key: &str) -> &Value {
        self.attributes.attribute(key)
    }

    /// The attributes of the resource (the service) that sent it.
    pub fn resource(&self) -> &Attributes {
        &self.source.resource
    }

    /// The name of its instrumentation scope.
    pub fn scope(&self) -> &str {
        &self.source.scope
    }

    fn new(record: LogRecord, source: &Source) -> Self {
        Self {
            trace_id: id(&record.trace_id),
            span_id: id(&record.span_id),
            time: match record.time_unix_nano {
                0 => record.observed_time_unix_nano,
                time => time,
            },
            severity_number: record.severity_number,
            severity_text: record.severity_text,
            event_name: record.event_name,
            body: record.body.map(Value::from).unwrap_or_default(),
            attributes: record.attributes.into(),
            source: source.clone(),
        }
    }
}

/// A line: severity, body, attributes and trace id.
impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = self.severity().escape_debug();
        write!(f, "  {severity}  {}  {}", self.body, self.attributes)?;
        match &self.trace_id {
            Some(id) => writeln!(f, "  trace {id}"),
            None => writeln!(f),
        }
    }
}

impl Export for ExportLogsServiceRequest {
    fn into_batch(self) -> Batch {
        let mut logs = Vec::new();
        for block in self.resource_logs {
            let resource = Source::resource(block.resource);
            for block in block.scope_logs {
                let source = Source::new(&resource, block.scope);
                let log = |record| Arc::new(Log::new(record, &source));
                logs.extend(block.log_records.into_iter().map(log));
            }
        }
        Batch::Logs(logs)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
    use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};

    use super::*;

    pub(crate) fn logs(bodies: &[&str]) -> Batch {
        let record = |body: &&str| {
            let value = any_value::Value::StringValue((*body).to_owned());
            LogRecord {
                body: Some(AnyValue { value: Some(value) }),
                ..LogRecord::default()
            }
        };
        let log_records = bodies.iter().map(record).collect();
        let scope_logs = vec![ScopeLogs {
            log_records,
            ..ScopeLogs::default()
        }];
        let resource_logs = vec![ResourceLogs {
            scope_logs,
            ..ResourceLogs::default()
        }];
        ExportLogsServiceRequest { resource_logs }.into_batch()
    }
}
