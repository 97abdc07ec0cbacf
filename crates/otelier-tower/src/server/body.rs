use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use otelier_context::Outcome;
use pin_project_lite::pin_project;

use crate::recording::Recording;

pin_project! {
    /// The body of an [`HttpService`](super::HttpService)'s response: the inner one, unchanged, with
    /// the request's end at its own.
    pub struct ResponseBody<B: Body> {
        #[pin]
        inner: Option<B>,
        problem: Option<B::Data>,
        expected: Option<u64>,
        recording: Option<Box<Recording>>,
    }

    impl<B: Body> PinnedDrop for ResponseBody<B> {
        // What the body still holds ends before its request does, and as a part of it.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(recording) = this.recording {
                let _guard = recording.context().attach();
                this.inner.set(None);
            }
        }
    }
}

impl<B: Body> ResponseBody<B> {
    /// A body of so many bytes, where its head announces them.
    pub(super) fn new(inner: B, announced: Option<u64>, recording: Box<Recording>) -> Self {
        let expected = inner.size_hint().exact().or(announced);
        let expected = expected.filter(|_| !recording.expects_trailers());
        let over = recording.has_no_body() || inner.is_end_stream() || expected == Some(0);
        let mut body = Self {
            inner: Some(inner),
            problem: None,
            expected,
            recording: Some(recording),
        };
        if over {
            finish(&mut body.recording, Outcome::Complete);
        }
        body
    }

    /// The body of a request that an outer layer tells of, or nobody.
    pub(super) fn untold(inner: B) -> Self {
        Self {
            inner: Some(inner),
            problem: None,
            expected: None,
            recording: None,
        }
    }

    /// A body of these bytes, of a request that has ended.
    pub(super) fn problem(bytes: B::Data) -> Self {
        Self {
            inner: None,
            problem: bytes.has_remaining().then_some(bytes),
            expected: None,
            recording: None,
        }
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(mut inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Ready(this.problem.take().map(|bytes| Ok(Frame::data(bytes))));
        };
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
                recording.sent(frame.data_ref().map_or(0, |data| data.remaining() as u64));
                if let Some(trailers) = frame.trailers_ref() {
                    recording.trailers(trailers);
                }
                // A server does not ask again once it has the trailers, or as many bytes as it knows of.
                let all = this
                    .expected
                    .is_some_and(|bytes| recording.bytes_out() >= bytes);
                if all || frame.is_trailers() || inner.is_end_stream() {
                    finish(this.recording, Outcome::Complete);
                }
            }
            Some(Err(_)) => finish(this.recording, Outcome::BodyError),
            None => finish(this.recording, Outcome::Complete),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Some(inner) => inner.is_end_stream(),
            None => self.problem.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.inner, &self.problem) {
            (Some(inner), _) => inner.size_hint(),
            (None, Some(bytes)) => SizeHint::with_exact(bytes.remaining() as u64),
            (None, None) => SizeHint::with_exact(0),
        }
    }
}

fn finish(recording: &mut Option<Box<Recording>>, outcome: Outcome) {
    if let Some(recording) = recording.take() {
        recording.finish(outcome);
    }
}

impl<B: Body> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}
