use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a test waits for what should take a second or two.
pub const DEADLINE: Duration = Duration::from_secs(30);

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Repeats `probe` until it finds something.
///
/// # Panics
/// If it has found nothing after `within`, naming `what`.
pub async fn until<T>(
    what: &str,
    within: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        sleep(POLL_INTERVAL).await;
    }
}
