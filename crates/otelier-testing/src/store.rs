use std::future::pending;
use std::sync::Arc;

use prost::Message;
use tokio::sync::watch;

use crate::span_data::SpanData;
use crate::{Log, Metric, Received};

/// How a collector answers the requests that it reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Behaviour {
    /// Keeps what was sent and answers success.
    #[default]
    Accept,
    /// Keeps nothing and never answers, not even once the behaviour has changed.
    Hang,
    /// Keeps nothing and answers that it is unavailable, which an exporter may retry: `UNAVAILABLE`
    /// over gRPC, 503 over HTTP.
    Unavailable,
}

/// What the receivers write and the waiters watch.
#[derive(Debug, Default)]
pub(crate) struct Store {
    received: watch::Sender<Received>,
    behaviour: watch::Sender<Behaviour>,
}

impl Store {
    pub(crate) fn received(&self) -> watch::Receiver<Received> {
        self.received.subscribe()
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(behaviour);
    }

    /// Counts a request and answers it by the behaviour of the moment.
    pub(crate) async fn receive<E: Export>(&self, request: E) -> Result<(), Unavailable> {
        let behaviour = *self.behaviour.borrow();
        let bytes = request.encoded_len();
        let batch = (behaviour == Behaviour::Accept).then(|| request.into_batch());
        self.received
            .send_modify(|received| received.arrive(batch, bytes));
        match behaviour {
            Behaviour::Accept => Ok(()),
            Behaviour::Hang => pending().await,
            Behaviour::Unavailable => Err(Unavailable),
        }
    }
}

/// The answer of [`Behaviour::Unavailable`].
#[derive(Debug)]
pub(crate) struct Unavailable;

impl Unavailable {
    pub(crate) const MESSAGE: &str = "the collector was told to be unavailable";
}

/// The export request of one signal.
pub(crate) trait Export: Message + Default {
    fn into_batch(self) -> Batch;
}

/// What one request brought; kept and dropped as a whole.
#[derive(Debug)]
pub(crate) enum Batch {
    Spans(Vec<Arc<SpanData>>),
    Logs(Vec<Arc<Log>>),
    Metrics(Vec<Arc<Metric>>),
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Spans(spans) => spans.len(),
            Self::Logs(logs) => logs.len(),
            Self::Metrics(metrics) => metrics.len(),
        }
    }
}
