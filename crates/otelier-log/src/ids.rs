use std::sync::Arc;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, SpanId, TraceFlags, TraceId};
use otelier_context::{ContextExt as _, RequestContext};

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

impl Ids {
    /// Those of the current OpenTelemetry context; none where the thread's storage is gone already,
    /// of which `map_current` makes a panic.
    pub(crate) fn current() -> Self {
        isolated(|| Context::map_current(Self::of)).unwrap_or_default()
    }

    pub(crate) fn of(cx: &Context) -> Self {
        let trace = cx.has_active_span().then(|| {
            let span = cx.span();
            let span = span.span_context();
            span.is_valid().then(|| TraceIds {
                trace_id: span.trace_id(),
                span_id: span.span_id(),
                flags: span.trace_flags(),
            })
        });
        Self {
            trace: trace.flatten(),
            request: cx.request().cloned(),
        }
    }
}
