use std::error::Error;
use std::fmt::{self, Write as _};
use std::iter::successors;
use std::time::Duration;

use opentelemetry::Key;
use opentelemetry::logs::AnyValue;

use crate::escape::{self, Style, hex};
use crate::foreign::isolated;
use crate::line::{CUT, Layout, Line};

/// How many sources of an error are written; its chain may be a circle.
const MAX_CHAIN: usize = 16;

impl Line {
    pub(crate) fn message_str(&mut self, message: &str) {
        self.message(|line, limit, style| {
            let taken = escape::push(&mut line.bytes, message, limit, style);
            line.mark_cut(message.len() - taken);
            line.typed.then(|| kept(message, taken))
        });
    }

    pub(crate) fn message_fmt(&mut self, message: fmt::Arguments<'_>) {
        self.message(|line, limit, style| line.foreign(message, limit, style));
    }

    pub(crate) fn str(&mut self, name: &'static str, value: &str) {
        self.field(name, value.len(), |line| {
            let taken = line.string(value);
            line.typed.then(|| kept(value, taken).into())
        });
    }

    pub(crate) fn i64(&mut self, name: &'static str, value: i64) {
        self.scalar(name, itoa::Buffer::new().format(value), || value.into());
    }

    pub(crate) fn u64(&mut self, name: &'static str, value: u64) {
        self.scalar(name, itoa::Buffer::new().format(value), || {
            // OTLP's integers are signed.
            i64::try_from(value).map_or_else(|_| value.to_string().into(), AnyValue::from)
        });
    }

    pub(crate) fn i128(&mut self, name: &'static str, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.i64(name, value),
            Err(_) => self.str(name, itoa::Buffer::new().format(value)),
        }
    }

    pub(crate) fn u128(&mut self, name: &'static str, value: u128) {
        match i64::try_from(value) {
            Ok(value) => self.i64(name, value),
            Err(_) => self.str(name, itoa::Buffer::new().format(value)),
        }
    }

    pub(crate) fn f64(&mut self, name: &'static str, value: f64) {
        let mut buffer = zmij::Buffer::new();
        let text = if value.is_finite() {
            buffer.format_finite(value)
        } else if value.is_nan() {
            "\"NaN\""
        } else if value > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        };
        self.scalar(name, text, || value.into());
    }

    /// Milliseconds with a fraction, to the nanosecond.
    pub(crate) fn millis(&mut self, name: &'static str, duration: Duration) {
        let nanos = duration.as_nanos();
        let mut whole = itoa::Buffer::new();
        let whole = whole.format(nanos / 1_000_000);
        let mut fraction = *b".000000";
        let mut rest = nanos % 1_000_000;
        for digit in fraction[1..].iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        let last = fraction.iter().rposition(|digit| *digit != b'0');
        let fraction = &fraction[..=last.unwrap_or(0).max(1)];
        self.field(name, whole.len() + fraction.len(), |line| {
            line.put(whole.as_bytes());
            line.put(fraction);
            line.typed.then(|| (nanos as f64 / 1e6).into())
        });
    }

    pub(crate) fn bool(&mut self, name: &'static str, value: bool) {
        let text = if value { "true" } else { "false" };
        self.scalar(name, text, || value.into());
    }

    pub(crate) fn hex(&mut self, name: &'static str, value: &[u8]) {
        self.field(name, value.len() * 2, |line| {
            let taken = value.len().min(line.half_room() / 2);
            line.put(b"\"");
            for &byte in &value[..taken] {
                line.put(hex([byte]).as_flattened());
            }
            line.mark_cut((value.len() - taken) * 2);
            line.put(b"\"");
            line.typed.then(|| value[..taken].into())
        });
    }

    pub(crate) fn fmt(&mut self, name: &'static str, value: fmt::Arguments<'_>) {
        self.field(name, 0, |line| {
            line.foreign_string(value).map(AnyValue::from)
        });
    }

    pub(crate) fn error(&mut self, name: &'static str, error: &(dyn Error + 'static)) {
        self.field(name, 0, |line| {
            line.put(b"{\"message\":");
            let message = line.foreign_string(format_args!("{error}"));
            let chain = line.chain(error);
            line.put(b"}");
            let message = (Key::from("message"), AnyValue::from(message?));
            let chain =
                (!chain.is_empty()).then(|| (Key::from("chain"), chain.into_iter().collect()));
            Some([message].into_iter().chain(chain).collect())
        });
    }

    /// Writes a JSON string; returns how many bytes of `text` it holds.
    pub(crate) fn string(&mut self, text: &str) -> usize {
        self.string_within(text, usize::MAX)
    }

    /// Writes a JSON string of at most `max` bytes between its quotes.
    pub(crate) fn string_within(&mut self, text: &str, max: usize) -> usize {
        self.put(b"\"");
        let limit = self.bytes.len() + self.half_room().min(max);
        let taken = escape::push(&mut self.bytes, text, limit, Style::Json);
        self.mark_cut(text.len() - taken);
        self.put(b"\"");
        taken
    }

    /// Frames a message and keeps it as OTLP's body.
    fn message(&mut self, write: impl FnOnce(&mut Self, usize, Style) -> Option<String>) {
        let (before, after, style): (&[u8], &[u8], _) = match self.layout {
            Layout::Json => (b",\"message\":\"", b"\"", Style::Json),
            Layout::Human { .. } => (b" ", b"", Style::Bare),
        };
        self.put(before);
        let limit = self.bytes.len() + self.half_room();
        self.body = write(self, limit, style);
        self.put(after);
    }

    fn scalar(&mut self, name: &'static str, text: &str, typed: impl FnOnce() -> AnyValue) {
        self.field(name, text.len(), |line| {
            line.put(text.as_bytes());
            line.typed.then(typed)
        });
    }

    /// Writes the error's sources, if it has any, and returns them for OTLP.
    fn chain(&mut self, error: &(dyn Error + 'static)) -> Vec<String> {
        let mut typed = Vec::new();
        let mut sources = successors(source(error), |error| source(*error))
            .enumerate()
            .peekable();
        if sources.peek().is_none() {
            return typed;
        }
        self.put(b",\"chain\":[");
        for (depth, error) in sources {
            if depth > 0 {
                self.put(b",");
            }
            if depth == MAX_CHAIN || self.is_full() {
                self.put(b"\"");
                // How long the rest is, only its own code could say.
                self.mark_cut(1);
                self.put(b"\"");
                break;
            }
            typed.extend(self.foreign_string(format_args!("{error}")));
        }
        self.put(b"]");
        typed
    }

    fn foreign_string(&mut self, args: fmt::Arguments<'_>) -> Option<String> {
        self.put(b"\"");
        let limit = self.bytes.len() + self.half_room();
        let typed = self.foreign(args, limit, Style::Json);
        self.put(b"\"");
        typed
    }

    /// Runs formatting code that is not ours, which may panic, fail or never end.
    fn foreign(&mut self, args: fmt::Arguments<'_>, limit: usize, style: Style) -> Option<String> {
        let mut text = Text {
            line: self,
            limit,
            style,
            typed: String::new(),
            cut: false,
        };
        let result = isolated(|| text.write_fmt(args));
        let (mut typed, cut) = (text.typed, text.cut);
        let mark = match result {
            _ if cut => CUT,
            Some(Ok(())) => "",
            Some(Err(_)) => "<format error>",
            None => "<panicked>",
        };
        self.put(mark.as_bytes());
        self.typed.then(|| {
            typed.push_str(mark);
            typed
        })
    }

    pub(super) fn mark_cut(&mut self, lost: usize) {
        if lost > 0 {
            self.put(CUT.as_bytes());
            self.lose(lost);
        }
    }
}

fn source<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    isolated(|| error.source()).flatten()
}

/// What is kept for OTLP of a text of which `taken` bytes were written.
fn kept(text: &str, taken: usize) -> String {
    if taken == text.len() {
        return text.to_owned();
    }
    format!("{}{CUT}", &text[..taken])
}

/// Receives formatted text into a line, and as it was for OTLP, up to a limit.
struct Text<'a> {
    line: &'a mut Line,
    limit: usize,
    style: Style,
    typed: String,
    cut: bool,
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let taken = if self.cut {
            0
        } else {
            escape::push(&mut self.line.bytes, text, self.limit, self.style)
        };
        if self.line.typed {
            self.typed.push_str(&text[..taken]);
        }
        if taken < text.len() {
            self.cut = true;
            self.line.lose(text.len() - taken);
            return Err(fmt::Error);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_exact_and_end_in_no_needless_zero() {
        for (nanos, text) in [
            (0, "0.0"),
            (1, "0.000001"),
            (1_000_000, "1.0"),
            (3_749_500, "3.7495"),
            (167_825_999, "167.825999"),
            (u64::MAX, "18446744073709.551615"),
        ] {
            let mut line = Line::default();
            line.start_event(Layout::Json, false, b"");
            line.millis("ms", Duration::from_nanos(nanos));
            assert_eq!(line.bytes, format!(",\"ms\":{text}").as_bytes());
        }
    }
}
