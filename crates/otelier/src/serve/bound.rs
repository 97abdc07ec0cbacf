use std::fmt;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ::axum::Router;
use ::axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::stop::{self, Signals, Stopped};
use crate::{Error, Telemetry, ops};

/// A service whose listeners are open.
#[must_use = "call `run`"]
pub struct Bound {
    pub(super) telemetry: Telemetry,
    pub(super) budget: Duration,
    app: Listener,
    ops: Listener,
}

struct Listener {
    address: SocketAddr,
    listener: TcpListener,
    router: Router,
}

impl Bound {
    pub(super) fn new(
        telemetry: Telemetry,
        app: Router,
        [app_listener, ops_listener]: [TcpListener; 2],
        budget: Duration,
    ) -> Result<Self, Error> {
        let metrics = telemetry.offers_metrics.then(|| telemetry.registry.clone());
        let ops = ops::router(&telemetry.health, metrics);
        Ok(Self {
            app: Listener::new("app", app_listener, app)?,
            ops: Listener::new("ops", ops_listener, ops)?,
            telemetry,
            budget,
        })
    }

    /// Where the app listens.
    pub fn address(&self) -> SocketAddr {
        self.app.address
    }

    /// Where `/metrics` and the probes listen.
    pub fn ops_address(&self) -> SocketAddr {
        self.ops.address
    }

    /// Serves until SIGTERM or SIGINT, then stops in order.
    ///
    /// # Errors
    ///
    /// If the signals cannot be listened for.
    pub async fn run(self) -> Result<Stopped, Error> {
        self.run_until(pending()).await
    }

    /// Serves until this future is done too, which counts as a SIGINT: no load balancer is waited for.
    ///
    /// # Errors
    ///
    /// If the signals cannot be listened for.
    pub async fn run_until(self, done: impl Future<Output = ()>) -> Result<Stopped, Error> {
        let Self {
            telemetry,
            budget,
            app,
            ops,
        } = self;
        let mut signals = Signals::listen()?;
        telemetry.health.start();
        tracing::info!(
            target: "otelier::serve",
            address = %app.address,
            ops_address = %ops.address,
            "serving"
        );
        let (close, closed) = oneshot::channel::<()>();
        let mut tasks = JoinSet::new(); // ends both listeners where this future is dropped
        tasks.spawn(ops.serve(pending()));
        let app = app.serve(async {
            // An error is the sender's drop, which means to close as well.
            let _ = closed.await;
        });
        let (finished, drained) = oneshot::channel();
        tasks.spawn(async {
            // An error is a stop that waits no longer.
            let _ = finished.send(app.await);
            Ok(())
        });
        let wait = tokio::select! {
            wait_for_load_balancer = signals.stop() => wait_for_load_balancer,
            () = done => false,
        };
        Ok(stop::in_order(telemetry, budget, wait, close, drained, &mut signals).await)
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound")
            .field("address", &self.app.address)
            .field("ops_address", &self.ops.address)
            .finish_non_exhaustive()
    }
}

impl Listener {
    fn new(name: &'static str, listener: TcpListener, router: Router) -> Result<Self, Error> {
        let address = listener
            .local_addr()
            .map_err(|error| Error::listen(name, "its address".to_owned(), error))?;
        Ok(Self {
            address,
            listener,
            router,
        })
    }

    async fn serve(self, close: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let service: IntoMakeServiceWithConnectInfo<Router, SocketAddr> =
            self.router.into_make_service_with_connect_info();
        ::axum::serve(self.listener, service)
            .with_graceful_shutdown(close)
            .await
    }
}
