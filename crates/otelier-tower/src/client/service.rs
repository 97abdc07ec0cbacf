use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use opentelemetry::trace::Tracer;
use otelier_context::Outcome;
use tower_service::Service;

use super::recording::Recorder;
use super::{ClientBody, ClientFuture};

/// The service that [`ClientLayer`](super::ClientLayer) makes.
pub struct ClientService<S, T> {
    pub(super) inner: S,
    pub(super) tracer: T,
    pub(super) recorder: Arc<Recorder>,
}

impl<S, T> ClientService<S, T> {
    /// The wrapped client.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The wrapped client.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The wrapped client.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, T, ReqBody, ResBody> Service<Request<ReqBody>> for ClientService<S, T>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Error: 'static,
    T: Tracer,
    T::Span: Send + Sync + 'static,
    ResBody: Body,
{
    type Response = Response<ClientBody<ResBody>>;
    type Error = S::Error;
    type Future = ClientFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let recording = self.recorder.start(&self.tracer, &mut head);
        let request = Request::from_parts(head, body);
        let guard = recording.context().attach();
        let called = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)));
        drop(guard);
        match called {
            Ok(inner) => ClientFuture::new(inner, recording),
            Err(panic) => {
                recording.finish(Outcome::Panicked);
                resume_unwind(panic);
            }
        }
    }
}

impl<S: Clone, T: Clone> Clone for ClientService<S, T> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            tracer: self.tracer.clone(),
            recorder: Arc::clone(&self.recorder),
        }
    }
}

impl<S: fmt::Debug, T> fmt::Debug for ClientService<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
