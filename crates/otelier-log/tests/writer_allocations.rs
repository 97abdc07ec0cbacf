//! Queueing a line costs no allocation of its own.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io;
use std::time::Duration;

use otelier_log::{JsonLayer, NonBlocking};
use tracing::info;
use tracing_subscriber::prelude::*;

struct Counting;

thread_local!(static ALLOCATIONS: Cell<u64> = const { Cell::new(0) });

// SAFETY: each call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn lines_that_the_sink_takes_in_time_share_a_few_buffers() {
    let (writer, guard) = NonBlocking::new(io::sink()).unwrap();
    let layer = JsonLayer::builder().writer(writer).build();
    let _subscriber = tracing_subscriber::registry().with(layer).set_default();
    let before = ALLOCATIONS.get();
    for _ in 0..1_000 {
        (0..100).for_each(|n| info!(n, "m"));
        guard.flush(Duration::from_secs(20)).unwrap();
    }
    let allocations = ALLOCATIONS.get() - before;
    assert!(allocations < 100, "{allocations} for 100,000 lines");
}
