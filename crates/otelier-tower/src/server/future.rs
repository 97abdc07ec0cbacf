use std::any::Any;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::Body;
use otelier_context::Outcome;
use pin_project_lite::pin_project;

use super::ResponseBody;
use crate::inbound::content_length;
use crate::recording::Recording;
use crate::{Problem, grpc};

pin_project! {
    /// The future of an [`HttpService`](super::HttpService)'s response.
    pub struct ResponseFuture<F> {
        // None when the service panicked in `call`, and when this future is done or dropped.
        #[pin]
        inner: Option<F>,
        panic: Option<Panic>,
        recording: Option<Box<Recording>>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        // What the handler still holds ends before its request does, and as a part of it.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(recording) = this.recording {
                let _guard = recording.context().attach();
                this.inner.set(None);
            }
        }
    }
}

type Panic = Box<dyn Any + Send>;

impl<F> ResponseFuture<F> {
    pub(super) fn new(called: thread::Result<F>, recording: Box<Recording>) -> Self {
        let (inner, panic) = match called {
            Ok(inner) => (Some(inner), None),
            Err(panic) => (None, Some(panic)),
        };
        Self {
            inner,
            panic,
            recording: Some(recording),
        }
    }

    /// The future of a request that an outer layer tells of, or nobody.
    pub(super) fn untold(inner: F) -> Self {
        Self {
            inner: Some(inner),
            panic: None,
            recording: None,
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data: From<Bytes>>,
    E: 'static,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(recording) = this.recording else {
            let inner = this.inner.as_pin_mut().expect("polled after completion");
            let untold = |response: Response<B>| response.map(ResponseBody::untold);
            return inner.poll(cx).map_ok(untold);
        };
        let guard = recording.context().attach();
        let polled = match (this.panic.take(), this.inner.as_mut().as_pin_mut()) {
            (None, Some(inner)) => catch_unwind(AssertUnwindSafe(|| inner.poll(cx))),
            (panic, _) => Err(panic.unwrap_or_else(|| Box::new("no inner future"))),
        };
        let result = match polled {
            Ok(poll) => Ok(ready!(poll)),
            Err(panic) => Err(panic),
        };
        // As in the drop: under the request's context, and before its end.
        let dropped = catch_unwind(AssertUnwindSafe(|| this.inner.set(None)));
        drop(guard);
        let recording = this.recording.take().expect("checked above");
        Poll::Ready(match (result, dropped) {
            (Ok(Ok(response)), Ok(())) => Ok(answered(response, recording)),
            (Ok(Err(error)), Ok(())) => {
                recording.finish_with_error(known_error(&error));
                Err(error)
            }
            (Err(panic), _) | (_, Err(panic)) => Ok(panicked(panic, recording)),
        })
    }
}

fn answered<B: Body>(
    response: Response<B>,
    mut recording: Box<Recording>,
) -> Response<ResponseBody<B>> {
    let (mut head, body) = response.into_parts();
    recording.head(head.status, &mut head.headers);
    let announced = content_length(&head.headers);
    Response::from_parts(head, ResponseBody::new(body, announced, recording))
}

fn panicked<B: Body<Data: From<Bytes>>>(
    panic: Panic,
    mut recording: Box<Recording>,
) -> Response<ResponseBody<B>> {
    if !recording.catches_panics() {
        recording.finish(Outcome::Panicked);
        resume_unwind(panic);
    }
    let response = if recording.is_grpc() {
        grpc::internal_error()
    } else {
        // Its ids are those of the context.
        let _guard = recording.context().attach();
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR).into_response()
    };
    let (mut head, body) = response.into_parts();
    recording.head(head.status, &mut head.headers);
    recording.sent(body.len() as u64);
    recording.finish(Outcome::Panicked);
    Response::from_parts(head, ResponseBody::problem(body.into()))
}

/// A service's error as an error, where it is tower's own type for any, or an I/O error.
pub(crate) fn known_error<E: 'static>(error: &E) -> Option<&(dyn Error + 'static)> {
    let error: &dyn Any = error;
    match error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        Some(error) => Some(&**error),
        None => Some(error.downcast_ref::<io::Error>()?),
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
