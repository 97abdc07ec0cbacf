use std::collections::VecDeque;
use std::mem;

use tracing_core::Level;

use super::sink::Sink;
use crate::stats::{DropReason, Stats};

/// As much as the sink is given at once, unless a single line is longer.
const SEGMENT: usize = 64 << 10;

/// Segments kept for reuse, so that a queue that is being emptied in time never allocates.
const SPARE: usize = 16;

/// Lines on their way to the sink, in segments so that none is ever moved.
pub(super) struct Queue {
    full: VecDeque<Segment>,
    last: Segment,
    spare: Vec<Segment>,
    /// Bytes of all lines queued or in the sink's hands.
    used: usize,
    limit: usize,
    /// What lines below WARN may use of `limit`.
    common: usize,
    /// Lines queued so far.
    pub(super) pushed: u64,
    /// How many of them are written or dropped.
    pub(super) settled: u64,
}

impl Queue {
    pub(super) fn new(limit: usize, reserve: usize) -> Self {
        Self {
            full: VecDeque::new(),
            last: Segment::new(),
            spare: Vec::new(),
            used: 0,
            limit,
            common: limit.saturating_sub(reserve),
            pushed: 0,
            settled: 0,
        }
    }

    pub(super) fn push(&mut self, level: Level, line: &[u8]) -> Result<(), DropReason> {
        let limit = if level <= Level::WARN {
            self.limit
        } else {
            self.common
        };
        let cost = line.len().saturating_add(size_of::<Entry>());
        if cost > limit.saturating_sub(self.used) {
            return Err(DropReason::QueueFull);
        }
        self.used += cost;
        self.pushed += 1;
        if self.last.cost() + cost > SEGMENT && !self.last.lines.is_empty() {
            let last = self.take_last();
            self.full.push_back(last);
        }
        self.last.push(level, line);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Option<Segment> {
        if let Some(segment) = self.full.pop_front() {
            return Some(segment);
        }
        (!self.is_empty()).then(|| self.take_last())
    }

    /// Makes room for as much as `segment` took, and says how many lines it had.
    pub(super) fn free(&mut self, mut segment: Segment) -> u64 {
        self.used -= segment.cost();
        let lines = segment.lines.len() as u64;
        if self.spare.len() < SPARE && segment.bytes.capacity() <= SEGMENT {
            segment.bytes.clear();
            segment.lines.clear();
            self.spare.push(segment);
        }
        lines
    }

    pub(super) fn is_empty(&self) -> bool {
        self.full.is_empty() && self.last.lines.is_empty()
    }

    /// Whether the thread had better not wait any longer.
    pub(super) fn is_filling(&self) -> bool {
        self.used > self.common / 16
    }

    /// Whether half of what all lines may use is free.
    pub(super) fn has_room(&self) -> bool {
        self.used <= self.common / 2
    }

    fn take_last(&mut self) -> Segment {
        let next = self.spare.pop().unwrap_or_else(Segment::new);
        mem::replace(&mut self.last, next)
    }
}

/// Lines one after another, which go to the sink at once.
pub(super) struct Segment {
    bytes: Vec<u8>,
    lines: Vec<Entry>,
}

struct Entry {
    len: usize,
    level: Level,
}

impl Segment {
    fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(SEGMENT),
            lines: Vec::new(),
        }
    }

    fn push(&mut self, level: Level, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        let len = line.len();
        self.lines.push(Entry { len, level });
    }

    fn cost(&self) -> usize {
        self.bytes.len() + self.lines.len() * size_of::<Entry>()
    }

    /// Gives the lines to the sink and counts what became of each; whether it took all.
    pub(super) fn write_to(&self, sink: &mut Sink, stats: &Stats) -> bool {
        let (taken, result) = sink.write(&self.bytes);
        let reason = match result {
            Some(Ok(())) => None,
            Some(Err(_)) => Some(DropReason::WriteFailed),
            None => Some(DropReason::WriterPanicked),
        };
        let mut end = 0;
        for line in &self.lines {
            end += line.len;
            match reason {
                Some(reason) if end > taken => stats.dropped(line.level, reason),
                _ => stats.written(),
            }
        }
        reason.is_none()
    }
}
