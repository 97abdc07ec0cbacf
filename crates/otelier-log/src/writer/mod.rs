mod guard;
mod queue;
mod report;
mod room;
mod segment;
mod shared;
mod sink;
mod stripe;
mod thread;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tracing_core::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use crate::output::Output;
use crate::stats::{DropReason, Stats};
use room::Room;
use shared::Shared;
use sink::Sink;

pub use guard::{FlushError, Guard};

const QUEUE: usize = 8 << 20;
const SHUTDOWN: Duration = Duration::from_secs(5);

/// A writer whose lines are written by a thread of its own, so that a slow sink never slows down the
/// threads that log.
///
/// Each line is copied into a queue that is bounded in bytes. At the bound lines are dropped and
/// counted: TRACE, DEBUG and INFO first, as the last part of the queue is kept for WARN and ERROR, and
/// for the categories `security` and `audit`.
/// A clone writes to the same queue. The lines of one thread stay in order; those of several that log
/// within a few milliseconds may come one thread after the other.
///
/// Given to [`JsonLayerBuilder::writer`](crate::JsonLayerBuilder::writer), its counts are the layer's,
/// and a WARN line in the stream says what was dropped so far, once the queue is half empty again and the
/// sink has taken a line, or else when the [`Guard`] is dropped. It also serves any other layer that takes
/// a [`MakeWriter`], where each `write` is a line and what it drops is only in [`NonBlocking::stats`].
///
/// Lines still queued are lost if the process is killed, aborts or calls [`std::process::exit`] before
/// the [`Guard`] was dropped or flushed. A child made by `fork` has no thread that writes, and may find
/// the queue locked for ever: it must not log before `exec`.
#[derive(Clone)]
pub struct NonBlocking(Arc<Shared>);

impl NonBlocking {
    /// A writer with the default settings.
    ///
    /// # Errors
    ///
    /// The operating system's, if it cannot start a thread.
    pub fn new(sink: impl io::Write + Send + 'static) -> io::Result<(Self, Guard)> {
        Self::builder().build(sink)
    }

    /// Settings of a writer.
    pub fn builder() -> NonBlockingBuilder {
        NonBlockingBuilder {
            queue: QUEUE,
            reserve: None,
            shutdown: SHUTDOWN,
        }
    }

    /// What became of the lines. After a flush, all that were logged are written or dropped.
    pub fn stats(&self) -> Stats {
        self.0.stats.clone()
    }

    /// Writes the last line of a dying process on this thread, ahead of what is queued if that cannot
    /// be flushed within half of `timeout`. It is counted as a line of level ERROR, and works after
    /// the [`Guard`] is gone too.
    ///
    /// It waits at most `timeout` for the sink, but the write itself takes as long as the sink does.
    ///
    /// # Errors
    ///
    /// The sink's, or [`io::ErrorKind::TimedOut`] if the sink is busy with another line all the time.
    /// At once where a sink calls it, or the panic hook while a sink panics: it would wait for itself.
    pub fn write_now(&self, line: &[u8], timeout: Duration) -> io::Result<()> {
        if sink::is_writing() {
            self.0.stats.dropped(Level::ERROR, DropReason::Recursion);
            return Err(io::Error::other("a log sink cannot write a line itself"));
        }
        self.0.write_now(line, timeout)
    }

    /// Queues or drops a line, and counts it if it is dropped; whether it was queued. One that is vital
    /// may use the reserve.
    pub(crate) fn enqueue(&self, level: Level, is_vital: bool, line: &[u8]) -> bool {
        let queued = if sink::is_writing() {
            Err(DropReason::Recursion)
        } else {
            self.0.push(level, is_vital, line)
        };
        if let Err(reason) = queued {
            self.0.stats.dropped(level, reason);
        }
        queued.is_ok()
    }

    /// Has drops reported through this output, while those that came before it are gone.
    pub(crate) fn report_through(&self, output: &Arc<Output>) {
        let mut reporters = self.0.reporters();
        reporters.retain(|reporter| reporter.strong_count() > 0);
        reporters.push(Arc::downgrade(output));
    }
}

impl fmt::Debug for NonBlocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NonBlocking")
            .field("stats", &self.0.stats)
            .finish_non_exhaustive()
    }
}

/// Settings of a [`NonBlocking`] writer.
#[derive(Debug, Clone)]
#[must_use]
pub struct NonBlockingBuilder {
    queue: usize,
    reserve: Option<usize>,
    shutdown: Duration,
}

impl NonBlockingBuilder {
    /// How many bytes may be queued, with some 16 bytes for each line; 8 MiB by default. A longer line
    /// is dropped.
    ///
    /// The memory may be up to twice as much and some 2 MiB, for lines are kept in buffers of 64 KiB that
    /// may be half full, some of which are ready for the next lines.
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue = bytes;
        self
    }

    /// How many bytes of the queue only WARN, ERROR, `security` and `audit` may use; an eighth of it by default.
    pub fn reserve_bytes(mut self, bytes: usize) -> Self {
        self.reserve = Some(bytes);
        self
    }

    /// How long dropping the [`Guard`] may wait for the sink; 5 s by default.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown = timeout;
        self
    }

    /// Starts the thread that writes to `sink`.
    ///
    /// # Errors
    ///
    /// The operating system's, if it cannot start a thread.
    pub fn build(self, sink: impl io::Write + Send + 'static) -> io::Result<(NonBlocking, Guard)> {
        let reserve = self.reserve.unwrap_or(self.queue / 8);
        let room = Room::new(self.queue, reserve);
        let shared = Arc::new(Shared::new(room, Sink::new(sink)));
        let guard = Guard::start(Arc::clone(&shared), self.shutdown)?;
        Ok((NonBlocking(shared), guard))
    }
}

impl<'a> MakeWriter<'a> for NonBlocking {
    type Writer = LineWriter<'a>;

    /// Its lines count as INFO.
    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter(self, Level::INFO)
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> LineWriter<'a> {
        LineWriter(self, *metadata.level())
    }
}

/// Queues each write as one line. It never fails: what is dropped is counted by its [`NonBlocking`].
#[derive(Debug)]
pub struct LineWriter<'a>(&'a NonBlocking, Level);

impl io::Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.enqueue(self.1, self.1 <= Level::WARN, line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
