use std::fmt::{self, Display};
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::check::{Check, CheckState};
use crate::error::{Kind, RegisterError};
use crate::probes::Probes;
use crate::runner;
use crate::text::{bounded, is_unsafe_in_line};

/// How many checks a registry takes.
pub const MAX_CHECKS: usize = 1_000;

/// The longest name of a check, in characters.
pub const MAX_NAME_LEN: usize = 64;

/// The check that stands for those that could not be registered.
const REFUSED: &str = "otelier:registration";

/// The checks of a service and what is known of them; a cheap handle, cloned freely.
///
/// The checks run until [`stop`](Self::stop) or until the last handle is gone. The service that
/// [`service`](Self::service) returns is a handle; a check that holds one keeps itself alive.
#[derive(Clone, Default)]
pub struct Health(pub(crate) Arc<Inner>);

#[derive(Default)]
pub(crate) struct Inner {
    checks: RwLock<Vec<Arc<Check>>>,
    draining: OnceLock<String>,
    runners: Mutex<Runners>,
}

impl Health {
    /// A registry without checks, which is ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check that the service must pass to be ready.
    ///
    /// It is run in the background: at once, then once an `interval` (between [`MIN_INTERVAL`] and
    /// [`MAX_INTERVAL`], a tenth more or less each time), one run at a time. An error, a panic or more
    /// than [`TIMEOUT`] is a failure; at the timeout the future is dropped. It should not block: a
    /// blocked thread is told as a failure, but is lost to the runtime until it returns.
    ///
    /// Outside a tokio runtime the check waits for [`start`](Self::start). The runtime needs its timer.
    ///
    /// A registration that [`try_ready`](Self::try_ready) refuses is logged as an error, and the check
    /// `otelier:registration` fails from then on: a service that lacks one of its checks is not ready.
    ///
    /// [`MIN_INTERVAL`]: crate::MIN_INTERVAL
    /// [`MAX_INTERVAL`]: crate::MAX_INTERVAL
    /// [`TIMEOUT`]: crate::TIMEOUT
    pub fn ready<F, Fut, E>(&self, name: &str, interval: Duration, check: F) -> &Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + 'static,
    {
        if let Err(error) = self.try_ready(name, interval, check) {
            self.0.refuse(&error);
        }
        self
    }

    /// Adds a check as [`ready`](Self::ready) does, for a name that is not known to be good, such as
    /// one from a configuration. What is refused leaves no trace here.
    ///
    /// # Errors
    ///
    /// If the name is not 1 to [`MAX_NAME_LEN`] characters without control characters
    /// (`component:measurement` is usual), if it is taken, or if there are [`MAX_CHECKS`] already.
    pub fn try_ready<F, Fut, E>(
        &self,
        name: &str,
        interval: Duration,
        check: F,
    ) -> Result<(), RegisterError>
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + 'static,
    {
        let state = self.0.add(name)?;
        self.0
            .runners()
            .waiting
            .push(Box::pin(runner::run(state, interval, check)));
        self.start();
        Ok(())
    }

    /// Starts the checks that were registered outside a tokio runtime, on the current one.
    ///
    /// Where there is none it does nothing, and the service is not ready.
    pub fn start(&self) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let waiting = mem::take(&mut self.0.runners().waiting);
        for runner in waiting {
            let task = runtime.spawn(runner).abort_handle();
            self.0.runners().running.push(task);
        }
    }

    /// Ends the checks' runs: they fail from now on.
    pub fn stop(&self) {
        let runners = mem::take(&mut *self.0.runners());
        drop(runners); // after the lock: it drops what the checks hold
        for check in self.0.checks().iter() {
            check.end();
        }
    }

    /// Makes the service not ready from now on, whatever its checks say. The first reason stays.
    pub fn draining(&self, reason: &str) {
        let reason = bounded(format_args!("draining: {reason}"));
        if self.0.draining.set(reason).is_ok() {
            tracing::info!(
                target: "otelier::health",
                category = "health",
                status = "fail",
                output = self.0.draining.get(),
                "not ready from now on"
            );
        }
    }

    /// Whether all checks pass and the service is not draining.
    pub fn is_ready(&self) -> bool {
        self.0.draining.get().is_none() && self.0.checks().iter().all(|check| check.passes())
    }

    /// Whether each check has had its first result, good or bad.
    pub fn is_started(&self) -> bool {
        self.0.checks().iter().all(|check| check.has_result())
    }

    /// What is known of each check now, in the order of registration.
    pub fn checks(&self) -> Vec<CheckState> {
        self.0.checks().iter().map(|check| check.state()).collect()
    }

    /// A tower service that answers probes from what is known, without running a check.
    pub fn service(&self) -> Probes {
        Probes::new(self.clone())
    }

    /// Why it is draining, if it is.
    pub(crate) fn draining_reason(&self) -> Option<&str> {
        self.0.draining.get().map(String::as_str)
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("checks", &self.0.checks().len())
            .field("draining", &self.0.draining.get())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn add(&self, name: &str) -> Result<Arc<Check>, RegisterError> {
        let len = name.chars().take(MAX_NAME_LEN + 1).count();
        if !(1..=MAX_NAME_LEN).contains(&len) || name.contains(is_unsafe_in_line) {
            return Err(RegisterError::new(name, Kind::InvalidName));
        }
        let mut checks = self.checks.write().unwrap_or_else(PoisonError::into_inner);
        if name == REFUSED || checks.iter().any(|check| check.name() == name) {
            return Err(RegisterError::new(name, Kind::Taken));
        }
        if checks.len() >= MAX_CHECKS {
            return Err(RegisterError::new(name, Kind::Full));
        }
        let check = Arc::new(Check::new(name));
        checks.push(Arc::clone(&check));
        Ok(check)
    }

    fn refuse(&self, error: &RegisterError) {
        tracing::error!(
            target: "otelier::health",
            category = "health",
            check = REFUSED,
            status = "fail",
            output = %error,
            "a health check is not registered"
        );
        let mut checks = self.checks.write().unwrap_or_else(PoisonError::into_inner);
        if checks.iter().all(|check| check.name() != REFUSED) {
            let refused = Check::new(REFUSED);
            refused.fail(&bounded(error));
            checks.push(Arc::new(refused));
        }
    }

    fn checks(&self) -> RwLockReadGuard<'_, Vec<Arc<Check>>> {
        self.checks.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn runners(&self) -> MutexGuard<'_, Runners> {
        self.runners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Runners {
    waiting: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>,
    running: Vec<AbortHandle>,
}

impl Drop for Runners {
    fn drop(&mut self) {
        for task in &self.running {
            task.abort();
        }
    }
}
