use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::Body;
use otelier_context::Outcome;
use pin_project_lite::pin_project;

use super::ClientBody;
use super::recording::Recording;
use crate::server::known_error;

pin_project! {
    /// The future of a [`ClientService`](super::ClientService)'s response.
    pub struct ClientFuture<F> {
        // Both are None when this future is done or dropped.
        #[pin]
        inner: Option<F>,
        recording: Option<Box<Recording>>,
    }

    impl<F> PinnedDrop for ClientFuture<F> {
        // What the client still holds ends before its call does, and as a part of it.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(recording) = this.recording {
                let _guard = recording.context().attach();
                this.inner.set(None);
            }
        }
    }
}

impl<F> ClientFuture<F> {
    pub(super) fn new(inner: F, recording: Box<Recording>) -> Self {
        Self {
            inner: Some(inner),
            recording: Some(recording),
        }
    }
}

impl<F, B, E> Future for ClientFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: 'static,
{
    type Output = Result<Response<ClientBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let recording = this.recording.as_ref().expect("polled after completion");
        let guard = recording.context().attach();
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let inner = this.inner.as_mut().as_pin_mut();
            let result = ready!(inner.expect("as long as the recording").poll(cx));
            // As in the drop: under the call's context, and before its end.
            this.inner.set(None);
            Poll::Ready(result)
        }));
        drop(guard);
        let polled = match polled {
            Ok(poll) => Ok(ready!(poll)),
            Err(panic) => Err(panic),
        };
        let mut recording = this.recording.take().expect("checked above");
        match polled {
            Ok(Ok(response)) => {
                recording.head(&response);
                let body = |inner| ClientBody::new(inner, recording);
                Poll::Ready(Ok(response.map(body)))
            }
            Ok(Err(error)) => {
                recording.finish_with_error(known_error(&error));
                Poll::Ready(Err(error))
            }
            Err(panic) => {
                recording.finish(Outcome::Panicked);
                resume_unwind(panic);
            }
        }
    }
}

impl<F> fmt::Debug for ClientFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientFuture").finish_non_exhaustive()
    }
}
