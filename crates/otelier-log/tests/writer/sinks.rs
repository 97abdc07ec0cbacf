use std::io::{self, ErrorKind, Write as _};

use otelier_log::{DropReason, JsonLayer, NonBlocking};
use tracing::{Dispatch, dispatcher, info};
use tracing_subscriber::prelude::*;

use crate::harness::*;

const COUNT: usize = 300;

#[test]
fn short_writes_interruptions_and_a_full_pipe_lose_nothing() {
    let pipe = Pipe::default();
    let mut inner = pipe.clone();
    let mut call = 0;
    let sink = FnSink(move |bytes: &[u8]| {
        call += 1;
        match call {
            3 => Err(ErrorKind::WouldBlock.into()),
            _ if call % 5 == 0 => Err(ErrorKind::Interrupted.into()),
            _ => inner.write(&bytes[..bytes.len().min(7)]),
        }
    });
    let (writer, guard) = NonBlocking::new(sink).unwrap();
    log_from_threads(&subscriber(&writer), COUNT);
    let stats = guard.flush(DEADLINE).unwrap();
    check(&pipe.lines(), &stats, COUNT);
    assert_eq!(dropped(&stats), 0);
}

#[test]
fn a_flush_that_would_block_or_is_interrupted_loses_nothing() {
    /// Arms the two errors anew with each line, and passes on what it holds only once they are over.
    struct Buffered {
        held: Vec<u8>,
        errors: Vec<ErrorKind>,
        pipe: Pipe,
    }
    impl io::Write for Buffered {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.errors = vec![ErrorKind::Interrupted, ErrorKind::WouldBlock];
            self.held.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            match self.errors.pop() {
                Some(kind) => Err(kind.into()),
                None => self.pipe.write_all(&std::mem::take(&mut self.held)),
            }
        }
    }
    let pipe = Pipe::default();
    let (writer, guard) = NonBlocking::new(Buffered {
        held: Vec::new(),
        errors: Vec::new(),
        pipe: pipe.clone(),
    })
    .unwrap();
    dispatcher::with_default(&subscriber(&writer), || info!("0 0"));
    let stats = guard.flush(DEADLINE).unwrap();
    assert_eq!(pipe.lines(), [" INFO 0 0"]);
    assert_eq!((stats.lines_written(), dropped(&stats)), (1, 0));
}

#[test]
fn a_sink_that_fails_now_and_then_loses_only_what_it_was_given() {
    let pipe = Pipe::default();
    let mut inner = pipe.clone();
    let mut call = 0;
    let sink = FnSink(move |bytes: &[u8]| {
        call += 1;
        match call % 3 {
            0 => Err(ErrorKind::StorageFull.into()),
            1 => inner.write(bytes),
            _ => panic!("a sink may"),
        }
    });
    let (writer, guard) = NonBlocking::new(sink).unwrap();
    let subscriber = subscriber(&writer);
    // A first write that succeeds, one that panics and one that fails, whatever the rest is written in.
    for _ in 0..3 {
        dispatcher::with_default(&subscriber, || info!("0 0"));
        guard.flush(DEADLINE).unwrap();
    }
    let stats = writer.stats();
    assert_eq!(stats.lines_written(), 1);
    assert_eq!(dropped_for(&stats, DropReason::WriterPanicked), 1);
    assert_eq!(dropped_for(&stats, DropReason::WriteFailed), 1);

    log_from_threads(&subscriber, COUNT);
    guard.flush(DEADLINE).unwrap();
    let lines = pipe.lines();
    assert_eq!(stats.lines_written(), lines.len() as u64);
    for level in LEVELS {
        let written = lines
            .iter()
            .filter(|line| line.contains(level.as_str()))
            .count() as u64;
        let emitted = THREADS * COUNT + if level == tracing::Level::INFO { 3 } else { 0 };
        assert_eq!(written + dropped_at(&stats, level), emitted as u64);
    }
}

#[test]
fn a_broken_pipe_is_counted_line_by_line_and_never_ends_the_writer() {
    let sink = FnSink(|_: &[u8]| Err(ErrorKind::BrokenPipe.into()));
    let (writer, guard) = NonBlocking::new(sink).unwrap();
    log_from_threads(&subscriber(&writer), COUNT);
    let stats = guard.flush(DEADLINE).unwrap();
    check(&[], &stats, COUNT);
    assert_eq!(
        dropped_for(&stats, DropReason::WriteFailed),
        dropped(&stats)
    );
}

#[test]
fn a_torn_line_does_not_take_the_next_one_with_it() {
    let pipe = Pipe::default();
    let mut inner = pipe.clone();
    let mut call = 0;
    let sink = FnSink(move |bytes: &[u8]| {
        call += 1;
        match call {
            1 => inner.write(&bytes[..8]),
            2 => Err(ErrorKind::StorageFull.into()),
            _ => inner.write(bytes),
        }
    });
    let (writer, guard) = NonBlocking::new(sink).unwrap();
    let mut line = NonBlocking::clone(&writer);
    let write = |line: &mut NonBlocking, text: &str| {
        use tracing_subscriber::fmt::MakeWriter as _;
        line.make_writer().write_all(text.as_bytes()).unwrap();
        guard.flush(DEADLINE).unwrap();
    };
    write(&mut line, "a first line\n");
    write(&mut line, "a second line\n");
    assert_eq!(pipe.lines(), ["a first ", "a second line"]);
    assert_eq!(
        (writer.stats().lines_written(), dropped(&writer.stats())),
        (1, 1)
    );
}

#[test]
fn lines_that_a_failing_flush_may_have_lost_are_not_called_written() {
    struct Buffered;
    impl io::Write for Buffered {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(ErrorKind::StorageFull.into())
        }
    }
    let (writer, guard) = NonBlocking::new(Buffered).unwrap();
    log_from_threads(&subscriber(&writer), COUNT);
    check(&[], &guard.flush(DEADLINE).unwrap(), COUNT);
}

#[test]
fn a_sink_that_lies_about_its_writes_breaks_nothing() {
    for claim in [0, usize::MAX] {
        let (writer, guard) = NonBlocking::new(FnSink(move |_: &[u8]| Ok(claim))).unwrap();
        dispatcher::with_default(&subscriber(&writer), || info!("m"));
        let stats = guard.flush(DEADLINE).unwrap();
        assert_eq!(stats.lines_written() + dropped(&stats), 1);
        assert_eq!(dropped(&stats), u64::from(claim == 0));
    }
}

#[test]
fn a_sink_that_logs_does_not_feed_itself() {
    let pipe = Pipe::default();
    let mut inner = pipe.clone();
    let (to_sink, subscribers) = std::sync::mpsc::channel::<Dispatch>();
    let mut subscriber = None;
    let sink = FnSink(move |bytes: &[u8]| {
        let subscriber = subscriber.get_or_insert_with(|| subscribers.recv().unwrap());
        dispatcher::with_default(subscriber, || info!("writing"));
        inner.write(bytes)
    });
    let (writer, guard) = NonBlocking::new(sink).unwrap();
    let layer = JsonLayer::builder().writer(writer).build();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    to_sink.send(dispatch.clone()).unwrap();
    dispatcher::with_default(&dispatch, || info!("m"));
    for _ in 0..3 {
        guard.flush(DEADLINE).unwrap();
    }
    let stats = guard.flush(DEADLINE).unwrap();
    assert_eq!(stats.lines_written(), 1);
    assert_eq!(pipe.lines().len(), 1);
    assert_eq!(dropped_for(&stats, DropReason::Recursion), 1);
}

#[test]
fn a_report_that_fails_is_not_followed_by_another_one_about_itself() {
    let pipe = Pipe::default();
    let mut inner = pipe.clone();
    let sink = FnSink(move |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).unwrap();
        if text.contains("good") {
            inner.write(bytes)
        } else {
            Err(ErrorKind::StorageFull.into())
        }
    });
    let (writer, guard) = NonBlocking::new(sink).unwrap();
    let layer = JsonLayer::builder().writer(writer).build();
    let stats = layer.stats();
    let _subscriber = tracing_subscriber::registry().with(layer).set_default();
    for message in ["bad", "good", "good"] {
        info!("{message}");
        // What was logged, then the report about it.
        guard.flush(DEADLINE).unwrap();
        guard.flush(DEADLINE).unwrap();
    }
    assert_eq!(stats.lines_written(), 2);
    // The bad line and a report after each good one.
    assert_eq!(dropped_for(&stats, DropReason::WriteFailed), 3);
}
