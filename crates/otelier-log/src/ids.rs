use std::cell::Cell;
use std::sync::Arc;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, SpanId, TraceFlags, TraceId};
use otelier_context::{ContextExt as _, RequestContext};
use tracing_core::Metadata;

use crate::foreign::isolated;

/// To which trace and request a line belongs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ids {
    pub(crate) trace: Option<TraceIds>,
    pub(crate) request: Option<Arc<RequestContext>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceIds {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) flags: TraceFlags,
}

/// Whether this thread still has its OpenTelemetry context, of which any use is a panic afterwards.
pub(crate) fn context_lives() -> bool {
    match CONTEXT.get() {
        Lives::Yes => true,
        Lives::No => false,
        Lives::Unknown => {
            // The look itself may be that panic, and the panic's hook may log.
            CONTEXT.set(Lives::No);
            let lives = isolated(|| WITNESS.try_with(|_| ()).is_ok()) == Some(true);
            CONTEXT.set(if lives { Lives::Yes } else { Lives::No });
            lives
        }
    }
}

#[derive(Clone, Copy)]
enum Lives {
    Unknown,
    Yes,
    No,
}

thread_local! {
    // It has no destructor, and so outlives all that have one.
    static CONTEXT: Cell<Lives> = const { Cell::new(Lives::Unknown) };

    // What is made later ends earlier: while this is there, the context is.
    static WITNESS: Witness = {
        Context::map_current(|_| ());
        Witness
    };
}

struct Witness;

impl Drop for Witness {
    fn drop(&mut self) {
        CONTEXT.set(Lives::No);
    }
}

/// The target of OpenTelemetry's own events, which may come while its context is being changed and cannot
/// be read.
pub(crate) const OPENTELEMETRY: &str = "opentelemetry";

pub(crate) fn may_read_context(metadata: &Metadata<'_>) -> bool {
    metadata.target() != OPENTELEMETRY
}

/// Where a line's ids come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// The current OpenTelemetry context.
    Current,
    Known(Ids),
}

impl Source {
    pub(crate) fn trace_id(&self) -> Option<TraceId> {
        let trace = match self {
            Self::Current if context_lives() => Context::map_current(trace_of),
            Self::Current => None,
            Self::Known(ids) => ids.trace,
        };
        trace.map(|trace| trace.trace_id)
    }
}

impl Ids {
    /// Those of the current OpenTelemetry context; none where the thread ends and that is gone.
    pub(crate) fn current() -> Self {
        let mut ids = Self::default();
        ids.update(Source::Current);
        ids
    }

    pub(crate) fn of(cx: &Context) -> Self {
        let mut ids = Self::default();
        ids.read(cx);
        ids
    }

    pub(crate) fn update(&mut self, source: Source) {
        match source {
            Source::Current if context_lives() => Context::map_current(|cx| self.read(cx)),
            Source::Current => *self = Self::default(),
            Source::Known(ids) => *self = ids,
        }
    }

    /// Does not even count a reference where the request is the one that it has.
    fn read(&mut self, cx: &Context) {
        self.trace = trace_of(cx);
        let request = cx.request();
        if request.map(Arc::as_ptr) != self.request.as_ref().map(Arc::as_ptr) {
            self.request = request.cloned();
        }
    }
}

fn trace_of(cx: &Context) -> Option<TraceIds> {
    if !cx.has_active_span() {
        return None;
    }
    let span = cx.span();
    let span = span.span_context();
    span.is_valid().then(|| TraceIds {
        trace_id: span.trace_id(),
        span_id: span.span_id(),
        flags: span.trace_flags(),
    })
}
