use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tracing_core::Level;

use super::queue::Queue;
use super::room::Room;
use super::segment::Segment;
use super::sink::Sink;
use super::stripe::Stripes;
use crate::output::Output;
use crate::stats::{DropReason, Stats};

/// What the threads that log, the one that writes and the guard have in common.
pub(super) struct Shared {
    /// Locked before `state`, never after.
    stripes: Stripes,
    pub(super) room: Room,
    /// A line wakes the thread if this much of the room is used.
    wake_at: AtomicUsize,
    state: Mutex<State>,
    /// The thread waits here for lines.
    pub(super) work: Condvar,
    /// Others wait here for lines to be written, for the sink, and for the thread's end.
    progress: Condvar,
    pub(super) stats: Stats,
    /// Who may report drops: the first that is still there does.
    reporters: Mutex<Vec<Weak<Output>>>,
}

/// Only moved about under its lock: nothing that blocks, no code of others.
pub(super) struct State {
    pub(super) queue: Queue,
    /// `None` while someone writes to it.
    pub(super) sink: Option<Sink>,
    pub(super) activity: Activity,
    /// All stripes are.
    pub(super) closed: bool,
    /// Calls of `write_now` that wait for the sink.
    pub(super) urgent: usize,
    /// Drops of which a report was made.
    pub(super) reported: u64,
    /// Threads that wait for progress.
    waiting: usize,
}

/// What the thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activity {
    Busy,
    /// Has just written; wakes by itself.
    Lingering,
    Idle,
    Ended,
}

impl Shared {
    pub(super) fn new(room: Room, sink: Sink) -> Self {
        Self {
            stripes: Stripes::default(),
            room,
            wake_at: AtomicUsize::new(usize::MAX),
            state: Mutex::new(State {
                queue: Queue::default(),
                sink: Some(sink),
                activity: Activity::Busy,
                closed: false,
                urgent: 0,
                reported: 0,
                waiting: 0,
            }),
            work: Condvar::new(),
            progress: Condvar::new(),
            stats: Stats::default(),
            reporters: Mutex::default(),
        }
    }

    pub(super) fn push(&self, level: Level, is_vital: bool, line: &[u8]) -> Result<(), DropReason> {
        let mut lines = self.stripes.mine();
        if lines.closed {
            return Err(DropReason::Closed);
        }
        let cost = Segment::cost_of(line);
        if !self.room.take(is_vital, cost, &mut lines.credit) {
            return Err(DropReason::QueueFull);
        }
        if lines.segment.is_full_for(cost) {
            self.lock().queue.take_over(&mut lines.segment);
        }
        lines.segment.push(level, line);
        drop(lines);
        // The thread sets this, then looks into the stripe under its lock: it finds the line, or this
        // finds what it has set. Where it begins to linger it does not look: a miss costs `LINGER` at most.
        if self.room.used() >= self.wake_at.load(Ordering::Relaxed) {
            self.wake(&mut self.lock());
        }
        Ok(())
    }

    /// Moves what is in the stripes into the queue.
    pub(super) fn gather(&self) {
        for mut lines in self.stripes.each() {
            if !lines.segment.is_empty() {
                self.lock().queue.take_over(&mut lines.segment);
            }
        }
    }

    /// Waits until all lines queued by now are settled, or else says how many are not.
    pub(super) fn flush(&self, timeout: Duration) -> Result<(), u64> {
        self.gather();
        let mut state = self.lock();
        let target = state.queue.pushed;
        self.wake(&mut state);
        let state = self.wait(state, timeout, |state| state.queue.settled < target);
        match target.saturating_sub(state.queue.settled) {
            0 => Ok(()),
            left => Err(left),
        }
    }

    /// Has the thread end once the queue is empty; whether it did in time.
    pub(super) fn close(&self, timeout: Duration) -> bool {
        self.stripes
            .each()
            .for_each(|mut lines| lines.closed = true);
        let mut state = self.lock();
        state.closed = true;
        self.wake(&mut state);
        let state = self.wait(state, timeout, |state| state.activity != Activity::Ended);
        state.activity == Activity::Ended
    }

    pub(super) fn write_now(&self, line: &[u8], timeout: Duration) -> io::Result<()> {
        // If it fails, the line is written all the same.
        let _ = self.flush(timeout / 2);
        let (result, reason) = match self.borrow_sink(timeout / 2) {
            None => (Err(io::ErrorKind::TimedOut.into()), DropReason::WriteFailed),
            Some(mut sink) => {
                let (_, result) = sink.write(line);
                self.return_sink(sink);
                match result {
                    Some(result) => (result, DropReason::WriteFailed),
                    None => {
                        let error = io::Error::other("the log's sink panicked");
                        (Err(error), DropReason::WriterPanicked)
                    }
                }
            }
        };
        match result {
            Ok(()) => self.stats.written(),
            Err(_) => self.stats.dropped(Level::ERROR, reason),
        }
        result
    }

    fn borrow_sink(&self, timeout: Duration) -> Option<Sink> {
        let mut state = self.lock();
        state.urgent += 1;
        let mut state = self.wait(state, timeout, |state| state.sink.is_none());
        state.urgent -= 1;
        state.sink.take()
    }

    fn return_sink(&self, sink: Sink) {
        let mut state = self.lock();
        state.sink = Some(sink);
        self.wake(&mut state);
        self.notify_progress(&state);
    }

    fn wake(&self, state: &mut State) {
        if matches!(state.activity, Activity::Idle | Activity::Lingering) {
            self.set_activity(state, Activity::Busy);
            self.work.notify_one();
        }
    }

    pub(super) fn set_activity(&self, state: &mut State, activity: Activity) {
        state.activity = activity;
        let wake_at = match activity {
            Activity::Idle => 0,
            Activity::Lingering => self.room.filling(),
            Activity::Busy | Activity::Ended => usize::MAX,
        };
        self.wake_at.store(wake_at, Ordering::Relaxed);
    }

    /// Spares the system call if nobody waits.
    pub(super) fn notify_progress(&self, state: &State) {
        if state.waiting > 0 {
            self.progress.notify_all();
        }
    }

    fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        timeout: Duration,
        condition: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        state.waiting += 1;
        let result = self
            .progress
            .wait_timeout_while(state, timeout, |state| condition(state));
        let mut state = result.unwrap_or_else(PoisonError::into_inner).0;
        state.waiting -= 1;
        state
    }

    pub(super) fn reporters(&self) -> MutexGuard<'_, Vec<Weak<Output>>> {
        let reporters = self.reporters.lock();
        reporters.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
