//! The thread that writes the log lines of this process to stdout.

use std::io;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use otelier_log::{DropReason, FlushError, Guard, NonBlocking, Stats};

/// How long a drop waits for stdout.
const DROP_TIMEOUT: Duration = Duration::from_secs(5);

/// Never dropped, as the subscriber that logs through it never is: a line that comes late is written if
/// the process lives long enough.
static WRITER: OnceLock<(Guard, Stats)> = OnceLock::new();

/// The writer, and what ends its thread unless it is [kept](keep).
pub(crate) fn start() -> io::Result<(NonBlocking, Guard)> {
    NonBlocking::new(io::stdout())
}

/// For the writer of the global subscriber, of which there is one, or none where no lines are written.
pub(crate) fn keep(guard: Option<Guard>, stats: Stats) -> FlushOnDrop {
    if let Some(guard) = guard {
        // An error is a second guard, which ends with this.
        let _ = WRITER.set((guard, stats));
    }
    FlushOnDrop
}

/// Waits until stdout has taken all lines logged before.
pub(crate) fn flush(timeout: Duration) -> Result<(), FlushError> {
    let Some((writer, _)) = WRITER.get() else {
        return Ok(());
    };
    let start = Instant::now();
    writer.flush(timeout)?;
    // Again, for the line about lines that were dropped, which the first flush may have brought.
    writer.flush(timeout.saturating_sub(start.elapsed()))?;
    Ok(())
}

/// How many lines stdout failed to take so far, because its reader is gone or its disk is full.
pub(crate) fn failed() -> u64 {
    let Some((_, stats)) = WRITER.get() else {
        return 0;
    };
    let failed = stats.lines_dropped().filter(|(_, reason, _)| {
        matches!(reason, DropReason::WriteFailed | DropReason::WriterPanicked)
    });
    failed.map(|(.., count)| count).sum()
}

/// How many of them came after there were `before`.
pub(crate) fn failed_since(before: u64) -> u64 {
    failed().saturating_sub(before)
}

/// Waits for stdout where telemetry is dropped.
#[derive(Debug)]
pub(crate) struct FlushOnDrop;

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        // There is nobody left to tell: the lines stay queued.
        let _ = flush(DROP_TIMEOUT);
    }
}
