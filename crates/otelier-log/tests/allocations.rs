//! An event costs no allocation once its thread has written one, nor does its way through the queue, and
//! nothing grows.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io;
use std::time::Duration;

use opentelemetry::Context;
use otelier_log::{JsonLayer, Levels, NonBlocking, Preset};
use support::{Sink, attach, dynamic};
use tracing::field::Value;
use tracing::{debug, info, info_span};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// What this thread has allocated and not freed, in bytes.
    static HELD: Cell<i64> = const { Cell::new(0) };
}

// SAFETY: each call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        HELD.set(HELD.get() + layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - layout.size() as i64);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn an_event_inside_two_spans_does_not_allocate() {
    let layer = JsonLayer::builder()
        .service("checkout")
        .writer(io::sink)
        .build();
    let stats = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let _request = attach("req-1", 1);
        let _outer = info_span!(
            "request",
            method = "GET",
            route = "/users/{id}",
            a = "b",
            c = "d"
        )
        .entered();
        let _inner = info_span!("load_user", user = 42, cache = true).entered();
        let event = |n: u64| info!(status = n, latency_ms = 12.5, agent = "Mozilla/5.0", debug = ?Some(n), "finished {n}");
        event(1_000_000);
        let before = ALLOCATIONS.get();
        (0..1_000).for_each(event);
        assert_eq!(ALLOCATIONS.get() - before, 0);
    });
    assert_eq!(stats.lines_written(), 1_001);
}

#[test]
fn requests_that_take_turns_on_a_thread_cost_no_allocation() {
    let layer = JsonLayer::builder().writer(io::sink).build();
    let other = JsonLayer::builder().keys(Preset::Ecs).writer(io::sink);
    let subscriber = tracing_subscriber::registry()
        .with(layer)
        .with(other.build());
    tracing::subscriber::with_default(subscriber, || {
        let contexts = [("req-1", 1), ("another-request", 2)].map(|(request, span)| {
            let _request = attach(request, span);
            Context::current()
        });
        let log = |n: usize| {
            let _guard = contexts[n % 2].clone().attach();
            let before = ALLOCATIONS.get();
            info!(n, "m");
            ALLOCATIONS.get() - before
        };
        let warm_up: u64 = (0..10).map(log).sum();
        assert!(warm_up > 0, "the first lines make their buffers");
        assert_eq!((0..1_000).map(log).sum::<u64>(), 0);
    });
}

#[test]
fn levels_of_tenants_cost_no_allocation_whoever_the_tenant_is() {
    for (first, lines) in [("t0", 1), ("acme", 3)] {
        let levels: Levels = "warn,db=info".parse().unwrap();
        for tenant in [first, "t1", "t2", "t3"] {
            let tenant = tenant.parse().unwrap();
            levels.set_tenant(&tenant, LevelFilter::DEBUG).unwrap();
        }
        let layer = JsonLayer::builder().writer(io::sink).build();
        let stats = layer.stats();
        let layer = layer.with_filter(levels);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let _request = attach("req-1", 1);
            let events = |_| {
                debug!("for a tenant with a level");
                debug!(target: "db", "this one, too");
                info!(target: "db", "for all");
            };
            events(0);
            let before = ALLOCATIONS.get();
            (0..1_000).for_each(events);
            assert_eq!(ALLOCATIONS.get() - before, 0);
        });
        assert_eq!(stats.lines_written(), lines * 1_001);
    }
}

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

#[test]
fn a_span_recorded_a_million_times_holds_no_more_memory_than_before() {
    let sink = Sink::default();
    let layer = JsonLayer::builder().writer(sink.clone()).build();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let span = info_span!("s", a = 0, b = "x", c = tracing::field::Empty);
        let text = "\"".repeat(64);
        let record = |n: usize| {
            span.record("a", n % 1_000);
            span.record(["b", "c"][n % 2], &text[..n % 64]);
        };
        (0..1_000).for_each(record);
        let before = HELD.get();
        (0..500_000).for_each(record);
        assert_eq!(HELD.get(), before);
        span.in_scope(|| info!("m"));
    });
    let line = sink.line();
    assert_eq!(
        (&line["a"], &line["c"]),
        (
            &499_999_usize.rem_euclid(1_000).into(),
            &"\"".repeat(499_999 % 64).into()
        )
    );
}

/// Each value is within its bound, and all together are as one line is.
#[test]
fn a_span_of_many_long_values_holds_little_more_than_a_line() {
    let names: Vec<&'static str> = (0..100).map(|n| &*format!("field_{n}").leak()).collect();
    let layer = JsonLayer::builder().writer(io::sink).build();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        info_span!("warm up").in_scope(|| info!("m"));
        let fields: Vec<_> = names.iter().map(|name| (*name, &0 as &dyn Value)).collect();
        let span = dynamic::span(&fields);
        let text = "x".repeat(100_000);
        let before = HELD.get();
        for name in &names {
            span.record(*name, text.as_str());
        }
        let grown = HELD.get() - before;
        assert!(grown < 4 * 16_384, "{grown} bytes");
    });
}

/// Closed spans leave nothing behind, however many fields they had.
#[test]
fn spans_that_come_and_go_hold_no_more_memory_than_before() {
    let layer = JsonLayer::builder().writer(io::sink).build();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let work = |n: usize| {
            let _request = attach("req-1", 1);
            otelier_log::log_context! { order_id = n };
            let text = "x".repeat(n % 2_000);
            let _span = info_span!("s", text).entered();
            info!(n, text, "m");
        };
        (0..4_000).for_each(work);
        let before = HELD.get();
        (0..20_000).for_each(work);
        let grown = HELD.get() - before;
        assert!(grown < 16_384, "{grown} bytes");
    });
}
