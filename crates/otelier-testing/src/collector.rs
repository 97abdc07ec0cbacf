use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::receive::{self, grpc, http};
use crate::store::{Behaviour, Store};
use crate::{List, Log, Metric, Received, Trace, Wait};

/// An OTLP collector on 127.0.0.1 that keeps what it receives.
///
/// It runs on a thread of its own, so that it receives while a test's only thread is blocked in an
/// exporter's flush. It stops when it is dropped.
#[derive(Debug)]
pub struct Collector {
    store: Arc<Store>,
    listening: Listening,
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

impl Collector {
    /// Starts a collector for both protocols, each on a free port.
    ///
    /// # Errors
    ///
    /// If it cannot listen or start its thread.
    pub async fn start() -> io::Result<Self> {
        let store = Arc::new(Store::default());
        let (stop, stop_asked) = oneshot::channel();
        let (running, stopped) = oneshot::channel();
        let (started, start) = oneshot::channel();
        let receivers = Arc::clone(&store);
        thread::Builder::new()
            .name("otelier-testing".to_owned())
            .spawn(move || {
                // Dropped after the runtime, when the ports are closed.
                let _running: oneshot::Sender<()> = running;
                run(receivers, started, stop_asked);
            })?;
        let listening = start.await.map_err(io::Error::other)??;
        Ok(Self {
            store,
            listening,
            stop,
            stopped,
        })
    }

    /// Where to send OTLP over gRPC: `http://127.0.0.1:PORT`.
    pub fn grpc_endpoint(&self) -> String {
        format!("http://{}", self.listening.grpc)
    }

    /// Where to send OTLP over HTTP, without the signal's path: `http://127.0.0.1:PORT`.
    pub fn http_endpoint(&self) -> String {
        format!("http://{}", self.listening.http)
    }

    /// Answers the requests to come in this way.
    pub fn behave(&self, behaviour: Behaviour) {
        self.store.behave(behaviour);
    }

    /// What is there now, without waiting.
    pub fn received(&self) -> Received {
        self.store.received().borrow().clone()
    }

    /// The complete traces, once there is one.
    #[track_caller]
    pub fn traces(&self) -> Wait<'_, List<Trace>> {
        self.wait("a complete trace", |received| {
            some(received.traces().filter(Trace::is_complete))
        })
    }

    /// The trace of this id (in hexadecimal), once it is complete.
    #[track_caller]
    pub fn trace(&self, id: impl fmt::Display) -> Wait<'_, Trace> {
        let id = id.to_string();
        self.wait(format!("the complete trace {id}"), move |received| {
            received.trace(&id).filter(Trace::is_complete)
        })
    }

    /// All log records, once there is one.
    #[track_caller]
    pub fn logs(&self) -> Wait<'_, List<Arc<Log>>> {
        self.wait("a log record", |received| some(received.logs()))
    }

    /// The log records that carry this trace id (in hexadecimal), once there is one.
    #[track_caller]
    pub fn logs_of(&self, trace_id: impl fmt::Display) -> Wait<'_, List<Arc<Log>>> {
        let id = trace_id.to_string();
        self.wait(format!("a log record of trace {id}"), move |received| {
            some(received.logs_of(&id))
        })
    }

    /// All metrics, once there is one.
    #[track_caller]
    pub fn metrics(&self) -> Wait<'_, List<Arc<Metric>>> {
        self.wait("a metric", |received| some(received.metrics()))
    }

    /// The last metric of this name, once there is one.
    #[track_caller]
    pub fn metric(&self, name: impl Into<String>) -> Wait<'_, Arc<Metric>> {
        let name = name.into();
        self.wait(format!("a metric {name}"), move |received| {
            received.metric(&name)
        })
    }

    /// All that was received, once the condition holds for it.
    #[track_caller]
    pub fn wait_until<'a>(
        &'a self,
        mut condition: impl FnMut(&Received) -> bool + Send + 'a,
    ) -> Wait<'a, Received> {
        self.wait("what the condition asks for", move |received| {
            condition(received).then(|| received.clone())
        })
    }

    /// Stops the collector and returns once its ports are closed.
    pub async fn stop(self) {
        drop(self.stop);
        // An error says that the thread has ended.
        let _ = self.stopped.await;
    }

    #[track_caller]
    fn wait<'a, T>(
        &'a self,
        wanted: impl Into<String>,
        condition: impl FnMut(&Received) -> Option<T> + Send + 'a,
    ) -> Wait<'a, T> {
        Wait::new(
            self.store.received(),
            &self.listening.runtime,
            wanted,
            condition,
        )
    }
}

fn some<T>(list: List<T>) -> Option<List<T>> {
    (!list.is_empty()).then_some(list)
}

#[derive(Debug)]
struct Listening {
    grpc: SocketAddr,
    http: SocketAddr,
    runtime: Handle,
}

/// The collector's thread, until it is to stop or nobody is there any more to stop it.
fn run(
    store: Arc<Store>,
    started: oneshot::Sender<io::Result<Listening>>,
    stop: oneshot::Receiver<()>,
) {
    let runtime = match Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    runtime.block_on(async {
        let _ = started.send(listen(store).await);
        let _ = stop.await;
    });
}

async fn listen(store: Arc<Store>) -> io::Result<Listening> {
    let grpc = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let http = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let listening = Listening {
        grpc: grpc.local_addr()?,
        http: http.local_addr()?,
        runtime: Handle::current(),
    };
    tokio::spawn(receive::serve(grpc, Arc::clone(&store), grpc::answer));
    tokio::spawn(receive::serve(http, store, http::answer));
    Ok(listening)
}
