//! The thread that writes the log lines of this process to stdout.

use std::io;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use otelier_log::{FlushError, Guard, NonBlocking};

/// How long a drop waits for stdout.
const DROP_TIMEOUT: Duration = Duration::from_secs(5);

/// Never dropped, as the subscriber that logs through it never is: a line that comes late is written if
/// the process lives long enough.
static WRITER: OnceLock<Guard> = OnceLock::new();

/// The writer, and what ends its thread unless it is [kept](keep).
pub(crate) fn start() -> io::Result<(NonBlocking, Guard)> {
    NonBlocking::new(io::stdout())
}

/// For the writer of the global subscriber, of which there is one.
pub(crate) fn keep(guard: Guard) -> FlushOnDrop {
    // An error is a second guard, which ends with this.
    let _ = WRITER.set(guard);
    FlushOnDrop
}

/// Waits until stdout has taken all lines logged before.
pub(crate) fn flush(timeout: Duration) -> Result<(), FlushError> {
    let Some(writer) = WRITER.get() else {
        return Ok(());
    };
    let start = Instant::now();
    writer.flush(timeout)?;
    // Again, for the line about lines that were dropped, which the first flush may have brought.
    writer.flush(timeout.saturating_sub(start.elapsed()))?;
    Ok(())
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
