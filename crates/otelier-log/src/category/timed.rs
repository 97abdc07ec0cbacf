use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

const SLOW: Duration = Duration::from_millis(500);

/// Logs how long it lived, when it is dropped; made by [`timed!`](crate::timed).
///
/// If a panic drops it, its line says `panicked`.
#[derive(Debug)]
#[must_use = "it measures until it is dropped: bind it to a name"]
pub struct Timed {
    report: fn(&Measured),
    threshold: Duration,
    /// None before the first poll of a future.
    start: Option<Instant>,
    cancelled: bool,
}

impl Timed {
    /// From this duration on it is slow, and a WARN line; 500 ms by default.
    pub fn threshold(mut self, threshold: Duration) -> Self {
        self.threshold = threshold;
        self
    }

    /// Measures a future instead, from its first poll until it is done.
    ///
    /// Dropped before its end it says `cancelled`, and nothing if it was never polled.
    pub fn around<F: Future>(mut self, future: F) -> TimedFuture<F> {
        (self.start, self.cancelled) = (None, true);
        TimedFuture {
            future,
            timed: Some(self),
        }
    }

    #[doc(hidden)]
    pub fn __new(report: fn(&Measured)) -> Self {
        Self {
            report,
            threshold: SLOW,
            start: Some(Instant::now()),
            cancelled: false,
        }
    }

    fn measured(&self, duration: Duration) -> Measured {
        let panicked = thread::panicking();
        Measured {
            duration_ms: duration.as_nanos() as f64 / 1e6,
            slow: duration >= self.threshold,
            panicked: panicked.then_some(true),
            cancelled: (self.cancelled && !panicked).then_some(true),
        }
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        if let Some(start) = self.start {
            (self.report)(&self.measured(start.elapsed()));
        }
    }
}

pin_project! {
    /// A future that logs how long it took; made by [`Timed::around`].
    #[derive(Debug)]
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct TimedFuture<F> {
        // Dropped before `timed`: what it does then counts.
        #[pin]
        future: F,
        // None while the future is polled, and once it has ended.
        timed: Option<Timed>,
    }
}

impl<F: Future> Future for TimedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // On the stack a panic of the future drops it, even if an executor catches the panic above.
        let mut timed = this.timed.take();
        if let Some(timed) = &mut timed {
            timed.start.get_or_insert_with(Instant::now);
        }
        let poll = this.future.poll(cx);
        if poll.is_pending() {
            *this.timed = timed;
        } else if let Some(timed) = &mut timed {
            timed.cancelled = false;
        }
        poll
    }
}

/// What [`timed!`](crate::timed) logs.
#[doc(hidden)]
#[derive(Debug)]
pub struct Measured {
    pub duration_ms: f64,
    pub slow: bool,
    pub panicked: Option<bool>,
    pub cancelled: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_slow_from_the_threshold_on_500_ms_by_default() {
        let timed = Timed::__new(|_| {});
        let slow = |timed: &Timed, millis| timed.measured(Duration::from_millis(millis)).slow;
        assert_eq!([499, 500].map(|millis| slow(&timed, millis)), [false, true]);
        let timed = timed.threshold(Duration::from_millis(10));
        assert_eq!([9, 10].map(|millis| slow(&timed, millis)), [false, true]);
    }

    #[test]
    fn the_duration_is_in_milliseconds_with_its_nanoseconds() {
        let timed = Timed::__new(|_| {});
        let measured = timed.measured(Duration::from_nanos(12_345_678));
        assert_eq!(measured.duration_ms, 12.345678);
    }
}
