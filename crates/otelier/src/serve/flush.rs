//! What blocks at a stop, on threads of its own: it must neither wait for a free thread of the runtime nor
//! hold the runtime's own end up.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::log_writer;

/// The flush of telemetry, which the work does. Where it is told to run no more, its thread drops the work,
/// and the telemetry with it.
pub(super) struct Flush<W> {
    begin: oneshot::Sender<()>,
    done: oneshot::Receiver<Result<(), String>>,
    timeout: Duration,
    /// What no thread could be started for.
    unstarted: Option<Arc<W>>,
}

impl<W> Flush<W>
where
    W: Fn() -> Result<(), String> + Send + Sync + 'static,
{
    pub(super) fn prepare(thread: thread::Builder, work: W, timeout: Duration) -> Self {
        let (begin, begun) = oneshot::channel();
        let (finished, done) = oneshot::channel();
        // A thread that does not start drops its share only: the telemetry is needed until the drain is
        // over.
        let work = Arc::new(work);
        let share = Arc::clone(&work);
        let started = thread.spawn(move || {
            if begun.blocking_recv().is_ok() {
                // An error is a stop that waits no longer.
                let _ = finished.send(share());
            }
        });
        Self {
            begin,
            done,
            timeout,
            unstarted: started.is_err().then_some(work),
        }
    }

    pub(super) async fn run(self) -> Result<(), String> {
        if let Some(work) = self.unstarted {
            return work();
        }
        // An error is a thread that panicked, which the wait for its result tells.
        let _ = self.begin.send(());
        match tokio::time::timeout(self.timeout, self.done).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err("the flush did not run".to_owned()),
            Err(_) => Err("the flush did not end by its deadline".to_owned()),
        }
    }
}

/// Waits for the log's last lines; how many stdout did not take.
pub(super) async fn write_last_lines(timeout: Duration) -> u64 {
    let write = move || match log_writer::flush(timeout) {
        Ok(()) => 0,
        Err(error) => error.pending_lines(),
    };
    let (finished, done) = oneshot::channel();
    // An error of `send` is a stop that waits no longer.
    match thread().spawn(move || finished.send(write())) {
        Ok(_) => done.await.unwrap_or(0),
        Err(_) => write(),
    }
}

pub(super) fn thread() -> thread::Builder {
    thread::Builder::new().name("otelier-flush".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts its owners, as the telemetry that the work owns.
    fn flush(thread: thread::Builder) -> (Flush<impl Fn() -> Result<(), String>>, Arc<()>) {
        let telemetry = Arc::new(());
        let owned = Arc::clone(&telemetry);
        let work = move || Err(format!("{} owners", Arc::strong_count(&owned)));
        let flush = Flush::prepare(thread, work, Duration::from_secs(20));
        (flush, telemetry)
    }

    #[tokio::test]
    async fn a_flush_runs_on_its_thread() {
        let (flush, _telemetry) = flush(thread());
        assert!(flush.unstarted.is_none());
        assert_eq!(flush.run().await, Err("2 owners".to_owned()));
    }

    #[tokio::test]
    async fn telemetry_outlives_a_thread_that_does_not_start_and_is_flushed_all_the_same() {
        // More than there is memory for.
        let (flush, telemetry) = flush(thread().stack_size(1 << 60));
        assert!(flush.unstarted.is_some());
        assert_eq!(Arc::strong_count(&telemetry), 2);
        assert_eq!(flush.run().await, Err("2 owners".to_owned()));
    }
}
