use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use otelier_context::Outcome;
use pin_project_lite::pin_project;

use super::recording::Recording;

pin_project! {
    /// The body of a [`ClientService`](super::ClientService)'s response: the inner one, unchanged, with
    /// the call's end at its own.
    pub struct ClientBody<B> {
        // None while this body is dropped.
        #[pin]
        inner: Option<B>,
        recording: Option<Box<Recording>>,
    }

    impl<B> PinnedDrop for ClientBody<B> {
        // What the body still holds ends before its call does, and as a part of it.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(recording) = this.recording {
                let _guard = recording.context().attach();
                this.inner.set(None);
            }
        }
    }
}

impl<B: Body> ClientBody<B> {
    pub(super) fn new(inner: B, recording: Box<Recording>) -> Self {
        let over = is_over(&inner, &recording);
        let mut body = Self {
            inner: Some(inner),
            recording: Some(recording),
        };
        if over {
            finish(&mut body.recording, Outcome::Complete);
        }
        body
    }
}

impl<B: Body> Body for ClientBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let mut inner = this.inner.as_mut().as_pin_mut().expect("taken in drop");
        let Some(recording) = this.recording else {
            return inner.poll_frame(cx);
        };
        let guard = recording.context().attach();
        let polled = catch_unwind(AssertUnwindSafe(|| inner.as_mut().poll_frame(cx)));
        drop(guard);
        let frame = match polled {
            Ok(poll) => ready!(poll),
            Err(panic) => {
                finish(this.recording, Outcome::Panicked);
                resume_unwind(panic);
            }
        };
        match &frame {
            Some(Ok(frame)) => {
                recording.received(frame.data_ref().map_or(0, |data| data.remaining() as u64));
                if let Some(trailers) = frame.trailers_ref() {
                    recording.trailers(trailers);
                }
                if frame.is_trailers() || is_over(&*inner, recording) {
                    finish(this.recording, Outcome::Complete);
                }
            }
            Some(Err(_)) => finish(this.recording, Outcome::BodyError),
            None => finish(this.recording, Outcome::Complete),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let inner = self.inner.as_ref();
        inner.map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// Whether a caller may know that nothing is left, and so never ask for it: gRPC has trailers after the
/// last byte.
fn is_over<B: Body>(body: &B, recording: &Recording) -> bool {
    body.is_end_stream() || (!recording.is_rpc() && body.size_hint().exact() == Some(0))
}

fn finish(recording: &mut Option<Box<Recording>>, outcome: Outcome) {
    if let Some(recording) = recording.take() {
        recording.finish(outcome);
    }
}

impl<B> fmt::Debug for ClientBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBody").finish_non_exhaustive()
    }
}
