//! Spans and log records as the collector's file exporter writes them: OTLP in JSON, one batch a line.

use std::collections::BTreeMap;

use serde_json::Value;

/// Attribute values in their OTLP form, such as `{"intValue": "200"}`, by key.
pub type Attributes = BTreeMap<String, Value>;

/// A span with the attributes of its resource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Span {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// 16 hexadecimal digits; empty for a root span.
    pub parent_span_id: String,
    /// The span's name.
    pub name: String,
    /// The number of the kind in OTLP: 2 is SERVER.
    pub kind: u64,
    /// The span's own attributes.
    pub attributes: Attributes,
    /// The attributes of what emitted it.
    pub resource: Attributes,
}

/// A log record with its trace.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogRecord {
    /// 32 hexadecimal digits; empty outside a trace.
    pub trace_id: String,
    /// 16 hexadecimal digits; empty outside a trace.
    pub span_id: String,
    /// The record's attributes.
    pub attributes: Attributes,
}

/// The spans in the whole lines of `file`.
pub(crate) fn spans(file: &str) -> Vec<Span> {
    records(
        file,
        ["resourceSpans", "scopeSpans", "spans"],
        |resource, span| Span {
            trace_id: text(span, "traceId"),
            span_id: text(span, "spanId"),
            parent_span_id: text(span, "parentSpanId"),
            name: text(span, "name"),
            kind: span["kind"].as_u64().unwrap_or_default(),
            attributes: attributes(span),
            resource: attributes(&resource["resource"]),
        },
    )
}

/// The log records in the whole lines of `file`.
pub(crate) fn logs(file: &str) -> Vec<LogRecord> {
    records(
        file,
        ["resourceLogs", "scopeLogs", "logRecords"],
        |_, record| LogRecord {
            trace_id: text(record, "traceId"),
            span_id: text(record, "spanId"),
            attributes: attributes(record),
        },
    )
}

fn records<T>(
    file: &str,
    [resources, scopes, items]: [&str; 3],
    read: impl Fn(&Value, &Value) -> T,
) -> Vec<T> {
    let mut found = Vec::new();
    for line in file
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
    {
        let batch: Value = serde_json::from_str(line).expect("a line of the file exporter is JSON");
        for resource in list(&batch[resources]) {
            for scope in list(&resource[scopes]) {
                found.extend(list(&scope[items]).iter().map(|item| read(resource, item)));
            }
        }
    }
    found
}

fn attributes(of: &Value) -> Attributes {
    list(&of["attributes"])
        .iter()
        .map(|pair| (text(pair, "key"), pair["value"].clone()))
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(of: &Value, key: &str) -> String {
    of[key].as_str().unwrap_or_default().to_owned()
}
