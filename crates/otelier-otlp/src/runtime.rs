use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use opentelemetry::Context;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::own::mark_thread;

/// A runtime on a thread of its own, for the connections to the collector.
///
/// Export and shutdown so depend on no runtime of the application: they work on a current-thread
/// runtime, in a destructor, and after the application's runtime is gone. The thread ends with the last
/// clone, so that whoever still exports never finds its timers gone.
#[derive(Debug, Clone)]
pub(crate) struct ExportRuntime(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    handle: Handle,
    cutoff: watch::Sender<Option<Instant>>,
    _alive: oneshot::Sender<()>,
}

impl ExportRuntime {
    pub(crate) fn start() -> io::Result<Self> {
        let (alive, dropped) = oneshot::channel();
        let (started, start) = mpsc::sync_channel(1);
        // The runtime is made and dropped on its thread: in an asynchronous context that would panic.
        let run = move || {
            mark_thread();
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            let mut builder = Builder::new_current_thread();
            let runtime = match builder.enable_all().on_thread_start(mark_thread).build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(started.send(Err(error))),
            };
            if started.send(Ok(runtime.handle().clone())).is_ok() {
                let _ = runtime.block_on(dropped);
            }
            // A look-up of a name that hangs is not waited for.
            runtime.shutdown_background();
        };
        thread::Builder::new()
            .name("otelier-export".to_owned())
            .spawn(run)?;
        let handle = start.recv().map_err(io::Error::other)??;
        Ok(Self(Arc::new(Inner {
            handle,
            cutoff: watch::Sender::new(None),
            _alive: alive,
        })))
    }

    /// The context in which connections are made.
    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.0.handle.enter()
    }

    /// Ends every export, those to come too, at `instant`.
    pub(crate) fn cut_off_at(&self, instant: std::time::Instant) {
        self.0.cutoff.send_replace(Some(instant.into()));
    }

    /// Runs `export` on the thread that polls this, with the connections and timers of this runtime;
    /// `None` if it takes longer than `timeout` or is cut off.
    pub(crate) async fn run<F: Future>(&self, timeout: Duration, export: F) -> Option<F::Output> {
        mark_thread();
        let mut export = pin!(export);
        let mut limit = pin!({
            let _context = self.enter();
            sleep(timeout)
        });
        let mut cutoff = pin!(self.cutoff());
        poll_fn(|cx| {
            let _context = self.enter();
            if let Poll::Ready(output) = export.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            if limit.as_mut().poll(cx).is_ready() || cutoff.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await
    }

    async fn cutoff(&self) {
        let mut cutoff = self.0.cutoff.subscribe();
        let instant = cutoff
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|at| *at);
        match instant {
            Some(instant) => sleep_until(instant).await,
            None => pending().await,
        }
    }
}
