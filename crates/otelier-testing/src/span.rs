use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::span_data::SpanData;
use crate::{Attributes, Event, List, SpanKind, Status, Trace, Value};

/// A span that arrived, and through it the spans of its trace that arrived with it.
#[derive(Clone)]
pub struct Span {
    pub(crate) trace: Trace,
    pub(crate) data: Arc<SpanData>,
}

impl Span {
    /// Its id, 16 lowercase hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.data.id
    }

    /// Its trace's id, 32 lowercase hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.data.trace_id
    }

    /// Its parent's id; none where it starts its trace.
    pub fn parent_id(&self) -> Option<&str> {
        self.data.parent_id.as_deref()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.data.name
    }

    /// Its kind.
    pub fn kind(&self) -> SpanKind {
        self.data.kind
    }

    /// Its status.
    pub fn status(&self) -> &Status {
        &self.data.status
    }

    /// When it started.
    pub fn start_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.data.start)
    }

    /// From its start to its end; zero where the end is before the start.
    pub fn duration(&self) -> Duration {
        self.data.duration()
    }

    /// Its attributes.
    pub fn attributes(&self) -> &Attributes {
        &self.data.attributes
    }

    /// An attribute that must be there.
    ///
    /// # Panics
    ///
    /// If there is none; the message lists those that are there.
    #[track_caller]
    pub fn attribute(&self, key: &str) -> &Value {
        self.data.attributes.attribute(key)
    }

    /// Its events, in the sender's order.
    pub fn events(&self) -> &[Event] {
        &self.data.events
    }

    /// The attributes of the resource (the service) that sent it.
    pub fn resource(&self) -> &Attributes {
        &self.data.source.resource
    }

    /// The name of its instrumentation scope.
    pub fn scope(&self) -> &str {
        &self.data.source.scope
    }

    /// The trace that it is part of.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Its direct children.
    pub fn children(&self) -> List<Span> {
        self.trace
            .spans()
            .filter(|span| span.parent_id() == Some(self.id()))
    }

    /// Its only direct child of this name; [`children`](Self::children) and `filter` do not panic.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one; the message shows the trace.
    #[track_caller]
    pub fn child(&self, name: &str) -> Span {
        let named = self.children().filter(|span| span.name() == name);
        self.trace
            .only(named, format_args!("child {name:?} of {:?}", self.name()))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.data.fmt(f)
    }
}

/// A line: name, kind, duration, status and attributes.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data, .. } = self;
        let name = data.name.escape_debug();
        let (kind, status, duration) = (data.kind, &data.status, data.duration());
        writeln!(
            f,
            "  {name}  {kind}  {duration:.1?}  {status}  {}",
            data.attributes
        )
    }
}
