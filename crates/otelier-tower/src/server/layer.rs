use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::{HttpService, ServerBuilder};
use crate::recording::Recorder;

/// Wraps an HTTP service so that each of its requests is told once as span, metrics and line.
///
/// See the [crate's documentation](crate) for an example.
pub struct HttpLayer<T> {
    pub(super) tracer: T,
    pub(super) recorder: Arc<Recorder>,
}

impl<T> HttpLayer<T> {
    /// A layer for servers whose spans come from this tracer.
    pub fn server(tracer: T) -> ServerBuilder<T> {
        ServerBuilder::new(tracer)
    }
}

impl<S, T: Clone> Layer<S> for HttpLayer<T> {
    type Service = HttpService<S, T>;

    fn layer(&self, inner: S) -> Self::Service {
        HttpService {
            inner,
            tracer: self.tracer.clone(),
            recorder: Arc::clone(&self.recorder),
        }
    }
}

impl<T: Clone> Clone for HttpLayer<T> {
    fn clone(&self) -> Self {
        Self {
            tracer: self.tracer.clone(),
            recorder: Arc::clone(&self.recorder),
        }
    }
}

impl<T> fmt::Debug for HttpLayer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpLayer").finish_non_exhaustive()
    }
}
