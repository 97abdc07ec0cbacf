//! Levels that are changed while the process logs.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod bounds;
mod changes;
mod storm;
#[path = "../support/mod.rs"]
mod support;
mod tenants;

use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::{Context, ContextGuard};
use otelier_context::{ContextExt as _, RequestContext, RequestId, TenantId};
use otelier_log::{JsonLayer, Levels};
use support::Sink;
use tracing::dispatcher::{DefaultGuard, Dispatch, set_default};
use tracing::{debug, error, info};
use tracing_subscriber::prelude::*;

/// A subscriber with `levels`, on this thread. What `tracing` remembers of the places in the code is one
/// thing for the whole process: one test at a time.
struct Logging {
    sink: Sink,
    dispatch: Dispatch,
    _default: DefaultGuard,
    _alone: MutexGuard<'static, ()>,
}

impl Logging {
    fn with(levels: &Levels) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let sink = Sink::default();
        let layer = JsonLayer::builder().writer(sink.clone()).build();
        let layer = layer.with_filter(levels.clone());
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
        Self {
            sink,
            _default: set_default(&dispatch),
            dispatch,
            _alone: alone,
        }
    }

    /// How many lines `log` writes.
    fn lines(&self, log: impl FnOnce()) -> usize {
        let before = self.sink.lines().len();
        log();
        self.sink.lines().len() - before
    }
}

fn levels(list: &str) -> Levels {
    list.parse().unwrap()
}

fn tenant(id: &str) -> TenantId {
    id.parse().unwrap()
}

fn attach(id: &str) -> ContextGuard {
    let request = RequestContext::new(RequestId::make());
    request.set_tenant(tenant(id));
    Context::new().with_request(request).attach()
}

/// One line each at DEBUG, INFO and ERROR, always of the same places in the code.
fn three() {
    debug!(target: "three", "d");
    info!(target: "three", "i");
    error!(target: "three", "e");
}
