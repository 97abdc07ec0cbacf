use std::error::Error;
use std::fmt;

use tracing_core::Field;
use tracing_core::field::Visit;

use crate::line::Line;

const MESSAGE: &str = "message";

/// Takes an event's message, which stands before its fields, and nothing else.
pub(crate) struct MessageVisitor<'a> {
    line: &'a mut Line,
    done: bool,
}

impl<'a> MessageVisitor<'a> {
    pub(crate) fn new(line: &'a mut Line) -> Self {
        Self { line, done: false }
    }
}

impl Visit for MessageVisitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if !self.done && field.name() == MESSAGE {
            self.done = true;
            self.line.message_str(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !self.done && field.name() == MESSAGE {
            self.done = true;
            self.line.message_fmt(format_args!("{value:?}"));
        }
    }
}

/// Takes an event's or a span's fields.
pub(crate) struct FieldVisitor<'a> {
    line: &'a mut Line,
    message_to_come: bool,
}

impl<'a> FieldVisitor<'a> {
    /// An event's fields without the message, which [`MessageVisitor`] took. A second `message` is a
    /// field with a reserved name.
    pub(crate) fn of_event(line: &'a mut Line) -> Self {
        Self {
            line,
            message_to_come: true,
        }
    }

    pub(crate) fn of_span(line: &'a mut Line) -> Self {
        Self {
            line,
            message_to_come: false,
        }
    }

    fn name(&mut self, field: &Field) -> Option<&'static str> {
        let name = field.name();
        if self.message_to_come && name == MESSAGE {
            self.message_to_come = false;
            return None;
        }
        Some(name)
    }
}

macro_rules! record {
    ($($method:ident($type:ty) => $write:ident;)*) => {$(
        fn $method(&mut self, field: &Field, value: $type) {
            if let Some(name) = self.name(field) {
                self.line.$write(name, value);
            }
        }
    )*};
}

impl Visit for FieldVisitor<'_> {
    record! {
        record_f64(f64) => f64;
        record_i64(i64) => i64;
        record_u64(u64) => u64;
        record_i128(i128) => i128;
        record_u128(u128) => u128;
        record_bool(bool) => bool;
        record_str(&str) => str;
        record_bytes(&[u8]) => hex;
        record_error(&(dyn Error + 'static)) => error;
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if let Some(name) = self.name(field) {
            self.line.fmt(name, format_args!("{value:?}"));
        }
    }
}
