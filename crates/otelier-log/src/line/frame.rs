use std::time::SystemTime;

use otelier_context::{TenantId, UserId};
use tracing_core::{Level, Metadata};

use crate::escape::{self, Style, hex};
use crate::ids::Ids;
use crate::line::{Layout, Line};

/// The longest target in bytes as written; a path of modules is shorter.
const MAX_TARGET: usize = 256;

/// `,"truncated_bytes":` with the largest number, and the end of the line.
const MAX_END: usize = 48;

/// ` trace=` and ` request=` with their shortened ids.
const MAX_HUMAN_IDS: usize = 36;

impl Line {
    /// Writes all that stands before the fields.
    pub(crate) fn head(
        &mut self,
        time: SystemTime,
        metadata: &Metadata<'_>,
        ids: &Ids,
        message: impl FnOnce(&mut Self),
    ) {
        let time = self.timestamps.render(time);
        match self.layout {
            Layout::Json => {
                self.put(b"{\"timestamp\":\"");
                self.put(&time);
                self.put(b"\",\"level\":\"");
                self.put(metadata.level().as_str().as_bytes());
                self.put(b"\"");
                message(self);
                self.put(b",\"target\":");
                self.string_within(metadata.target(), MAX_TARGET);
                self.json_ids(ids);
            }
            Layout::Human { ansi } => {
                self.put(&time[11..23]);
                self.put(b"Z ");
                self.put(human_level(*metadata.level(), ansi).as_bytes());
                self.put(b" ");
                let limit = self.bytes.len() + MAX_TARGET;
                escape::push(&mut self.bytes, metadata.target(), limit, Style::Bare);
                self.put(b":");
                message(self);
            }
        }
    }

    /// Writes all that stands after the fields; `statics` are encoded fields of JSON lines.
    pub(crate) fn end(&mut self, ids: &Ids, statics: &[u8]) {
        let (lost, end): (&[u8], &[u8]) = match self.layout {
            Layout::Json => {
                self.put(statics);
                (b",\"truncated_bytes\":", b"}\n")
            }
            Layout::Human { .. } => {
                self.human_ids(ids);
                (b" truncated_bytes=", b"\n")
            }
        };
        if self.lost > 0 {
            self.put(lost);
            self.put(itoa::Buffer::new().format(self.lost).as_bytes());
        }
        self.put(end);
    }

    /// What [`Line::end`] writes at most.
    pub(super) fn reserved(statics: &[u8]) -> usize {
        statics.len().max(MAX_HUMAN_IDS) + MAX_END
    }

    fn json_ids(&mut self, ids: &Ids) {
        if let Some(trace) = ids.trace {
            let mut text = *br#","trace_id":"00000000000000000000000000000000","span_id":"0000000000000000","trace_flags":"00""#;
            text[13..45].copy_from_slice(hex(trace.trace_id.to_bytes()).as_flattened());
            text[58..74].copy_from_slice(hex(trace.span_id.to_bytes()).as_flattened());
            text[91..93].copy_from_slice(&hex([trace.flags.to_u8()])[0]);
            self.put(&text);
        }
        // These consist of characters that need no escape, by their types' rules.
        if let Some(request) = &ids.request {
            let mut buffer = [0; 36];
            let id = Some(request.id().encode(&mut buffer));
            let tenant = request.tenant().map(TenantId::as_str);
            let user = request.user().map(UserId::as_str);
            for (key, id) in [("request", id), ("tenant", tenant), ("user", user)] {
                let Some(id) = id else { continue };
                self.put(b",\"");
                self.put(key.as_bytes());
                self.put(b"_id\":\"");
                self.put(id.as_bytes());
                self.put(b"\"");
            }
        }
    }

    /// The ids shortened: a trace's first eight digits, and the random end of a request's.
    fn human_ids(&mut self, ids: &Ids) {
        if let Some(trace) = ids.trace {
            self.put(b" trace=");
            self.put(&hex(trace.trace_id.to_bytes()).as_flattened()[..8]);
        }
        if let Some(request) = &ids.request {
            let mut buffer = [0; 36];
            let id = request.id().encode(&mut buffer).as_bytes();
            self.put(b" request=");
            self.put(&id[id.len().saturating_sub(12)..]);
        }
    }
}

fn human_level(level: Level, ansi: bool) -> &'static str {
    match (level, ansi) {
        (Level::ERROR, false) => "ERROR",
        (Level::WARN, false) => " WARN",
        (Level::INFO, false) => " INFO",
        (Level::DEBUG, false) => "DEBUG",
        (Level::TRACE, false) => "TRACE",
        (Level::ERROR, true) => "\x1b[31mERROR\x1b[0m",
        (Level::WARN, true) => "\x1b[33m WARN\x1b[0m",
        (Level::INFO, true) => "\x1b[32m INFO\x1b[0m",
        (Level::DEBUG, true) => "\x1b[34mDEBUG\x1b[0m",
        (Level::TRACE, true) => "\x1b[35mTRACE\x1b[0m",
    }
}
