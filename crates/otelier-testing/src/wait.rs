use std::error::Error;
use std::fmt;
use std::future::pending;
use std::panic::Location;
use std::pin::Pin;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::Received;
use crate::list::excerpt;

/// Waits for something to arrive: `.await` it for the value, or [`try_wait`](Self::try_wait) for a
/// `Result`.
///
/// It looks at what is there and again at each arrival, for 5 seconds unless
/// [`within`](Self::within) says otherwise. It works on any runtime, also one whose clock is paused.
///
/// # Panics
///
/// Awaiting it panics if it does not arrive in time; the message shows what did, and names the line
/// that waits.
#[must_use = "nothing is waited for until it is awaited"]
pub struct Wait<'a, T> {
    received: watch::Receiver<Received>,
    runtime: &'a Handle,
    within: Duration,
    wanted: String,
    waiter: &'static Location<'static>,
    condition: Condition<'a, T>,
}

type Condition<'a, T> = Box<dyn FnMut(&Received) -> Option<T> + Send + 'a>;

impl<'a, T> Wait<'a, T> {
    #[track_caller]
    pub(crate) fn new(
        received: watch::Receiver<Received>,
        runtime: &'a Handle,
        wanted: impl Into<String>,
        condition: impl FnMut(&Received) -> Option<T> + Send + 'a,
    ) -> Self {
        Self {
            received,
            runtime,
            within: Duration::from_secs(5),
            wanted: wanted.into(),
            waiter: Location::caller(),
            condition: Box::new(condition),
        }
    }

    /// Waits for so long instead of 5 seconds.
    pub fn within(self, deadline: Duration) -> Self {
        Self {
            within: deadline,
            ..self
        }
    }

    /// Waits, and says by a `Result` whether it arrived.
    ///
    /// # Errors
    ///
    /// If it did not arrive in time.
    pub async fn try_wait(self) -> Result<T, Timeout> {
        let Self {
            received,
            runtime,
            within,
            wanted,
            waiter,
            mut condition,
        } = self;
        let mut changes = received.clone();
        let arrived = async move {
            loop {
                // A copy, so that the condition runs without holding up the receivers.
                let snapshot = changes.borrow_and_update().clone();
                if let Some(value) = condition(&snapshot) {
                    return value;
                }
                if changes.changed().await.is_err() {
                    pending::<()>().await;
                }
            }
        };
        let arrived = {
            // The collector's own clock, which runs where the caller's is paused or missing.
            let _clock = runtime.enter();
            timeout(within, arrived)
        };
        arrived.await.map_err(|_| Timeout {
            wanted,
            within,
            waiter,
            received: received.borrow().clone(),
        })
    }
}

impl<'a, T: 'a> IntoFuture for Wait<'a, T> {
    type Output = T;
    type IntoFuture = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            self.try_wait().await.unwrap_or_else(|timeout| {
                panic!("{timeout}\n{}", excerpt(timeout.received()));
            })
        })
    }
}

impl<T> fmt::Debug for Wait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("wanted", &self.wanted)
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}

/// What was waited for did not arrive in time.
#[derive(Debug)]
pub struct Timeout {
    wanted: String,
    within: Duration,
    waiter: &'static Location<'static>,
    received: Received,
}

impl Timeout {
    /// What had arrived by then.
    pub fn received(&self) -> &Received {
        &self.received
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            wanted,
            within,
            waiter,
            ..
        } = self;
        write!(
            f,
            "{wanted} did not arrive within {within:?}, awaited at {waiter}"
        )
    }
}

impl Error for Timeout {}
