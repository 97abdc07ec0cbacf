use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_core::{Level, Metadata};

use crate::category::{Category, EventCount, EventCounts};

/// What became of the lines, counted since the layer was built. A clone counts on with it.
#[derive(Debug, Clone, Default)]
pub struct Stats(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    written: AtomicU64,
    truncated: AtomicU64,
    records_lost: AtomicU64,
    shadowed: AtomicU64,
    events: EventCounts,
    dropped: [[AtomicU64; REASONS.len()]; LEVELS.len()],
}

const LEVELS: [Level; 5] = [
    Level::TRACE,
    Level::DEBUG,
    Level::INFO,
    Level::WARN,
    Level::ERROR,
];

const REASONS: [DropReason; 7] = [
    DropReason::WriteFailed,
    DropReason::WriterPanicked,
    DropReason::Recursion,
    DropReason::QueueFull,
    DropReason::Closed,
    DropReason::Sampled,
    DropReason::RateLimited,
];

/// Why a line is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The writer returned an error; a part of the line may have been written.
    WriteFailed,
    /// The writer panicked.
    WriterPanicked,
    /// It was logged inside the formatting of a value, inside that of another, and so on, or by a sink
    /// that was being written to.
    Recursion,
    /// The queue of a [`NonBlocking`](crate::NonBlocking) writer had no room for it.
    QueueFull,
    /// The [`Guard`](crate::Guard) of the writer was dropped before.
    Closed,
    /// It is not of the share that a [`Sampling`](crate::Sampling) keeps.
    Sampled,
    /// It was beyond a [`RateLimit`](crate::RateLimit).
    RateLimited,
}

impl DropReason {
    /// The reason as a label value, such as `write_failed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WriteFailed => "write_failed",
            Self::WriterPanicked => "writer_panicked",
            Self::Recursion => "recursion",
            Self::QueueFull => "queue_full",
            Self::Closed => "closed",
            Self::Sampled => "sampled",
            Self::RateLimited => "rate_limited",
        }
    }
}

impl Stats {
    /// Lines that the writer took; those of a [`NonBlocking`](crate::NonBlocking) one once its sink did.
    pub fn lines_written(&self) -> u64 {
        self.0.written.load(Ordering::Relaxed)
    }

    /// Lines that carry `truncated_bytes`.
    pub fn lines_truncated(&self) -> u64 {
        self.0.truncated.load(Ordering::Relaxed)
    }

    /// Lines dropped, for each level and reason.
    pub fn lines_dropped(&self) -> impl Iterator<Item = (Level, DropReason, u64)> + '_ {
        LEVELS.into_iter().flat_map(move |level| {
            REASONS.into_iter().map(move |reason| {
                let count = self.dropped_counter(level, reason);
                (level, reason, count.load(Ordering::Relaxed))
            })
        })
    }

    /// OpenTelemetry records lost because the logger panicked. What it drops, it counts itself.
    pub fn records_lost(&self) -> u64 {
        self.0.records_lost.load(Ordering::Relaxed)
    }

    /// Fields that are not in their line because one of the same name was: an event's field stands for a
    /// span's, an inner span's for an outer one's, the first for a second one.
    pub fn fields_shadowed(&self) -> u64 {
        self.0.shadowed.load(Ordering::Relaxed)
    }

    /// Events of the categories `security`, `audit`, `performance` and `alert` that passed the layer's
    /// filter, by name and severity. The first 256 combinations have a count each, others the name
    /// `_OTHER`.
    pub fn events(&self) -> impl Iterator<Item = EventCount> + '_ {
        self.0.events.iter()
    }

    pub(crate) fn event(&self, category: Category, metadata: &Metadata<'_>) {
        self.0.events.count(category, metadata);
    }

    pub(crate) fn written(&self) {
        self.0.written.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn truncated(&self) {
        self.0.truncated.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn record_lost(&self) {
        self.0.records_lost.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn shadowed(&self, fields: u64) {
        if fields > 0 {
            self.0.shadowed.fetch_add(fields, Ordering::Relaxed);
        }
    }

    pub(crate) fn dropped(&self, level: Level, reason: DropReason) {
        self.dropped_counter(level, reason)
            .fetch_add(1, Ordering::Relaxed);
    }

    fn dropped_counter(&self, level: Level, reason: DropReason) -> &AtomicU64 {
        let level = match level {
            Level::TRACE => 0,
            Level::DEBUG => 1,
            Level::INFO => 2,
            Level::WARN => 3,
            Level::ERROR => 4,
        };
        &self.0.dropped[level][reason as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_and_reason_has_its_own_counter() {
        let stats = Stats::default();
        for (n, level) in LEVELS.into_iter().enumerate() {
            for (m, reason) in REASONS.into_iter().enumerate() {
                (0..n * 10 + m).for_each(|_| stats.dropped(level, reason));
            }
        }
        let counts: Vec<_> = stats.lines_dropped().map(|(.., count)| count).collect();
        let expected: Vec<_> = (0..5)
            .flat_map(|n| (0..7).map(move |m| n * 10 + m))
            .collect();
        assert_eq!(counts, expected);
    }
}
