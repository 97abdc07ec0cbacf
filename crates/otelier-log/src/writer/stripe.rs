use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::room::Credit;
use super::segment::Segment;

const STRIPES: usize = 8;

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
}

/// Where lines are first put. A thread always uses the same stripe, which keeps its lines in order, and
/// seldom meets another one there.
#[derive(Default)]
pub(super) struct Stripes([Stripe; STRIPES]);

/// Aligned so that no two share a cache line, nor the pair of lines that is fetched at once.
#[derive(Default)]
#[repr(align(128))]
struct Stripe(Mutex<Lines>);

#[derive(Default)]
pub(super) struct Lines {
    pub(super) segment: Segment,
    pub(super) credit: Credit,
    /// No line is queued any more.
    pub(super) closed: bool,
}

impl Stripes {
    pub(super) fn mine(&self) -> MutexGuard<'_, Lines> {
        self.0[MINE.with(|index| *index)].lock()
    }

    pub(super) fn each(&self) -> impl Iterator<Item = MutexGuard<'_, Lines>> {
        self.0.iter().map(Stripe::lock)
    }
}

impl Stripe {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
