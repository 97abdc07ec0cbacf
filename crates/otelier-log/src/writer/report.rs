//! The line that says what was dropped.

use tracing_core::callsite::Callsite;
use tracing_core::metadata::Kind;
use tracing_core::{Interest, Level, Metadata, metadata};

use crate::ids::Ids;
use crate::line::Line;
use crate::output::Output;
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
        self.log(
            &REPORT,
            &Ids::default(),
            |line| line.message_fmt(format_args!("{total} log lines dropped so far")),
            |line| self.drop_fields(line),
        );
    }

    fn drop_fields(&self, line: &mut Line) {
        line.own_fields();
        line.str("category", "telemetry");
        for (level, name) in LEVELS {
            let counts = dropped(&self.stats).filter(|(of, ..)| *of == level);
            field(line, name, counts.map(|(.., count)| count).sum());
        }
        for reason in REASONS {
            let counts = dropped(&self.stats).filter(|(_, of, _)| *of == reason);
            field(line, reason.as_str(), counts.map(|(.., count)| count).sum());
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

fn field(line: &mut Line, name: &'static str, count: u64) {
    if count > 0 {
        line.u64(name, count);
    }
}

/// Writers and loggers choose by an event's metadata; the report is no event, but has its own.
struct ReportCallsite;

static CALLSITE: ReportCallsite = ReportCallsite;
static REPORT: Metadata<'static> = metadata! {
    name: "log lines dropped",
    target: "otelier::log",
    level: Level::WARN,
    fields: &[],
    callsite: &CALLSITE,
    kind: Kind::EVENT,
};

impl Callsite for ReportCallsite {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &REPORT
    }
}
