use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{self, Instant};

use crate::check::Check;
use crate::text::bounded;

/// A run that takes longer has failed. kubelet gives a probe a second.
pub const TIMEOUT: Duration = Duration::from_millis(900);

/// A shorter interval is raised to this.
pub const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// A longer interval is lowered to this.
pub const MAX_INTERVAL: Duration = Duration::from_secs(86_400);

/// Runs `probe` at once and then once an interval, for as long as this future lives.
///
/// Each run is a task of its own: so its panic ends nothing else, and one that blocks its thread is
/// still seen to be late. The next run waits until the one before is gone.
pub(crate) async fn run<F, Fut, E>(check: Arc<Check>, interval: Duration, probe: F)
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send + 'static,
    E: Display,
{
    let interval = interval.clamp(MIN_INTERVAL, MAX_INTERVAL);
    let probe = Arc::new(probe);
    let stopped = FailWhenStopped(check);
    let mut runs = JoinSet::new();
    loop {
        let started = Instant::now();
        let probe = Arc::clone(&probe);
        runs.spawn(async move { probe().await.map_err(bounded) });
        let result = match time::timeout(TIMEOUT, runs.join_next()).await {
            // One that blocked its thread is done when the timeout is looked at, but late all the same.
            Ok(Some(Ok(Ok(())))) if started.elapsed() > TIMEOUT => Err(late()),
            Ok(Some(Ok(result))) => result,
            Ok(Some(Err(error))) => Err(why(error)),
            Ok(None) | Err(_) => Err(late()),
        };
        stopped.0.ran(result, started.elapsed());
        runs.shutdown().await;
        time::sleep_until(started + jittered(interval)).await;
    }
}

/// A check that nobody runs any more must not go on passing.
struct FailWhenStopped(Arc<Check>);

impl Drop for FailWhenStopped {
    fn drop(&mut self) {
        self.0.fail("no longer checked");
    }
}

fn late() -> String {
    format!("no answer within {} ms", TIMEOUT.as_millis())
}

fn why(error: JoinError) -> String {
    let Ok(payload) = error.try_into_panic() else {
        return "cancelled".to_owned();
    };
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    message.map_or_else(
        || "panicked".to_owned(),
        |message| bounded(format_args!("panicked: {message}")),
    )
}

/// A tenth more or less, so that the checks of many instances do not hit one database together.
fn jittered(interval: Duration) -> Duration {
    interval.mul_f64(rand::random_range(0.9..1.1))
}
