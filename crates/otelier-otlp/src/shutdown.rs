use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_sdk::error::OTelSdkResult;

use crate::Signal;
use crate::report::Reporter;

/// The last export of one signal, on a thread of its own.
pub(crate) struct Flush {
    signal: Signal,
    ended: Receiver<Result<(), Failure>>,
}

impl Flush {
    pub(crate) fn start(
        signal: Signal,
        reporter: Option<Arc<Reporter>>,
        end: Instant,
        shut_down: impl FnOnce() -> OTelSdkResult + Send + 'static,
    ) -> Self {
        let (sender, ended) = sync_channel(1);
        let run = move || {
            let mut result = flush(reporter.as_deref(), shut_down);
            if Instant::now() >= end {
                // What was cut off at the deadline shows as another failure right after it.
                result = result.map_err(|_| Failure::TimedOut);
            }
            sender.send(result)
        };
        // Where no thread starts the sender is gone, and that is what `wait` sees.
        let _ = thread::Builder::new()
            .name(format!("otelier-flush-{signal}"))
            .spawn(run);
        Self { signal, ended }
    }

    fn wait(&self, end: Instant) -> Result<(), Failure> {
        let left = end.saturating_duration_since(Instant::now());
        match self.ended.recv_timeout(left) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(Failure::TimedOut),
            Err(RecvTimeoutError::Disconnected) => Err(Failure::Other("it could not run".into())),
        }
    }
}

/// The SDK does not say that a last batch failed: the reporter knows.
fn flush(
    reporter: Option<&Reporter>,
    shut_down: impl FnOnce() -> OTelSdkResult,
) -> Result<(), Failure> {
    let lost = || reporter.map(Reporter::lost).unwrap_or_default();
    let before = lost().count;
    shut_down().map_err(|error| Failure::Other(error.to_string()))?;
    let lost = lost();
    match lost.count - before {
        0 => Ok(()),
        count => Err(Failure::Lost(count, lost.error_type)),
    }
}

/// Waits until every flush has ended, or until the deadline, which comes at `end`.
pub(crate) fn wait(
    flushes: impl IntoIterator<Item = Flush>,
    end: Instant,
    deadline: Duration,
) -> Result<(), ShutdownError> {
    let outcome = |flush: Flush| Some((flush.signal, flush.wait(end).err()?));
    let failures: Vec<_> = flushes.into_iter().filter_map(outcome).collect();
    if failures.is_empty() {
        return Ok(());
    }
    Err(ShutdownError(Kind::Failed { failures, deadline }))
}

/// What a shutdown could not bring to its end, signal by signal.
#[derive(Debug)]
pub struct ShutdownError(Kind);

#[derive(Debug)]
enum Kind {
    AlreadyShutDown,
    Failed {
        failures: Vec<(Signal, Failure)>,
        deadline: Duration,
    },
}

#[derive(Debug)]
enum Failure {
    TimedOut,
    Lost(u64, Cow<'static, str>),
    Other(String),
}

impl ShutdownError {
    pub(crate) fn already() -> Self {
        Self(Kind::AlreadyShutDown)
    }

    /// Whether the pipeline had been shut down before, or is being so.
    pub fn is_already_shut_down(&self) -> bool {
        matches!(self.0, Kind::AlreadyShutDown)
    }

    /// Whether the deadline came before a signal was through.
    pub fn is_timeout(&self) -> bool {
        let timed_out = |(_, failure): &(_, _)| matches!(failure, Failure::TimedOut);
        self.failures().iter().any(timed_out)
    }

    /// Whether some of this signal may be lost.
    pub fn is_of(&self, signal: Signal) -> bool {
        self.failures().iter().any(|(failed, _)| *failed == signal)
    }

    fn failures(&self) -> &[(Signal, Failure)] {
        match &self.0 {
            Kind::AlreadyShutDown => &[],
            Kind::Failed { failures, .. } => failures,
        }
    }
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kind::Failed { failures, deadline } = &self.0 else {
            return f.write_str("the pipeline is shut down already");
        };
        for (at, (signal, failure)) in failures.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{signal}: ")?;
            match failure {
                Failure::TimedOut => write!(f, "timed out after {} s", deadline.as_secs_f64())?,
                Failure::Lost(count, error_type) => write!(f, "{count} lost ({error_type})")?,
                Failure::Other(reason) => f.write_str(reason)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for ShutdownError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_tells_its_own_failure() {
        let error = ShutdownError(Kind::Failed {
            failures: vec![
                (Signal::Traces, Failure::TimedOut),
                (Signal::Logs, Failure::Lost(12, "unavailable".into())),
            ],
            deadline: Duration::from_secs(5),
        });
        assert_eq!(
            error.to_string(),
            "traces: timed out after 5 s, logs: 12 lost (unavailable)"
        );
        assert!(error.is_timeout() && error.is_of(Signal::Logs) && !error.is_already_shut_down());
    }
}
