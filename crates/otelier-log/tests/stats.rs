//! What is counted, and where audit lines go.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::time::Duration;

use otelier_log::{
    DropReason, Format, JsonLayer, JsonLayerBuilder, Keys, NonBlocking, Outcome, Stats,
};
use otelier_log::{alert, audit, log_context, security};
use support::{Sink, attach};
use tracing::{Level, debug, info, info_span};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

fn counted(builder: JsonLayerBuilder, work: impl FnOnce()) -> Stats {
    let layer = builder.build();
    let stats = layer.stats();
    let layer = layer.with_filter(LevelFilter::INFO);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    stats
}

fn events(stats: &Stats) -> Vec<(&'static str, &'static str, &'static str, u64)> {
    let of = |of: otelier_log::EventCount| (of.category, of.name, of.severity, of.count);
    stats.events().map(of).collect()
}

#[test]
fn events_of_a_category_are_counted_where_a_layer_writes_them() {
    let sink = Sink::default();
    let stats = counted(JsonLayer::builder().writer(sink.clone()), || {
        for _ in 0..3 {
            security!("login_failed", user = "ann");
        }
        security!(Level::DEBUG, "below the filter");
        audit!("user_deleted", Outcome::Success);
        alert!("backlog", critical);
        info!("of no category");
        debug!("of no category");
    });
    assert_eq!(
        events(&stats),
        [
            ("security", "login_failed", "warn", 3),
            ("audit", "user_deleted", "info", 1),
            ("alert", "backlog", "critical", 1),
        ]
    );
    assert_eq!(sink.lines().len(), 6);
    assert_eq!(stats.lines_written(), 6);
}

/// An alert must not depend on whether anybody reads the lines.
#[test]
fn an_event_whose_line_is_dropped_is_counted_all_the_same() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let stats = counted(JsonLayer::builder().writer(|| Full), || {
        alert!("backlog", critical);
    });
    assert_eq!(events(&stats), [("alert", "backlog", "critical", 1)]);
    let failed = |(level, reason, _): &(Level, DropReason, u64)| {
        (*level, *reason) == (Level::ERROR, DropReason::WriteFailed)
    };
    assert_eq!(stats.lines_dropped().find(failed).unwrap().2, 1);
}

#[test]
fn a_field_that_gives_way_to_another_is_counted() {
    let shadowed = |builder: JsonLayerBuilder, work: fn()| {
        counted(builder.writer(std::io::sink), work).fields_shadowed()
    };
    assert_eq!(
        shadowed(JsonLayer::builder(), || info!(a = 1, b = 2, "m")),
        0
    );
    assert_eq!(
        shadowed(JsonLayer::builder(), || info!(a = 1, a = 2, a = 3)),
        2
    );
    let all = JsonLayer::builder().field("a", 0).field("b", 0);
    assert_eq!(
        shadowed(all, || {
            let _request = attach("req-1", 1);
            log_context! { a = "request", c = "request" };
            let _outer = info_span!("outer", a = "outer", c = "outer").entered();
            let _inner = info_span!("inner", a = "inner", d = "inner").entered();
            info!(a = "event");
            info!("m");
        }),
        // In the first line four of `a` and one of `c`, in the second three and one.
        5 + 4
    );
    let human = JsonLayer::builder().format(Format::Human);
    assert_eq!(shadowed(human, || info!(a = 1, a = 2)), 1);
}

#[test]
fn a_field_of_all_lines_gives_way_to_any_other() {
    let sink = Sink::default();
    let builder = JsonLayer::builder()
        .writer(sink.clone())
        .field("a", "static")
        .field("b", "static")
        .field("b", "second");
    counted(builder, || {
        info!(a = "event");
        info_span!("s", a = "span").in_scope(|| info!("m"));
        let _request = attach("req-1", 1);
        log_context! { a = "request" };
        info!("m");
        info!(parent: None, "m");
    });
    let lines = sink.json();
    let values: Vec<_> = lines.iter().map(|line| &line["a"]).collect();
    assert_eq!(values, ["event", "span", "request", "static"]);
    assert!(lines.iter().all(|line| line["b"] == "static"));
}

#[test]
fn audit_lines_go_to_their_own_writer_and_nowhere_else() {
    let (all, audits) = (Sink::default(), Sink::default());
    let builder = JsonLayer::builder()
        .service("checkout")
        .writer(all.clone())
        .audit_writer(audits.clone());
    let stats = counted(builder, || {
        info!("plain");
        audit!("user_deleted", Outcome::PermissionDenied, actor.id = 7);
        security!("login_failed");
        info!(target: "otelier::audit::not", category = "audit", "no audit event");
    });
    let line = audits.line();
    assert_eq!(
        [&line["message"], &line["category"], &line["service"]],
        ["user_deleted", "audit", "checkout"]
    );
    let messages: Vec<_> = all
        .json()
        .iter()
        .map(|line| line["message"].clone())
        .collect();
    assert_eq!(messages, ["plain", "login_failed", "no audit event"]);
    assert_eq!(stats.lines_written(), 4);
}

#[test]
fn a_queue_of_its_own_for_audit_lines_counts_them_itself() {
    let (all, audits) = (Sink::default(), Sink::default());
    let (writer, guard) = NonBlocking::new(audits.clone()).unwrap();
    let queue = writer.stats();
    let builder = JsonLayer::builder()
        .writer(all.clone())
        .audit_writer(writer);
    let stats = counted(builder, || {
        for n in 0..100 {
            audit!("user_deleted", Outcome::Success, n);
            info!("plain");
        }
        guard.flush(Duration::from_secs(20)).unwrap();
        drop(guard);
        audit!("user_deleted", Outcome::Success);
    });
    assert_eq!((stats.lines_written(), queue.lines_written()), (100, 100));
    let closed: u64 = queue
        .lines_dropped()
        .filter(|(_, reason, _)| *reason == DropReason::Closed)
        .map(|(.., count)| count)
        .sum();
    assert_eq!(closed, 1);
    assert_eq!(all.lines().len(), 100);
    assert_eq!(events(&stats), [("audit", "user_deleted", "info", 101)]);
}

#[test]
fn a_field_that_a_span_has_twice_is_counted() {
    let keys = Keys::default().rename("b", "a").unwrap();
    let sink = Sink::default();
    let layer = JsonLayer::builder().keys(keys).writer(sink.clone()).build();
    let stats = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let _span = tracing::info_span!("s", a = 1, b = 2).entered();
        tracing::info!("m");
    });
    assert_eq!(sink.line()["a"], 1);
    assert_eq!(stats.fields_shadowed(), 1);
}
