use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use opentelemetry::trace::Tracer;

use tower_service::Service;

use super::{ResponseBody, ResponseFuture};
use crate::recording::Recorder;

/// The service that [`HttpLayer`](super::HttpLayer) makes.
///
/// Of several layers on a request's way the outermost tells it; the others only pass it on.
pub struct HttpService<S, T> {
    pub(super) inner: S,
    pub(super) tracer: T,
    pub(super) recorder: Arc<Recorder>,
}

impl<S, T> HttpService<S, T> {
    /// The wrapped service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The wrapped service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The wrapped service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, T, ReqBody, ResBody> Service<Request<ReqBody>> for HttpService<S, T>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Error: 'static,
    T: Tracer,
    T::Span: Send + Sync + 'static,
    ResBody: Body<Data: From<Bytes>>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        if head.extensions.insert(Told).is_some() || self.recorder.skips(&head) {
            let request = Request::from_parts(head, body);
            return ResponseFuture::untold(self.inner.call(request));
        }
        let recording = self.recorder.start(&self.tracer, &head);
        let request = Request::from_parts(head, body);
        let guard = recording.context().attach();
        let called = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)));
        drop(guard);
        ResponseFuture::new(called, recording)
    }
}

/// Marks a request, in its extensions, that a layer tells of or skips.
#[derive(Clone)]
struct Told;

impl<S: Clone, T: Clone> Clone for HttpService<S, T> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            tracer: self.tracer.clone(),
            recorder: Arc::clone(&self.recorder),
        }
    }
}

impl<S: fmt::Debug, T> fmt::Debug for HttpService<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
