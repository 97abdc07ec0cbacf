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
        // Small ones, each with a buffer of full size, would take far more memory than their bytes.
        if let Some(last) = self.segments.back_mut()
            && !last.is_full_for(segment.cost())
        {
            last.append(segment);
            return;
        }
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

#[cfg(test)]
mod tests {
    use tracing_core::Level;

    use super::*;

    #[test]
    fn lines_gathered_one_by_one_share_a_segment() {
        let mut queue = Queue::default();
        let mut segment = Segment::default();
        for line in ["first\n", "second\n", "third\n"] {
            segment.push(Level::INFO, line.as_bytes());
            queue.take_over(&mut segment);
            assert!(segment.is_empty());
        }
        assert_eq!((queue.segments.len(), queue.pushed), (1, 3));
        let lines = queue.pop().map(|segment| segment.lines());
        assert_eq!(lines, Some(3));
    }
}
