use std::io::{ErrorKind, Write as _};
use std::time::Duration;

use otelier_log::{DropReason, JsonLayer, NonBlocking};
use serde_json::{Value, json};
use tracing::{Dispatch, Level, dispatcher, error, info, warn};
use tracing_subscriber::prelude::*;

use crate::harness::*;

const COUNT: usize = 500;

#[test]
fn a_sink_in_time_gets_every_line() {
    let pipe = Pipe::default();
    let (writer, guard) = NonBlocking::new(pipe.clone()).unwrap();
    log_from_threads(&subscriber(&writer), COUNT);
    let stats = guard.flush(DEADLINE).unwrap();
    check(&pipe.lines(), &stats, COUNT);
    assert_eq!(dropped(&stats), 0);
}

#[test]
fn what_a_slow_sink_cannot_take_is_dropped_and_counted() {
    let pipe = Pipe::default();
    pipe.shut();
    let builder = NonBlocking::builder()
        .queue_bytes(10_000)
        .reserve_bytes(2_000);
    let (writer, guard) = builder.build(pipe.clone()).unwrap();
    let subscriber = subscriber(&writer);
    log_from_threads(&subscriber, COUNT);
    assert!(dropped(&writer.stats()) > 0);
    pipe.open();
    // It is open, but has far less room than these need.
    log_from_threads(&subscriber, COUNT);
    let stats = guard.flush(DEADLINE).unwrap();
    // Both rounds count from 0.
    let lines = pipe.lines();
    for level in LEVELS {
        let written = lines
            .iter()
            .filter(|line| line.contains(level.as_str()))
            .count() as u64;
        assert_eq!(
            written + dropped_at(&stats, level),
            (2 * THREADS * COUNT) as u64
        );
    }
    assert_eq!(dropped_for(&stats, DropReason::QueueFull), dropped(&stats));
}

#[test]
fn a_blocked_sink_blocks_nobody() {
    let pipe = Pipe::default();
    pipe.shut();
    let (writer, guard) = NonBlocking::builder()
        .queue_bytes(20_000)
        .build(pipe.clone())
        .unwrap();
    log_from_threads(&subscriber(&writer), COUNT);
    pipe.wait_until_blocked();
    let error = guard.flush(Duration::from_millis(20)).unwrap_err();
    let stats = writer.stats();
    assert_eq!(stats.lines_written(), 0);
    assert_eq!(
        error.pending_lines() + dropped(&stats),
        (5 * THREADS * COUNT) as u64
    );
    assert!(
        error
            .to_string()
            .contains("lines queued within the timeout")
    );
    pipe.open();
    guard.flush(DEADLINE).unwrap();
    check(&pipe.lines(), &stats, COUNT);
}

#[test]
fn warn_and_error_keep_a_reserve() {
    let pipe = Pipe::default();
    pipe.shut();
    let builder = NonBlocking::builder()
        .queue_bytes(10_000)
        .reserve_bytes(5_000);
    let (writer, guard) = builder.build(pipe.clone()).unwrap();
    let stats = writer.stats();
    dispatcher::with_default(&subscriber(&writer), || {
        let until_dropped = |level, reached: &dyn Fn() -> bool| {
            (0..1_000)
                .take_while(|_| {
                    log(level, "0123456789");
                    !reached()
                })
                .count()
        };
        let common = until_dropped(Level::INFO, &|| dropped_at(&stats, Level::INFO) > 0);
        for level in [Level::TRACE, Level::DEBUG, Level::INFO] {
            log(level, "0123456789");
            assert!(dropped_at(&stats, level) > 0);
        }
        let reserve = until_dropped(Level::WARN, &|| dropped_at(&stats, Level::WARN) > 0);
        error!("0123456789");
        assert_eq!(dropped_at(&stats, Level::ERROR), 1);
        assert!(
            common > 50 && common.abs_diff(reserve) < 5,
            "{common} {reserve}"
        );
    });
    pipe.open();
    guard.flush(DEADLINE).unwrap();
    assert!(pipe.lines().iter().any(|line| line.contains("WARN")));
}

#[test]
fn a_line_that_no_queue_of_this_size_can_hold_is_dropped() {
    let pipe = Pipe::default();
    let (writer, guard) = NonBlocking::builder()
        .queue_bytes(1_000)
        .reserve_bytes(0)
        .build(pipe.clone())
        .unwrap();
    dispatcher::with_default(&subscriber(&writer), || {
        info!("{}", "x".repeat(1_000));
        info!("short");
    });
    let stats = guard.flush(DEADLINE).unwrap();
    assert_eq!(pipe.lines(), [" INFO short"]);
    assert_eq!(dropped_for(&stats, DropReason::QueueFull), 1);
}

#[test]
fn a_line_longer_than_what_is_written_at_once_is_written_whole() {
    let pipe = Pipe::default();
    let (writer, guard) = NonBlocking::new(pipe.clone()).unwrap();
    let long = "x".repeat(200_000);
    dispatcher::with_default(&subscriber(&writer), || {
        for _ in 0..3 {
            info!("short");
            info!("{long}");
        }
    });
    guard.flush(DEADLINE).unwrap();
    let lengths: Vec<_> = pipe.lines().iter().map(String::len).collect();
    assert_eq!(lengths, [11, 200_006, 11, 200_006, 11, 200_006]);
}

#[test]
fn drops_are_reported_in_the_stream_once_there_is_room() {
    let pipe = Pipe::default();
    pipe.shut();
    let builder = NonBlocking::builder()
        .queue_bytes(8_000)
        .reserve_bytes(2_000);
    let (writer, guard) = builder.build(pipe.clone()).unwrap();
    let layer = JsonLayer::builder()
        .writer(writer)
        .service("checkout")
        .build();
    let stats = layer.stats();
    let subscriber = Dispatch::new(tracing_subscriber::registry().with(layer));
    dispatcher::with_default(&subscriber, || {
        for _ in 0..100 {
            info!("m");
            warn!("m");
        }
        let (info, warn) = (
            dropped_at(&stats, Level::INFO),
            dropped_at(&stats, Level::WARN),
        );
        pipe.open();
        guard.flush(DEADLINE).unwrap();
        // The report was queued by then.
        guard.flush(DEADLINE).unwrap();
        let reports = reports(&pipe);
        let [report] = &reports[..] else {
            panic!("{reports:?}")
        };
        assert_eq!(
            report["message"],
            format!("{} log lines dropped so far", info + warn)
        );
        assert_eq!(
            (&report["level"], &report["category"]),
            (&json!("WARN"), &json!("telemetry"))
        );
        assert_eq!(
            (&report["dropped_info"], &report["dropped_warn"]),
            (&json!(info), &json!(warn))
        );
        assert_eq!(report["queue_full"], info + warn);
        assert_eq!(report["service"], "checkout");
        assert_eq!(report.get("dropped_error"), None);

        info!("m");
        guard.flush(DEADLINE).unwrap();
        assert_eq!(self::reports(&pipe).len(), 1, "reported once");
    });
    assert_eq!(stats.lines_written(), pipe.lines().len() as u64);
    assert_eq!(stats.lines_written() + dropped(&stats), 202);
}

#[test]
fn drops_are_not_reported_while_the_queue_is_fuller_than_half() {
    let pipe = Pipe::default();
    pipe.shut();
    let builder = NonBlocking::builder().queue_bytes(1 << 20);
    let (writer, guard) = builder.reserve_bytes(0).build(pipe.clone()).unwrap();
    let layer = JsonLayer::builder().writer(writer).build();
    let stats = layer.stats();
    let _subscriber = tracing_subscriber::registry().with(layer).set_default();
    let text = "x".repeat(8_000);
    let overflow = || (0..200).for_each(|_| info!("{text}"));
    overflow();
    for _ in 0..3 {
        pipe.wait_until_blocked();
        pipe.let_one_pass();
        pipe.wait_until_blocked();
        overflow();
    }
    let dropped = dropped(&stats);
    pipe.open();
    guard.flush(DEADLINE).unwrap();
    guard.flush(DEADLINE).unwrap();
    let reports = reports(&pipe);
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["dropped_info"], dropped);
}

#[test]
fn drops_are_reported_if_there_is_room_only_at_the_end() {
    let pipe = Pipe::default();
    pipe.shut();
    let builder = NonBlocking::builder().queue_bytes(1 << 20);
    let (writer, guard) = builder.build(pipe.clone()).unwrap();
    let layer = JsonLayer::builder().writer(writer).build();
    let stats = layer.stats();
    let _subscriber = tracing_subscriber::registry().with(layer).set_default();
    (0..10_000).for_each(|n| info!(n, "m"));
    pipe.open();
    drop(guard);
    assert_eq!(reports(&pipe).len(), 1);
    assert_eq!(stats.lines_written() + dropped(&stats), 10_001);
}

#[test]
fn what_is_written_makes_room_again() {
    let pipe = Pipe::default();
    let builder = NonBlocking::builder().queue_bytes(1_000);
    let (writer, guard) = builder.reserve_bytes(0).build(pipe.clone()).unwrap();
    dispatcher::with_default(&subscriber(&writer), || {
        for _ in 0..1_000 {
            info!("m");
            guard.flush(DEADLINE).unwrap();
        }
    });
    assert_eq!(pipe.lines().len(), 1_000);
}

#[test]
fn a_layer_over_a_writer_reports_after_the_first_one_is_gone() {
    let pipe = Pipe::default();
    let builder = NonBlocking::builder().queue_bytes(8_000);
    let (writer, guard) = builder.build(pipe.clone()).unwrap();
    let first = JsonLayer::builder().writer(writer.clone()).build();
    // As where a layer is reloaded: the new one is there before the old one is gone.
    let layer = JsonLayer::builder().writer(writer).build();
    drop(first);
    let _subscriber = tracing_subscriber::registry().with(layer).set_default();
    pipe.shut();
    for _ in 0..300 {
        info!("m");
    }
    pipe.open();
    guard.flush(DEADLINE).unwrap();
    guard.flush(DEADLINE).unwrap();
    assert_eq!(reports(&pipe).len(), 1);
}

#[test]
fn drops_while_no_layer_is_there_are_reported_by_the_next_one() {
    let pipe = Pipe::default();
    let builder = NonBlocking::builder().queue_bytes(8_000);
    let (writer, guard) = builder.build(pipe.clone()).unwrap();
    drop(JsonLayer::builder().writer(writer.clone()).build());
    pipe.shut();
    dispatcher::with_default(&subscriber(&writer), || {
        for _ in 0..1_000 {
            info!("m");
        }
    });
    pipe.open();
    guard.flush(DEADLINE).unwrap();
    let layer = JsonLayer::builder().writer(writer).build();
    let _subscriber = tracing_subscriber::registry().with(layer).set_default();
    info!("m");
    guard.flush(DEADLINE).unwrap();
    guard.flush(DEADLINE).unwrap();
    assert_eq!(reports(&pipe).len(), 1);
}

#[test]
fn a_failure_that_no_line_follows_is_reported_at_the_end() {
    let pipe = Pipe::default();
    let (mut inner, mut fails) = (pipe.clone(), true);
    let sink = FnSink(move |bytes: &[u8]| {
        if std::mem::take(&mut fails) {
            return Err(ErrorKind::StorageFull.into());
        }
        inner.write(bytes)
    });
    let (writer, guard) = NonBlocking::new(sink).unwrap();
    let layer = JsonLayer::builder().writer(writer).build();
    let _subscriber = tracing_subscriber::registry().with(layer).set_default();
    info!("m");
    guard.flush(DEADLINE).unwrap();
    assert!(pipe.lines().is_empty());
    drop(guard);
    assert_eq!(reports(&pipe).len(), 1);
}

fn reports(pipe: &Pipe) -> Vec<Value> {
    let lines = pipe.lines();
    let lines = lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["target"] == "otelier::log")
        .collect()
}

#[test]
fn security_and_audit_events_may_use_the_reserve_whatever_their_level() {
    let pipe = Pipe::default();
    pipe.shut();
    let (writer, guard) = NonBlocking::builder()
        .queue_bytes(20_000)
        .reserve_bytes(15_000)
        .build(pipe.clone())
        .unwrap();
    let layer = JsonLayer::builder().writer(writer).build();
    let json = Dispatch::new(tracing_subscriber::registry().with(layer));
    dispatcher::with_default(&json, || {
        for _ in 0..100 {
            info!("fills what all may use");
        }
        for _ in 0..5 {
            otelier_log::security!(Level::INFO, "login");
            otelier_log::audit!("user_deleted", otelier_log::Outcome::Success);
        }
    });
    pipe.open();
    let stats = guard.flush(DEADLINE).unwrap();
    assert!(dropped_at(&stats, Level::INFO) > 0);
    let lines = pipe.lines();
    for name in ["login", "user_deleted"] {
        let told = lines
            .iter()
            .filter(|line| line.contains(&format!("\"name\":\"{name}\"")));
        assert_eq!(told.count(), 5, "{name}");
    }
}
