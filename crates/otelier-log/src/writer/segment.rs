use tracing_core::Level;

use super::sink::Sink;
use crate::stats::{DropReason, Stats};

/// As much as the sink is given at once, unless a single line is longer.
const SIZE: usize = 64 << 10;

/// Lines one after another, which go to the sink at once.
#[derive(Default)]
pub(super) struct Segment {
    bytes: Vec<u8>,
    lines: Vec<Entry>,
}

struct Entry {
    len: usize,
    level: Level,
}

impl Segment {
    /// What a line takes of the queue.
    pub(super) fn cost_of(line: &[u8]) -> usize {
        line.len().saturating_add(size_of::<Entry>())
    }

    /// Whether a line of this cost had better start the next segment.
    pub(super) fn is_full_for(&self, cost: usize) -> bool {
        !self.is_empty() && cost > SIZE.saturating_sub(self.cost())
    }

    pub(super) fn push(&mut self, level: Level, line: &[u8]) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(SIZE);
        }
        self.bytes.extend_from_slice(line);
        let len = line.len();
        self.lines.push(Entry { len, level });
    }

    pub(super) fn cost(&self) -> usize {
        self.bytes.len() + self.lines.len() * size_of::<Entry>()
    }

    pub(super) fn lines(&self) -> u64 {
        self.lines.len() as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether it is worth keeping: a long line's buffer is not.
    pub(super) fn is_reusable(&self) -> bool {
        self.bytes.capacity() <= SIZE
    }

    /// Moves the lines of the other one to the end of this one.
    pub(super) fn append(&mut self, other: &mut Self) {
        self.bytes.append(&mut other.bytes);
        self.lines.append(&mut other.lines);
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
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
