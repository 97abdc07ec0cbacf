use std::error::Error;
use std::fmt;

use tracing_core::field::Visit;
use tracing_core::span::{Attributes, Record};
use tracing_core::{Event, Field};

use crate::line::Line;
use crate::schema::{Callsite, Schema};

/// Writes an event's message, what stands between that and the fields, and the fields.
pub(crate) fn event(event: &Event<'_>, line: &mut Line, schema: &Schema, callsite: &Callsite) {
    let mut visitor = EventVisitor {
        line,
        schema,
        callsite,
        state: State::BeforeFields,
    };
    // The macros put the message first. Where it stands behind, it is fetched first.
    if callsite.message.is_some_and(|index| index > 0) {
        visitor.state = State::OnlyMessage;
        event.record(&mut visitor);
        visitor.begin_fields();
        visitor.state = State::OnlyFields;
    }
    event.record(&mut visitor);
    if visitor.state == State::BeforeFields {
        visitor.begin_fields();
    }
}

pub(crate) fn span(attributes: &Attributes<'_>, line: &mut Line, callsite: &Callsite) {
    attributes.record(&mut SpanVisitor { line, callsite });
}

pub(crate) fn record(values: &Record<'_>, line: &mut Line, callsite: &Callsite) {
    values.record(&mut SpanVisitor { line, callsite });
}

struct EventVisitor<'a> {
    line: &'a mut Line,
    schema: &'a Schema,
    callsite: &'a Callsite,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    BeforeFields,
    InFields,
    OnlyMessage,
    AfterMessage,
    OnlyFields,
}

impl EventVisitor<'_> {
    /// Whether a field is the message and due. A second `message` is a field with a reserved name.
    #[inline]
    fn is_message(&self, field: &Field) -> bool {
        let is_due = matches!(self.state, State::BeforeFields | State::OnlyMessage);
        is_due && self.callsite.message == Some(field.index())
    }

    /// Sees to it that there is one message: a hand-made event may have its field twice.
    #[inline]
    fn end_message(&mut self) {
        if self.state == State::BeforeFields {
            self.begin_fields();
        } else {
            self.state = State::AfterMessage;
        }
    }

    /// Whether a field is due that is not the message.
    #[inline]
    fn is_field(&mut self, field: &Field) -> bool {
        match self.state {
            State::InFields => true,
            State::BeforeFields => {
                self.begin_fields();
                true
            }
            State::OnlyMessage | State::AfterMessage => false,
            State::OnlyFields => self.callsite.message != Some(field.index()),
        }
    }

    fn begin_fields(&mut self) {
        self.state = State::InFields;
        self.line.context(self.schema, self.callsite);
    }
}

struct SpanVisitor<'a> {
    line: &'a mut Line,
    callsite: &'a Callsite,
}

macro_rules! visit {
    ($($method:ident($type:ty) => $write:ident, $message:literal;)*) => {
        impl Visit for EventVisitor<'_> {
            $(fn $method(&mut self, field: &Field, value: $type) {
                if self.is_message(field) {
                    self.line.message_fmt(self.schema, format_args!($message, value));
                    self.end_message();
                } else if self.is_field(field)
                    && let Some(key) = self.callsite.keys.get(field.index())
                {
                    self.line.$write(key, value);
                }
            })*

            fn record_str(&mut self, field: &Field, value: &str) {
                if self.is_message(field) {
                    self.line.message_str(self.schema, value);
                    self.end_message();
                } else if self.is_field(field)
                    && let Some(key) = self.callsite.keys.get(field.index())
                {
                    self.line.str(key, value);
                }
            }
        }

        impl Visit for SpanVisitor<'_> {
            $(fn $method(&mut self, field: &Field, value: $type) {
                if let Some(key) = self.callsite.keys.get(field.index()) {
                    self.line.$write(key, value);
                }
            })*

            fn record_str(&mut self, field: &Field, value: &str) {
                if let Some(key) = self.callsite.keys.get(field.index()) {
                    self.line.str(key, value);
                }
            }
        }
    };
}

visit! {
    record_f64(f64) => f64, "{:?}";
    record_i64(i64) => i64, "{:?}";
    record_u64(u64) => u64, "{:?}";
    record_i128(i128) => i128, "{:?}";
    record_u128(u128) => u128, "{:?}";
    record_bool(bool) => bool, "{:?}";
    record_bytes(&[u8]) => hex, "{:02x?}";
    record_error(&(dyn Error + 'static)) => error, "{}";
    record_debug(&dyn fmt::Debug) => debug, "{:?}";
}
