use std::io;
use std::process::{ExitCode, Termination};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::flush::{self, Flush};
use crate::{Error, Telemetry, log_writer};

/// How long the end of `main` waits for log lines that came after the stop.
const LATE_LINES: Duration = Duration::from_secs(1);

/// A part of an orderly stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Requests in flight are answered.
    Drain,
    /// Telemetry is exported, and the log is written.
    Flush,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Flush => "flush",
        }
    }
}

/// How a service stopped. As the result of `main` it is the process's exit code: 0 in time, 10 if the
/// drain overran, 12 if the flush did (the first one counts), 128 + signal if a second signal forced it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "return it from `main`, for the exit code"]
pub struct Stopped {
    overran: Option<Phase>,
    forced_by: Option<u8>,
    log_lines_left: u64,
}

impl Stopped {
    /// The first phase that took longer than its share of the budget or failed, if one did.
    pub fn overran(&self) -> Option<Phase> {
        self.overran
    }

    /// How many log lines stdout did not take during the stop. Where nobody reads it they are lost
    /// unless it takes them while the process lives on; where it fails, as its reader is gone or its disk
    /// is full, they are lost.
    pub fn log_lines_left(&self) -> u64 {
        self.log_lines_left
    }

    /// The exit code of this stop.
    pub fn code(&self) -> u8 {
        match (self.forced_by, self.overran) {
            (Some(signal), _) => 128 + signal,
            (None, Some(Phase::Drain)) => 10,
            (None, Some(Phase::Flush)) => 12,
            (None, None) => 0,
        }
    }
}

impl Termination for Stopped {
    /// Waits for log lines that came after the stop too, for a second at most.
    fn report(self) -> ExitCode {
        // Where lines were left, stdout is not read or fails.
        if self.log_lines_left == 0 {
            let _ = log_writer::flush(LATE_LINES);
        }
        self.code().into()
    }
}

/// Not ready, then no new connections and the answers in flight, then the flush. A second signal ends
/// it at once.
pub(super) async fn in_order(
    telemetry: Telemetry,
    budget: Duration,
    wait_for_load_balancer: bool,
    close: oneshot::Sender<()>,
    drained: oneshot::Receiver<io::Result<()>>,
    signals: &mut Signals,
) -> Stopped {
    let mut overran = None;
    let failed_before = log_writer::failed();
    let health = telemetry.health.clone();
    let shares = Shares::of(budget);
    let shut_down = move || {
        let result = telemetry.shutdown(shares.flush);
        result.map_err(|error| format!("{error:?}"))
    };
    let flush = Flush::prepare(flush::thread(), shut_down, shares.flush + shares.grace);
    let orderly = async {
        health.draining("the service is stopping");
        if wait_for_load_balancer {
            tokio::time::sleep(shares.load_balancer).await;
        }
        drop(close);
        let drained = tokio::time::timeout(shares.drain, drained);
        if !matches!(phase(Phase::Drain, drained).await, Ok(Ok(Ok(())))) {
            overran = Some(Phase::Drain);
        }
        if let Err(error) = phase(Phase::Flush, flush.run()).await {
            tracing::error!(target: "otelier::serve", error, "telemetry was not flushed");
            overran = overran.or(Some(Phase::Flush));
        }
    };
    let forced_by = tokio::select! {
        () = orderly => None,
        signal = signals.force() => Some(signal),
    };
    tracing::info!(target: "otelier::serve", overran = overran.map(Phase::name), forced_by, "stopped");
    let log_lines_left =
        flush::write_last_lines(shares.last_lines).await + log_writer::failed_since(failed_before);
    if log_lines_left > 0 {
        overran = overran.or(Some(Phase::Flush));
    }
    Stopped {
        overran,
        forced_by,
        log_lines_left,
    }
}

/// The parts of a stop's budget.
#[derive(Debug)]
struct Shares {
    load_balancer: Duration,
    drain: Duration,
    flush: Duration,
    /// What the flush gets on top, for a machine that is busy: it keeps its deadline itself.
    grace: Duration,
    last_lines: Duration,
}

impl Shares {
    fn of(budget: Duration) -> Self {
        Self {
            load_balancer: budget / 6,
            drain: budget / 10 * 6,
            flush: budget / 6,
            grace: budget / 30,
            last_lines: budget / 30,
        }
    }
}

async fn phase<T>(phase: Phase, work: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let result = work.await;
    let duration_ms = start.elapsed().as_secs_f64() * 1e3;
    tracing::info!(target: "otelier::serve", phase = phase.name(), duration_ms, "stopping");
    result
}

/// The signals that stop a service: SIGTERM from an orchestrator, SIGINT from a terminal.
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    pub(super) fn listen() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).map_err(Error::signals);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for the first signal; whether a load balancer is to be waited for.
    #[cfg(unix)]
    pub(super) async fn stop(&mut self) -> bool {
        tokio::select! {
            _ = self.terminate.recv() => true,
            _ = self.interrupt.recv() => false,
        }
    }

    /// Waits for a further signal, and gives its number (POSIX fixes these two).
    #[cfg(unix)]
    pub(super) async fn force(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => 15,
            _ = self.interrupt.recv() => 2,
        }
    }

    #[cfg(not(unix))]
    pub(super) fn listen() -> Result<Self, Error> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    pub(super) async fn stop(&mut self) -> bool {
        let _ = tokio::signal::ctrl_c().await;
        false
    }

    #[cfg(not(unix))]
    pub(super) async fn force(&mut self) -> u8 {
        let _ = tokio::signal::ctrl_c().await;
        2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_no_more_than_the_budget() {
        for nanos in [0, 1, 59, 7_000_000_001, 30_000_000_000, u64::MAX] {
            let budget = Duration::from_nanos(nanos);
            let shares = Shares::of(budget);
            let Shares {
                load_balancer,
                drain,
                flush,
                grace,
                last_lines,
            } = shares;
            let sum = load_balancer + drain + flush + grace + last_lines;
            assert!(sum <= budget, "{budget:?}: {shares:?}");
            assert!(budget - sum < Duration::from_nanos(60), "{shares:?}");
        }
    }
}
