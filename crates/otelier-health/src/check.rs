use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// How a check or a whole service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It works.
    Pass,
    /// It does not work, or nothing is known yet.
    Fail,
}

impl Status {
    /// The word of `application/health+json`: `pass` or `fail`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
        }
    }

    pub(crate) fn of(passes: bool) -> Self {
        if passes { Self::Pass } else { Self::Fail }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is known of a check at one moment.
#[derive(Debug, Clone)]
pub struct CheckState {
    name: Arc<str>,
    last: Option<Run>,
}

impl CheckState {
    /// The name that it was registered with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the last run ended; [`Status::Fail`] before the first.
    pub fn status(&self) -> Status {
        Status::of(matches!(&self.last, Some(run) if run.result.is_ok()))
    }

    /// Why it fails, in one line of at most 256 bytes; none if it passes.
    pub fn output(&self) -> Option<&str> {
        match &self.last {
            None => Some("no result yet"),
            Some(run) => run.result.as_ref().err().map(|error| &**error),
        }
    }

    /// How long the last run took, if there was one.
    pub fn duration(&self) -> Option<Duration> {
        self.last.as_ref().and_then(|run| run.duration)
    }

    /// When the last result came, by the wall clock.
    pub fn time(&self) -> Option<SystemTime> {
        self.last.as_ref().map(|run| run.time)
    }
}

/// A name and its last result: written by the check's own runner, read by everyone else.
#[derive(Debug)]
pub(crate) struct Check {
    name: Arc<str>,
    last: Mutex<Option<Run>>,
    ended: AtomicBool,
}

#[derive(Debug, Clone)]
struct Run {
    result: Result<(), Arc<str>>,
    time: SystemTime,
    duration: Option<Duration>,
}

impl Run {
    fn failed(why: &str) -> Self {
        Self {
            result: Err(why.into()),
            time: SystemTime::now(),
            duration: None,
        }
    }
}

impl Check {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            last: Mutex::default(),
            ended: AtomicBool::new(false),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn passes(&self) -> bool {
        matches!(&*self.lock(), Some(run) if run.result.is_ok())
    }

    pub(crate) fn has_result(&self) -> bool {
        self.lock().is_some()
    }

    pub(crate) fn state(&self) -> CheckState {
        CheckState {
            name: Arc::clone(&self.name),
            last: self.lock().clone(),
        }
    }

    /// Fails from now on: a run that is still to end changes nothing.
    pub(crate) fn end(&self) {
        let mut last = self.lock();
        self.ended.store(true, Ordering::Relaxed);
        *last = Some(Run::failed("no longer checked"));
    }

    /// Keeps the result of a run; logs it if it is the first or differs from the one before.
    pub(crate) fn ran(&self, result: Result<(), String>, duration: Duration) {
        let result = result.map_err(Arc::from);
        let mut last = self.lock();
        // Looked at under the lock, so that no run gets past the end.
        if self.ended.load(Ordering::Relaxed) {
            return;
        }
        let before = last.replace(Run {
            result: result.clone(),
            time: SystemTime::now(),
            duration: Some(duration),
        });
        drop(last);
        if before.is_none_or(|run| run.result.is_ok() != result.is_ok()) {
            self.log(&result);
        }
    }

    /// Fails without a run, and without a log line.
    pub(crate) fn fail(&self, why: &str) {
        *self.lock() = Some(Run::failed(why));
    }

    fn log(&self, result: &Result<(), Arc<str>>) {
        match result {
            Ok(()) => tracing::info!(
                target: "otelier::health",
                category = "health",
                check = self.name(),
                status = "pass",
                "a health check passes"
            ),
            Err(output) => tracing::warn!(
                target: "otelier::health",
                category = "health",
                check = self.name(),
                status = "fail",
                output = &**output,
                "a health check fails"
            ),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Run>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
