use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::list::excerpt;
use crate::span_data::SpanData;
use crate::{List, Span, tree};

/// The spans of one trace that had arrived when it was read. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Trace {
    id: Arc<str>,
    spans: Arc<[Arc<SpanData>]>,
}

impl Trace {
    /// None where there are no spans.
    pub(crate) fn new(mut spans: Vec<Arc<SpanData>>) -> Option<Self> {
        spans.sort_by_key(|span| span.start);
        let id = spans.first()?.trace_id.as_str().into();
        Some(Self {
            id,
            spans: spans.into(),
        })
    }

    /// Its id, 32 lowercase hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether each span's parent arrived too, is remote, or does not exist.
    ///
    /// A span that has not ended yet is not known here, so a complete trace may still grow.
    pub fn is_complete(&self) -> bool {
        let ids: HashSet<&str> = self.spans.iter().map(|span| span.id.as_str()).collect();
        self.spans.iter().all(|span| match &span.parent_id {
            Some(parent) => span.remote_parent || ids.contains(parent.as_str()),
            None => true,
        })
    }

    /// Its spans.
    pub fn spans(&self) -> List<Span> {
        let span = |data: &Arc<SpanData>| Span {
            trace: self.clone(),
            data: Arc::clone(data),
        };
        List(self.spans.iter().map(span).collect())
    }

    /// The spans whose parent is not here: it does not exist, is remote, or did not arrive.
    pub fn roots(&self) -> List<Span> {
        let ids: HashSet<&str> = self.spans.iter().map(|span| span.id.as_str()).collect();
        self.spans()
            .filter(|span| span.parent_id().is_none_or(|parent| !ids.contains(parent)))
    }

    /// Its only root; [`roots`](Self::roots) does not panic.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one; the message shows the trace.
    #[track_caller]
    pub fn root(&self) -> Span {
        self.only(self.roots(), format_args!("root"))
    }

    /// Its only span of this name; [`find_span`](Self::find_span) does not panic.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one; the message shows the trace.
    #[track_caller]
    pub fn span(&self, name: &str) -> Span {
        let named = self.spans().filter(|span| span.name() == name);
        self.only(named, format_args!("span {name:?}"))
    }

    /// Its first span of this name.
    pub fn find_span(&self, name: &str) -> Option<Span> {
        self.spans().into_iter().find(|span| span.name() == name)
    }

    #[track_caller]
    pub(crate) fn only(&self, found: List<Span>, wanted: fmt::Arguments<'_>) -> Span {
        match found.0.as_slice() {
            [only] => only.clone(),
            found => panic!(
                "expected one {wanted}, found {}:\n{}",
                found.len(),
                excerpt(self)
            ),
        }
    }

    pub(crate) fn data(&self) -> &[Arc<SpanData>] {
        &self.spans
    }
}

/// The trace as a tree: a line with its id and service, then one line a span with its duration, its
/// kind and, if it failed, its status. No line begins with `{`.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tree::write(self, f)
    }
}
