use std::sync::{Arc, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::report;
use super::segment::Segment;
use super::shared::{Activity, Shared, State};
use super::sink::Sink;
use crate::foreign::isolated;
use crate::output::Output;

/// How long lines may gather while more come: waking the thread for each would cost more than writing.
const LINGER: Duration = Duration::from_millis(2);

impl Shared {
    /// What the thread does until it is told to end.
    pub(super) fn run(&self) {
        let mut state = self.lock();
        loop {
            if let Some((segment, mut sink)) = state.take_work() {
                drop(state);
                let all_taken = segment.write_to(&mut sink, &self.stats);
                state = self.lock();
                state.sink = Some(sink);
                self.room.free(segment.cost());
                let lines = segment.lines();
                state.queue.reuse(segment);
                // Only after a write that succeeded: a report that fails makes no other one. And before
                // that write is settled: who waits for a flush finds the report queued.
                if all_taken
                    && self.room.is_ample()
                    && let Some(output) = self.report_due(&mut state)
                {
                    drop(state);
                    isolated(move || output.report_drops());
                    state = self.lock();
                }
                state.queue.settled += lines;
                self.notify_progress(&state);
            } else if state.closed && state.can_write() {
                // No stripe takes lines any more: what is in them now is the last.
                state = self.gathered(state);
                if state.queue.is_empty() {
                    self.set_activity(&mut state, Activity::Ended);
                    self.notify_progress(&state);
                    return;
                }
            } else {
                state = self.wait_for_work(state);
            }
        }
    }

    /// Queues a report that is due, where no further write would bring it.
    pub(super) fn report_last(&self) {
        let output = self.report_due(&mut self.lock());
        if let Some(output) = output {
            isolated(move || output.report_drops());
        }
    }

    /// Who shall report, if lines were dropped since the last time.
    fn report_due(&self, state: &mut State) -> Option<Arc<Output>> {
        let dropped = report::drops(&self.stats);
        if dropped == state.reported {
            return None;
        }
        let output = self.reporters().iter().find_map(Weak::upgrade)?;
        state.reported = dropped;
        Some(output)
    }

    fn wait_for_work<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if !state.can_write() || self.room.used() < self.room.filling() {
            self.set_activity(&mut state, Activity::Lingering);
            let result = self
                .work
                .wait_timeout_while(state, LINGER, |state| state.activity == Activity::Lingering);
            state = result.unwrap_or_else(PoisonError::into_inner).0;
        }
        state = self.gathered(state);
        if state.activity == Activity::Lingering && state.queue.is_empty() {
            self.set_activity(&mut state, Activity::Idle);
            state = self.gathered(state);
            let result = self.work.wait_while(state, |state| {
                state.activity == Activity::Idle && state.queue.is_empty()
            });
            state = self.gathered(result.unwrap_or_else(PoisonError::into_inner));
        }
        self.set_activity(&mut state, Activity::Busy);
        state
    }

    fn gathered<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        drop(state);
        self.gather();
        self.lock()
    }
}

impl State {
    fn can_write(&self) -> bool {
        self.urgent == 0 && self.sink.is_some()
    }

    fn take_work(&mut self) -> Option<(Segment, Sink)> {
        if !self.can_write() {
            return None;
        }
        let segment = self.queue.pop()?;
        self.sink.take().map(|sink| (segment, sink))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::io;
    use std::thread;
    use std::time::Instant;

    use tracing_core::Level;

    use super::*;
    use crate::writer::room::Room;

    const DEADLINE: Duration = Duration::from_secs(20);

    #[test]
    fn a_line_wakes_the_thread_that_sleeps() {
        let shared = Shared::new(Room::new(1_000, 0), Sink::new(io::sink()));
        let wait_until = |condition: &dyn Fn(&State) -> bool| {
            let start = Instant::now();
            while !condition(&shared.lock()) {
                assert!(start.elapsed() < DEADLINE, "it sleeps on");
                thread::yield_now();
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| shared.run());
            wait_until(&|state| state.activity == Activity::Idle);
            shared.push(Level::INFO, false, b"line\n").unwrap();
            wait_until(&|state| state.queue.settled == 1);
            assert!(shared.close(DEADLINE));
        });
    }

    #[test]
    fn the_thread_leaves_the_sink_to_a_last_line_before_the_lines_queued() {
        let shared = Shared::new(Room::new(1_000, 0), Sink::new(io::sink()));
        let sink = shared.lock().sink.take().unwrap();
        thread::scope(|scope| {
            let last = scope.spawn(|| shared.write_now(b"last\n", DEADLINE));
            let start = Instant::now();
            while shared.lock().urgent == 0 {
                assert!(start.elapsed() < DEADLINE, "it never asks for the sink");
                thread::yield_now();
            }
            shared.push(Level::INFO, false, b"queued\n").unwrap();
            shared.gather();
            let mut state = shared.lock();
            state.sink = Some(sink);
            assert!(state.take_work().is_none());
            shared.notify_progress(&state);
            drop(state);
            last.join().unwrap().unwrap();
        });
        assert!(shared.lock().take_work().is_some());
    }
}
