use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{self as otlp, SpanFlags, span, status};

use crate::Attributes;
use crate::source::Source;
use crate::store::{Batch, Export};
use crate::value::{hex, id};

/// What a span says of its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpanKind {
    /// Not given.
    Unspecified,
    /// Work inside a process.
    Internal,
    /// A request that is served.
    Server,
    /// A request that is made.
    Client,
    /// A message that is sent.
    Producer,
    /// A message that is handled.
    Consumer,
}

impl fmt::Display for SpanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        })
    }
}

/// How a span ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Nothing was said.
    Unset,
    /// Success was declared.
    Ok,
    /// It failed, with this description (often empty).
    Error(String),
}

impl Status {
    /// Whether it is [`Status::Error`].
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => f.write_str("unset"),
            Self::Ok => f.write_str("ok"),
            Self::Error(description) if description.is_empty() => f.write_str("ERROR"),
            Self::Error(description) => write!(f, "ERROR {description:?}"),
        }
    }
}

/// An event of a span.
#[derive(Clone, Debug)]
pub struct Event {
    name: String,
    attributes: Attributes,
}

impl Event {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its attributes.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }
}

#[derive(Debug)]
pub(crate) struct SpanData {
    pub(crate) trace_id: String,
    pub(crate) id: String,
    pub(crate) parent_id: Option<String>,
    pub(crate) remote_parent: bool,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) status: Status,
    pub(crate) start: u64,
    end: u64,
    pub(crate) attributes: Attributes,
    pub(crate) events: Vec<Event>,
    pub(crate) source: Source,
}

impl SpanData {
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_nanos(self.end.saturating_sub(self.start))
    }

    fn new(span: otlp::Span, source: &Source) -> Self {
        let kind = span.kind();
        Self {
            remote_parent: has_remote_parent(&span),
            trace_id: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent_id: id(&span.parent_span_id),
            name: span.name,
            kind: kind.into(),
            status: span.status.map_or(Status::Unset, Status::from),
            start: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
            attributes: span.attributes.into(),
            events: span.events.into_iter().map(Event::from).collect(),
            source: source.clone(),
        }
    }
}

/// Senders that do not say whether the parent is remote are judged by the span's kind.
fn has_remote_parent(span: &otlp::Span) -> bool {
    let flag = |mask: SpanFlags| span.flags & mask as u32 != 0;
    if flag(SpanFlags::ContextHasIsRemoteMask) {
        flag(SpanFlags::ContextIsRemoteMask)
    } else {
        matches!(
            span.kind(),
            span::SpanKind::Server | span::SpanKind::Consumer
        )
    }
}

impl Export for ExportTraceServiceRequest {
    fn into_batch(self) -> Batch {
        let mut spans = Vec::new();
        for block in self.resource_spans {
            let resource = Source::resource(block.resource);
            for block in block.scope_spans {
                let source = Source::new(&resource, block.scope);
                let data = |span| Arc::new(SpanData::new(span, &source));
                spans.extend(block.spans.into_iter().map(data));
            }
        }
        Batch::Spans(spans)
    }
}

impl From<span::SpanKind> for SpanKind {
    fn from(kind: span::SpanKind) -> Self {
        match kind {
            span::SpanKind::Unspecified => Self::Unspecified,
            span::SpanKind::Internal => Self::Internal,
            span::SpanKind::Server => Self::Server,
            span::SpanKind::Client => Self::Client,
            span::SpanKind::Producer => Self::Producer,
            span::SpanKind::Consumer => Self::Consumer,
        }
    }
}

impl From<otlp::Status> for Status {
    fn from(status: otlp::Status) -> Self {
        match status.code() {
            status::StatusCode::Unset => Self::Unset,
            status::StatusCode::Ok => Self::Ok,
            status::StatusCode::Error => Self::Error(status.message),
        }
    }
}

impl From<span::Event> for Event {
    fn from(event: span::Event) -> Self {
        Self {
            name: event.name,
            attributes: event.attributes.into(),
        }
    }
}
