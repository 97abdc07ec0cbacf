//! The event of two threads at once, through a queue to a thread that writes.

use std::hint;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use otelier_log::{JsonLayer, NonBlocking};
use tracing::Dispatch;
use tracing_appender::non_blocking::NonBlockingBuilder;
use tracing_subscriber::prelude::*;

use super::peers::Places;
use super::{emit, otelier, peers};
use crate::bench::{Batch, Case, Result, Subject};
use crate::line::{self, NullWriter};

pub(super) const CASE: Case = Case {
    name: "contended-2-threads",
    ops: 5_000,
    subjects: || {
        Ok(vec![
            Box::new(through_otelier("otelier", 2)?),
            Box::new(through_otelier("otelier-1-thread", 1)?),
            Box::new(through_appender("tracing-appender")),
        ])
    },
};

/// Lines that the other thread logs for each of the measured one's, at most: with them, a batch fits
/// into any subject's queue even if nothing of it is written meanwhile.
const OTHER_AT_MOST: u64 = 2;

/// Longer than any sink takes: reaching it is a failure.
const DEADLINE: Duration = Duration::from_secs(10);

fn through_otelier(name: &'static str, threads: usize) -> Result<Contended> {
    let (writer, guard) = NonBlocking::new(NullWriter)?;
    let stats = writer.stats();
    let request = otelier::request()?;
    let checked = Arc::clone(&request);
    Ok(Contended {
        name,
        threads,
        written: Box::new(move || stats.lines_written()),
        subscriber: Box::new(move || {
            let _alive = &guard;
            let layer = JsonLayer::builder().writer(writer.clone()).build();
            tracing_subscriber::registry().with(layer).into()
        }),
        in_spans: Box::new(move |subscriber, work| otelier::in_spans(subscriber, &request, work)),
        check: Box::new(move |written| otelier::check_line(written, &checked)),
        line_len: None,
    })
}

fn through_appender(name: &'static str) -> Contended {
    let writes = Arc::new(AtomicU64::new(0));
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(false)
        .finish(CountedWrites(Arc::clone(&writes)));
    Contended {
        name,
        threads: 2,
        written: Box::new(move || writes.load(Ordering::Acquire)),
        subscriber: Box::new(move || {
            let _alive = &guard;
            let layer = tracing_subscriber::fmt::layer()
                .json()
                .with_writer(writer.clone());
            tracing_subscriber::registry().with(layer).into()
        }),
        in_spans: Box::new(|subscriber, work| peers::in_spans(subscriber, work)),
        check: Box::new(|written| Places::NESTED.check(written)),
        line_len: None,
    }
}

struct Contended {
    name: &'static str,
    threads: usize,
    /// Lines in the sink's hands so far.
    written: Box<dyn Fn() -> u64>,
    subscriber: Box<dyn Fn() -> Dispatch>,
    in_spans: Box<InSpans>,
    check: Box<Check>,
    line_len: Option<usize>,
}

type Check = dyn Fn(&[u8]) -> Result;
type InSpans = dyn Fn(&Dispatch, &mut dyn FnMut()) + Sync;

impl Subject for Contended {
    fn name(&self) -> &'static str {
        self.name
    }

    fn check(&mut self) -> Result {
        let written = line::capture(|| self.run(&mut Batch::single(), 1))?;
        self.line_len = Some(written.len());
        (self.check)(&written)
    }

    fn batch(&mut self, batch: &mut Batch) -> Result {
        self.run(batch, self.threads)
    }

    fn bytes(&self) -> Option<usize> {
        self.line_len
    }
}

impl Contended {
    /// Returns once all is written, so that the next batch finds the queue empty.
    fn run(&self, batch: &mut Batch, threads: usize) -> Result {
        let subscriber = (self.subscriber)();
        let before = (self.written)();
        let emitted = match threads {
            1 => {
                (self.in_spans)(&subscriber, &mut || batch.measure_whole(emit));
                batch.calls()
            }
            _ => measure_beside(batch, &*self.in_spans, &subscriber),
        };
        self.wait_for(before + emitted)
    }

    fn wait_for(&self, lines: u64) -> Result {
        let start = Instant::now();
        while (self.written)() < lines && start.elapsed() < DEADLINE {
            thread::yield_now();
        }
        match (self.written)() {
            written if written == lines => Ok(()),
            written => Err(format!("{written} lines were written, {lines} logged").into()),
        }
    }
}

/// Measures while another thread does the same; how many lines both logged.
///
/// The times count only if the other thread logged half as much at least and was never done before: the
/// scheduler may have both take turns on one core.
fn measure_beside(batch: &mut Batch, in_spans: &InSpans, subscriber: &Dispatch) -> u64 {
    let waiting = AtomicU64::new(2);
    let end = AtomicBool::new(false);
    let calls = batch.calls();
    let other = thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut lines = 0;
            in_spans(subscriber, &mut || {
                meet(&waiting);
                while lines < calls * OTHER_AT_MOST && !end.load(Ordering::Relaxed) {
                    emit();
                    lines += 1;
                }
            });
            lines
        });
        in_spans(subscriber, &mut || {
            meet(&waiting);
            batch.measure_whole(emit);
            end.store(true, Ordering::Relaxed);
        });
        other.join().unwrap_or_default()
    });
    if !(calls / 2..calls * OTHER_AT_MOST).contains(&other) {
        batch.disturbed();
    }
    calls + other
}

/// A barrier that spins: one that sleeps wakes its threads on one core, where they take turns.
fn meet(waiting: &AtomicU64) {
    waiting.fetch_sub(1, Ordering::Relaxed);
    while waiting.load(Ordering::Relaxed) > 0 {
        hint::spin_loop();
    }
}

/// The null writer behind tracing-appender, which gives it one line at a time and counts none.
struct CountedWrites(Arc<AtomicU64>);

impl Write for CountedWrites {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = NullWriter.write(bytes)?;
        self.0.fetch_add(1, Ordering::Release);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
