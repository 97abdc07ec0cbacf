//! The line that says what was dropped.

use tracing_core::{Level, Metadata};

use crate::ids::{Ids, Source};
use crate::line::Line;
use crate::output::Output;
use crate::own::own_metadata;
use crate::schema::Key;
use crate::stats::{DropReason, Stats};

/// Lines that the writer dropped so far.
pub(super) fn drops(stats: &Stats) -> u64 {
    dropped(stats).map(|(.., count)| count).sum()
}

impl Output {
    /// Logs how many lines were dropped so far. These are totals, so that a report that is dropped
    /// itself takes nothing with it.
    pub(super) fn report_drops(&self) {
        let total = drops(&self.stats);
        self.log(&REPORT, Source::Known(Ids::default()), |line, callsite| {
            let message = format_args!("{total} log lines dropped so far");
            line.message_fmt(&self.schema, message);
            line.context(&self.schema, callsite);
            self.drop_fields(line);
        });
    }

    fn drop_fields(&self, line: &mut Line) {
        line.str(self.schema.key("category"), "telemetry");
        for (level, name) in LEVELS {
            let counts = dropped(&self.stats).filter(|(of, ..)| *of == level);
            field(
                line,
                self.schema.key(name),
                counts.map(|(.., count)| count).sum(),
            );
        }
        for reason in REASONS {
            let counts = dropped(&self.stats).filter(|(_, of, _)| *of == reason);
            field(
                line,
                self.schema.key(reason.as_str()),
                counts.map(|(.., count)| count).sum(),
            );
        }
    }
}

const LEVELS: [(Level, &str); 5] = [
    (Level::TRACE, "dropped_trace"),
    (Level::DEBUG, "dropped_debug"),
    (Level::INFO, "dropped_info"),
    (Level::WARN, "dropped_warn"),
    (Level::ERROR, "dropped_error"),
];

/// Not lines that a value or the sink itself logs: reporting these could make the next ones.
const REASONS: [DropReason; 3] = [
    DropReason::QueueFull,
    DropReason::WriteFailed,
    DropReason::WriterPanicked,
];

fn dropped(stats: &Stats) -> impl Iterator<Item = (Level, DropReason, u64)> {
    let all = stats.lines_dropped();
    all.filter(|(_, reason, _)| REASONS.contains(reason))
}

fn field(line: &mut Line, key: &Key, count: u64) {
    if count > 0 {
        line.u64(key, count);
    }
}

static REPORT: Metadata<'static> =
    own_metadata!("log lines dropped", "otelier::log", Level::WARN, &[]);
