//! Events and spans, to lines in a null writer.

use std::hint::black_box;

use crate::bench::{Case, Group, Subject};
use crate::line::Field;

mod contended;
mod disabled;
mod floor;
mod otelier;
mod peers;
mod span;

pub(crate) const GROUP: Group = Group {
    name: "log",
    cases: &[
        Case {
            name: "event-2-spans",
            ops: 5_000,
            subjects: || {
                let mut subjects: Vec<Box<dyn Subject>> = vec![Box::new(otelier::Otelier::new()?)];
                subjects.extend(peers::subjects());
                subjects.push(Box::<floor::Floor>::default());
                Ok(subjects)
            },
        },
        span::CASE,
        disabled::CASE,
        contended::CASE,
    ],
};

const REQUEST_ID: &str = "0198c0de-7a11-7e51-9c0d-3b0b5a7e0001";
const TENANT_ID: &str = "acme";
const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64)";

const EVENT_FIELDS: [Field<'_>; 5] = [
    ("message", "request finished"),
    ("status", "200"),
    ("bytes", "5120"),
    ("latency_ms", "12.5"),
    ("user_agent", USER_AGENT),
];
const REQUEST_FIELDS: [Field<'_>; 4] = [
    ("method", "GET"),
    ("route", "/users/{id}"),
    ("request_id", REQUEST_ID),
    ("tenant_id", TENANT_ID),
];
const LOAD_FIELDS: [Field<'_>; 2] = [("user_id", "42"), ("cache", "true")];

/// The event of every subject that goes through `tracing`.
fn emit() {
    tracing::info!(
        status = black_box(200_u64),
        bytes = black_box(5120_u64),
        latency_ms = black_box(12.5_f64),
        user_agent = USER_AGENT,
        "request finished"
    );
}
