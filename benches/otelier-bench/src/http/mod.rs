//! One axum request, to the last byte of its body.

use opentelemetry_sdk::propagation::TraceContextPropagator;

use crate::bench::{Case, Group, Result, Subject};

mod assembled;
mod otelier;
mod peers;
mod served;

pub(crate) const GROUP: Group = Group {
    name: "http",
    cases: &[
        Case {
            name: "full-stack-sampled",
            ops: OPS,
            subjects: || subjects(true),
        },
        Case {
            name: "full-stack-unsampled",
            ops: OPS,
            subjects: || subjects(false),
        },
    ],
};

/// With the warm-up less than the batch processor's queue of 2,048 spans: a subject that overflowed
/// it would be timed while it loses spans.
const OPS: u64 = 1_500;

fn subjects(sampled: bool) -> Result<Vec<Box<dyn Subject>>> {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    Ok(vec![
        Box::new(peers::bare()?),
        Box::new(otelier::otelier(sampled)?),
        Box::new(assembled::assembled(sampled)?),
        Box::new(peers::opentelemetry_instrumentation_tower(sampled)?),
        Box::new(peers::axum_tracing_opentelemetry(sampled)?),
    ])
}
