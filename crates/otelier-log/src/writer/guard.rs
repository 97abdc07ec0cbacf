use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::stats::Stats;

/// Ends the thread of a [`NonBlocking`](super::NonBlocking) writer when it is dropped: hold it until
/// the process ends.
///
/// The drop waits for the lines queued, at most as long as
/// [`shutdown_timeout`](super::NonBlockingBuilder::shutdown_timeout) says, also while a panic unwinds.
/// If the sink takes longer, the thread goes on with it on its own. Lines logged after the drop are
/// dropped and counted as [`DropReason::Closed`](crate::DropReason::Closed): written by the thread that
/// logs, they could block it.
#[must_use = "dropping it ends the writer"]
pub struct Guard {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    timeout: Duration,
}

impl Guard {
    /// Waits until the sink was given all lines logged before.
    ///
    /// # Errors
    ///
    /// That `timeout` was over before; the lines stay queued.
    pub fn flush(&self, timeout: Duration) -> Result<Stats, FlushError> {
        match self.shared.flush(timeout) {
            Ok(()) => Ok(self.shared.stats.clone()),
            Err(pending) => Err(FlushError { pending }),
        }
    }

    pub(super) fn start(shared: Arc<Shared>, timeout: Duration) -> io::Result<Self> {
        let writer = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("otelier-log".to_owned())
            .spawn(move || writer.run())?;
        Ok(Self {
            shared,
            thread: Some(thread),
            timeout,
        })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let start = Instant::now();
        // While it is still open, so that a report of lines dropped comes through.
        if self.shared.flush(self.timeout).is_ok() {
            self.shared.report_last();
        }
        let left = self.timeout.saturating_sub(start.elapsed());
        if self.shared.close(left)
            && let Some(thread) = self.thread.take()
        {
            // It has nothing left to do that could panic.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("stats", &self.shared.stats)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The sink did not take the lines in time.
#[derive(Debug, Clone)]
pub struct FlushError {
    pending: u64,
}

impl FlushError {
    /// How many lines the sink had not taken yet.
    pub fn pending_lines(&self) -> u64 {
        self.pending
    }
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the log's sink left {} lines queued within the timeout; is it blocked?",
            self.pending
        )
    }
}

impl Error for FlushError {}
