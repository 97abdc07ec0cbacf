//! Serving an app and its ops listener, and stopping both in order.

mod bound;
mod flush;
mod stop;

use std::fmt;
use std::time::Duration;

use ::axum::Router;
use tokio::net::TcpListener;

pub use bound::Bound;
pub use stop::{Phase, Stopped};

use crate::{Error, Telemetry};

/// Serves an app on one address and `/metrics`, `/livez`, `/readyz` and `/startupz` on another.
///
/// See the [crate's documentation](crate) for an example.
#[must_use = "call `run`"]
pub struct Serve {
    telemetry: Telemetry,
    app: Router,
    address: (String, u16),
    budget: Duration,
}

impl Serve {
    pub(crate) fn new(telemetry: Telemetry, app: Router) -> Self {
        Self {
            telemetry,
            app,
            address: ("127.0.0.1".to_owned(), 8080),
            budget: Duration::from_secs(30),
        }
    }

    /// Where the app listens; port 0 takes a free one. Default: 127.0.0.1:8080.
    pub fn address(mut self, host: impl Into<String>, port: u16) -> Self {
        self.address = (host.into(), port);
        self
    }

    /// Where `/metrics` and the probes listen. Default: `OTEL_EXPORTER_PROMETHEUS_HOST` and `_PORT`,
    /// else 127.0.0.1:9464.
    pub fn ops_address(mut self, host: impl Into<String>, port: u16) -> Self {
        self.telemetry.ops_address = (host.into(), port);
        self
    }

    /// How long a stop may take until [`run`](Self::run) returns. Default: 30 s.
    ///
    /// A sixth of it passes between readiness going off and the listener closing, for load balancers to
    /// see it (not after SIGINT), six tenths are for the requests in flight, a fifth for the flush (a sixth
    /// of the budget, and a thirtieth for a machine that is busy), and the rest for the last log lines.
    /// What still runs after its share is left to the runtime's end, and its telemetry is lost.
    ///
    /// On top come, where `main` returns [`Stopped`], a second at most for log lines that come later, and
    /// what the runtime's own end takes: it waits for blocking tasks that run.
    pub fn shutdown_budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// Opens both listeners; serving begins with [`Bound::run`].
    ///
    /// # Errors
    ///
    /// If an address cannot be listened on; the error names it.
    pub async fn bind(self) -> Result<Bound, Error> {
        let app = listen("app", &self.address).await?;
        let ops = listen("ops", &self.telemetry.ops_address).await?;
        Bound::new(self.telemetry, self.app, [app, ops], self.budget)
    }

    /// Serves until SIGTERM or SIGINT, then stops in order: not ready, no new connections, requests in
    /// flight answered, telemetry flushed.
    ///
    /// # Errors
    ///
    /// If an address cannot be listened on, or the signals cannot.
    pub async fn run(self) -> Result<Stopped, Error> {
        self.bind().await?.run().await
    }
}

impl fmt::Debug for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("address", &self.address)
            .field("ops_address", &self.telemetry.ops_address)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

async fn listen(name: &'static str, (host, port): &(String, u16)) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind((host.as_str(), *port)).await;
    listener.map_err(|error| Error::listen(name, format!("{host}:{port}"), error))
}
