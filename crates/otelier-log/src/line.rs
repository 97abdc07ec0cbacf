mod frame;
mod value;

use opentelemetry::Key;
use opentelemetry::logs::AnyValue;

use crate::escape::{self, Style};
use crate::keys::{self, Names};
use crate::span::SpanFields;
use crate::timestamp::Timestamps;

/// The longest line in bytes, with its line feed: container runtimes split lines of 16,384 bytes.
pub(crate) const MAX_LINE: usize = 16_383;

/// What a value may need after its key: any scalar, or a cut string or error with all its marks.
const MIN_ROOM: usize = 96;

const CUT: &str = "…";

/// One line in the making, bounded. Also what a span's fields are encoded in.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) bytes: Vec<u8>,
    /// Where a span's fields lie in `bytes`.
    pub(crate) fields: Vec<Field>,
    /// The message and the fields for OTLP, if they are wanted.
    pub(crate) body: Option<String>,
    pub(crate) attributes: Vec<(Key, AnyValue)>,
    /// At least this many bytes found no room.
    pub(crate) lost: usize,
    purpose: Purpose,
    layout: Layout,
    /// Whether values are kept for OTLP beside their bytes.
    typed: bool,
    /// Where the fields must end.
    limit: usize,
    names: Names,
    timestamps: Timestamps,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Purpose {
    #[default]
    Event,
    /// An event of our own: its names differ, are not reserved and need no escape.
    Own,
    Span,
}

/// How a line is put together; values are the same in all layouts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Layout {
    #[default]
    Json,
    Human {
        ansi: bool,
    },
}

/// A field in a span's bytes: the key from its comma to its colon, then the value.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) start: usize,
    pub(crate) value: usize,
    /// Equal to `start` if the field found no room.
    pub(crate) end: usize,
    pub(crate) lost: usize,
    pub(crate) typed: Option<AnyValue>,
}

impl Line {
    /// Empties the line for an event. Its fields leave room for `statics` and what else ends a line.
    pub(crate) fn start_event(&mut self, layout: Layout, typed: bool, statics: &[u8]) {
        self.start(Purpose::Event, layout, typed);
        self.limit -= Self::reserved(statics);
    }

    /// Says that the fields to come are this crate's own, whose names need no look.
    pub(crate) fn own_fields(&mut self) {
        self.purpose = Purpose::Own;
    }

    /// Empties the line for a span's fields alone.
    pub(crate) fn start_span(&mut self, typed: bool) {
        self.start(Purpose::Span, Layout::Json, typed);
    }

    fn start(&mut self, purpose: Purpose, layout: Layout, typed: bool) {
        self.bytes.clear();
        self.fields.clear();
        self.body = None;
        self.attributes.clear();
        self.lost = 0;
        (self.purpose, self.layout, self.typed) = (purpose, layout, typed);
        self.limit = MAX_LINE;
        self.names.clear();
    }

    /// Adds a field unless one that ranks higher has its name. `write` writes the value, whose text
    /// has `size` bytes as far as that is known, and returns it for OTLP.
    pub(crate) fn field(
        &mut self,
        name: &'static str,
        size: usize,
        write: impl FnOnce(&mut Self) -> Option<AnyValue>,
    ) {
        if self.purpose != Purpose::Span && self.is_full() {
            self.lose(name.len() + size);
            return;
        }
        if self.purpose != Purpose::Own && !self.names.claim(name) {
            return;
        }
        let (start, lost) = (self.bytes.len(), self.lost);
        let (value, typed) = if self.push_key(name) {
            (self.bytes.len(), write(self))
        } else {
            self.lose(name.len() + size);
            (start, None)
        };
        match self.purpose {
            Purpose::Event | Purpose::Own => self
                .attributes
                .extend(typed.map(|typed| (keys::otlp(name), typed))),
            Purpose::Span => self.fields.push(Field {
                name,
                start,
                value,
                end: self.bytes.len(),
                lost: self.lost - lost,
                typed,
            }),
        }
    }

    /// Adds a span's fields, except those whose names are taken.
    pub(crate) fn copy(&mut self, span: &SpanFields) {
        let names = span.fields.iter().map(|field| field.name);
        if self.layout == Layout::Json
            && !self.typed
            && span.bytes.len() <= self.half_room()
            && self.names.claim_all(span.bits, names)
        {
            self.put(&span.bytes);
            self.lose(span.lost());
            return;
        }
        for field in &span.fields {
            let encoded = span.encoded(field);
            if self.is_full() {
                self.lose(encoded.len() + field.lost);
            } else if self.names.claim(field.name) {
                self.lose(field.lost);
                if self.paste(encoded, field.value - field.start)
                    && self.typed
                    && let Some(typed) = &field.typed
                {
                    self.attributes
                        .push((keys::otlp(field.name), typed.clone()));
                }
            }
        }
    }

    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn lose(&mut self, bytes: usize) {
        self.lost = self.lost.saturating_add(bytes);
    }

    fn room(&self) -> usize {
        self.limit.saturating_sub(self.bytes.len())
    }

    /// What the text of one value may take: however long some are, there is room for further ones.
    fn half_room(&self) -> usize {
        self.room() / 2
    }

    fn is_full(&self) -> bool {
        self.room() < MIN_ROOM
    }

    /// Writes a field's key, or nothing if no value would fit after it: a cut key could be another's.
    fn push_key(&mut self, name: &str) -> bool {
        let start = self.bytes.len();
        self.open_key();
        if self.purpose == Purpose::Own {
            self.put(name.as_bytes());
            self.close_key();
            return true;
        }
        if keys::is_reserved(name) {
            self.put(keys::PREFIX.as_bytes());
        }
        let limit = self.bytes.len() + self.half_room();
        let taken = escape::push(&mut self.bytes, name, limit, Style::Json);
        self.close_key();
        let fits = taken == name.len() && !self.is_full();
        if !fits {
            self.bytes.truncate(start);
        }
        fits
    }

    fn open_key(&mut self) {
        match self.layout {
            Layout::Json => self.put(b",\""),
            Layout::Human { .. } => self.put(b" "),
        }
    }

    fn close_key(&mut self) {
        match self.layout {
            Layout::Json => self.put(b"\":"),
            Layout::Human { .. } => self.put(b"="),
        }
    }

    /// Copies an encoded field; false if not even a part of its value fits.
    fn paste(&mut self, encoded: &[u8], key: usize) -> bool {
        if encoded.is_empty() {
            return false;
        }
        let start = self.bytes.len();
        let (key, value) = encoded.split_at(key);
        match self.layout {
            Layout::Json if encoded.len() <= self.half_room() => {
                self.put(encoded);
                return true;
            }
            Layout::Json => self.put(key),
            // The key as it was escaped, without JSON's `,"` and `":`.
            Layout::Human { .. } => {
                self.put(b" ");
                self.put(key.get(2..key.len().wrapping_sub(2)).unwrap_or(key));
                self.put(b"=");
            }
        }
        let done = if let [b'"', body @ .., b'"'] = value
            && !self.is_full()
        {
            let taken = escape::floor_escape_boundary(body, self.half_room());
            self.put(b"\"");
            self.put(&body[..taken]);
            self.mark_cut(body.len() - taken);
            self.put(b"\"");
            true
        } else if value.len() <= self.room() {
            self.put(value);
            true
        } else {
            false
        };
        if !done {
            self.bytes.truncate(start);
            self.lose(encoded.len());
        }
        done
    }
}
