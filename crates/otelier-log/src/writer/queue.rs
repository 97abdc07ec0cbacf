use std::collections::VecDeque;
use std::mem;

use super::segment::Segment;

/// Segments kept for reuse, so that a queue that is being emptied in time never allocates.
const SPARE: usize = 16;

/// Segments on their way from the stripes to the sink.
#[derive(Default)]
pub(super) struct Queue {
    segments: VecDeque<Segment>,
    spare: Vec<Segment>,
    /// Lines that came in so far.
    pub(super) pushed: u64,
    /// How many of them are written or dropped.
    pub(super) settled: u64,
}

impl Queue {
    /// Takes a segment over, and leaves an empty one.
    pub(super) fn take_over(&mut self, segment: &mut Segment) {
        self.pushed += segment.lines();
        let empty = self.spare.pop().unwrap_or_default();
        self.segments.push_back(mem::replace(segment, empty));
    }

    pub(super) fn pop(&mut self) -> Option<Segment> {
        self.segments.pop_front()
    }

    pub(super) fn reuse(&mut self, mut segment: Segment) {
        if self.spare.len() < SPARE && segment.is_reusable() {
            segment.clear();
            self.spare.push(segment);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }
}
