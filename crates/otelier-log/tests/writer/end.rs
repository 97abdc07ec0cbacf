use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use otelier_log::{DropReason, NonBlocking};
use tracing::{dispatcher, info};

use crate::harness::*;

#[test]
fn dropping_the_guard_writes_what_is_queued() {
    let pipe = Pipe::default();
    let (writer, guard) = NonBlocking::new(pipe.clone()).unwrap();
    log_from_threads(&subscriber(&writer), 500);
    drop(guard);
    check(&pipe.lines(), &writer.stats(), 500);
    assert_eq!(dropped(&writer.stats()), 0);
}

#[test]
fn a_panic_that_unwinds_past_the_guard_loses_no_line() {
    let pipe = Pipe::default();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let (writer, _guard) = NonBlocking::new(pipe.clone()).unwrap();
        log_from_threads(&subscriber(&writer), 100);
        panic!("in the application");
    }));
    assert!(panicked.is_err());
    assert_eq!(pipe.lines().len(), 100 * 5 * THREADS);
}

#[test]
fn a_line_after_the_guard_is_counted_as_closed() {
    let pipe = Pipe::default();
    let (writer, guard) = NonBlocking::new(pipe.clone()).unwrap();
    let subscriber = subscriber(&writer);
    dispatcher::with_default(&subscriber, || info!("before"));
    drop(guard);
    dispatcher::with_default(&subscriber, || info!("after"));
    assert_eq!(pipe.lines(), [" INFO before"]);
    assert_eq!(dropped_for(&writer.stats(), DropReason::Closed), 1);
}

#[test]
fn the_guard_waits_no_longer_than_it_may_and_the_thread_goes_on() {
    let pipe = Pipe::default();
    pipe.shut();
    let builder = NonBlocking::builder().shutdown_timeout(Duration::from_millis(20));
    let (writer, guard) = builder.build(pipe.clone()).unwrap();
    log_from_threads(&subscriber(&writer), 10);
    within_deadline(move || drop(guard));
    assert!(pipe.lines().is_empty());
    pipe.open();
    // It borrows the sink from the thread, which has written all lines before.
    writer.write_now(b" INFO 9 9\n", DEADLINE).unwrap();
    assert_eq!(pipe.lines().len(), 5 * THREADS * 10 + 1);
    assert_eq!(dropped(&writer.stats()), 0);
}

#[test]
fn the_last_line_comes_after_those_before_it() {
    let pipe = Pipe::default();
    let (writer, guard) = NonBlocking::new(pipe.clone()).unwrap();
    dispatcher::with_default(&subscriber(&writer), || info!("before"));
    writer.write_now(b"FATAL\n", DEADLINE).unwrap();
    drop(guard);
    writer.write_now(b"after the guard\n", DEADLINE).unwrap();
    assert_eq!(pipe.lines(), [" INFO before", "FATAL", "after the guard"]);
    assert_eq!(writer.stats().lines_written(), 3);
}

#[test]
fn the_last_line_gives_up_on_a_blocked_sink() {
    let pipe = Pipe::default();
    pipe.shut();
    let (writer, guard) = NonBlocking::new(pipe.clone()).unwrap();
    dispatcher::with_default(&subscriber(&writer), || info!("m"));
    pipe.wait_until_blocked();
    let error = writer
        .write_now(b"FATAL\n", Duration::from_millis(20))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(dropped_for(&writer.stats(), DropReason::WriteFailed), 1);
    pipe.open();
    drop(guard);
    assert_eq!(pipe.lines(), [" INFO m"]);
}

#[test]
fn the_last_line_on_a_panicking_sink_is_an_error() {
    let (writer, _guard) = NonBlocking::new(FnSink(|_: &[u8]| panic!("a sink may"))).unwrap();
    assert!(writer.write_now(b"FATAL\n", DEADLINE).is_err());
    assert_eq!(dropped_for(&writer.stats(), DropReason::WriterPanicked), 1);
}

#[test]
fn the_last_line_of_a_sink_itself_is_refused_at_once() {
    let (to_sink, writers) = mpsc::channel::<NonBlocking>();
    let (tell, told) = mpsc::channel();
    let sink = FnSink(move |bytes: &[u8]| {
        // A panic hook that a panicking sink sets off runs at the same place.
        let writer = writers.recv().unwrap();
        tell.send(writer.write_now(b"FATAL\n", 10 * DEADLINE).is_err())
            .unwrap();
        Ok(bytes.len())
    });
    let (writer, guard) = NonBlocking::new(sink).unwrap();
    to_sink.send(writer.clone()).unwrap();
    dispatcher::with_default(&subscriber(&writer), || info!("m"));
    assert_eq!(told.recv_timeout(DEADLINE), Ok(true));
    let stats = guard.flush(DEADLINE).unwrap();
    assert_eq!(stats.lines_written(), 1);
    assert_eq!(dropped_for(&stats, DropReason::Recursion), 1);
}

fn within_deadline(work: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel();
    thread::spawn(move || {
        work();
        done.send(())
    });
    finished.recv_timeout(DEADLINE).unwrap();
}
