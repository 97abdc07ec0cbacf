use std::error::Error;
use std::fmt;
use std::time::Duration;

use opentelemetry::Key as OtlpKey;
use opentelemetry::logs::AnyValue;
use otelier_sanitize::{Policy, json_str};

use super::decimal::Decimal;
use super::{CUT, Line, hex};
use crate::error::Report;
use crate::schema::{Key, Layout, Schema};

/// Where text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Between the quotes of a JSON string.
    Json,
    /// Bare, for people: quotes and backslashes stay as they are.
    Bare,
}

impl Line {
    pub(crate) fn message_str(&mut self, schema: &Schema, message: &str) {
        self.message(schema, |line, limit, style| {
            let taken = line.push(message, limit, style);
            line.mark_cut(message.len() - taken);
            line.typed.then(|| kept(message, taken))
        });
    }

    pub(crate) fn message_fmt(&mut self, schema: &Schema, message: fmt::Arguments<'_>) {
        self.message(schema, |line, limit, style| {
            line.foreign(message, limit, style)
        });
    }

    pub(crate) fn str(&mut self, key: &Key, value: &str) {
        let write = |line: &mut Self| {
            let start = line.bytes.len();
            let taken = line.string(value);
            if key.is_error {
                // Without the quotes around it.
                line.fold(start + 1..line.bytes.len() - 1);
            }
            taken
        };
        self.field(key, value.len(), write, |taken| kept(value, taken).into());
    }

    pub(crate) fn i64(&mut self, key: &Key, value: i64) {
        self.scalar(key, itoa::Buffer::new().format(value).as_bytes(), || {
            value.into()
        });
    }

    pub(crate) fn u64(&mut self, key: &Key, value: u64) {
        self.scalar(key, itoa::Buffer::new().format(value).as_bytes(), || {
            // OTLP's integers are signed.
            i64::try_from(value).map_or_else(|_| value.to_string().into(), AnyValue::from)
        });
    }

    pub(crate) fn i128(&mut self, key: &Key, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.i64(key, value),
            Err(_) => self.str(key, itoa::Buffer::new().format(value)),
        }
    }

    pub(crate) fn u128(&mut self, key: &Key, value: u128) {
        match i64::try_from(value) {
            Ok(value) => self.i64(key, value),
            Err(_) => self.str(key, itoa::Buffer::new().format(value)),
        }
    }

    pub(crate) fn f64(&mut self, key: &Key, value: f64) {
        if let Some(decimal) = Decimal::of(value) {
            return self.scalar(key, decimal.as_bytes(), || value.into());
        }
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
        self.scalar(key, text.as_bytes(), || value.into());
    }

    /// Milliseconds with a fraction, to the nanosecond.
    pub(crate) fn millis(&mut self, key: &Key, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let decimal = Decimal::new(false, nanos);
        self.scalar(key, decimal.as_bytes(), || (nanos as f64 / 1e6).into());
    }

    pub(crate) fn bool(&mut self, key: &Key, value: bool) {
        let text = if value { "true" } else { "false" };
        self.scalar(key, text.as_bytes(), || value.into());
    }

    pub(crate) fn hex(&mut self, key: &Key, value: &[u8]) {
        let write = |line: &mut Self| {
            let taken = value.len().min(line.half_room() / 2);
            line.put(b"\"");
            for &byte in &value[..taken] {
                line.put(hex([byte]).as_flattened());
            }
            line.mark_cut((value.len() - taken) * 2);
            line.put(b"\"");
            taken
        };
        let size = value.len() * 2;
        self.field(key, size, write, |taken| value[..taken].into());
    }

    pub(crate) fn fmt(&mut self, key: &Key, value: fmt::Arguments<'_>) {
        let write = |line: &mut Self| line.foreign_string(value, key.is_error);
        self.field(key, 0, write, |text| text.unwrap_or_default().into());
    }

    pub(crate) fn debug(&mut self, key: &Key, value: &dyn fmt::Debug) {
        self.fmt(key, format_args!("{value:?}"));
    }

    pub(crate) fn error(&mut self, key: &Key, error: &(dyn Error + 'static)) {
        let write = |line: &mut Self| line.error_object(error);
        self.field(key, 0, write, |parts| parts.into_iter().collect());
    }

    /// Writes an error's object; returns its parts for OTLP if they are wanted.
    fn error_object(&mut self, error: &(dyn Error + 'static)) -> Vec<(OtlpKey, AnyValue)> {
        let mut typed = Vec::new();
        self.put(b"{\"message\":");
        if let Some(message) = self.foreign_string(format_args!("{error}"), true) {
            typed.push((OtlpKey::from("message"), message.into()));
        }
        let chain = self.chain(error);
        if !chain.is_empty() {
            typed.push((OtlpKey::from("chain"), chain.into_iter().collect()));
        }
        let report = error.downcast_ref::<Report>();
        let type_name = report.and_then(|report| report.type_name);
        let stacktrace = report.and_then(|report| report.stacktrace.as_deref());
        for (key, text) in [("type", type_name), ("stacktrace", stacktrace)] {
            let Some(text) = text else { continue };
            if self.is_full() {
                self.lose(key.len() + text.len());
                continue;
            }
            self.put(b",\"");
            self.put(key.as_bytes());
            self.put(b"\":");
            let taken = self.string(text);
            if self.typed {
                typed.push((OtlpKey::from(key), kept(text, taken).into()));
            }
        }
        self.put(b"}");
        typed
    }

    /// Appends text as far as it fits before `limit`; returns how many bytes of it that were.
    #[inline]
    pub(super) fn push(&mut self, text: &str, limit: usize, style: Style) -> usize {
        let room = limit.saturating_sub(self.bytes.len());
        match style {
            Style::Json => json_str(&mut self.bytes, text, room),
            Style::Bare => Policy::escape().append(&mut self.bytes, text, room),
        }
    }

    /// Writes a JSON string; returns how many bytes of `text` it holds.
    fn string(&mut self, text: &str) -> usize {
        self.put(b"\"");
        let taken = self.push(text, self.bytes.len() + self.half_room(), Style::Json);
        self.mark_cut(text.len() - taken);
        self.put(b"\"");
        taken
    }

    /// Frames a message and keeps it as OTLP's body.
    fn message(
        &mut self,
        schema: &Schema,
        write: impl FnOnce(&mut Self, usize, Style) -> Option<String>,
    ) {
        let (after, style): (&[u8], _) = match schema.layout {
            Layout::Json => {
                schema.message.append_to(&mut self.bytes);
                (b"\"", Style::Json)
            }
            Layout::Human { .. } => {
                self.put(b" ");
                (b"", Style::Bare)
            }
        };
        let limit = self.bytes.len() + self.half_room();
        let start = self.bytes.len();
        self.body = write(self, limit, style);
        match style {
            Style::Json => self.fold(start..self.bytes.len()),
            // Only an OTLP record then has the fingerprint, and if there is one there is a body.
            Style::Bare => self.fold_body(),
        }
        self.put(after);
    }

    fn scalar(&mut self, key: &Key, text: &[u8], typed: impl FnOnce() -> AnyValue) {
        let write = |line: &mut Self| line.put(text);
        self.field(key, text.len(), write, |()| typed());
    }
}

/// What is kept for OTLP of a text of which `taken` bytes were written.
pub(super) fn kept(text: &str, taken: usize) -> String {
    if taken == text.len() {
        return text.to_owned();
    }
    format!("{}{CUT}", &text[..taken])
}
