use std::mem;
use std::ops::Range;

use opentelemetry::Key as OtlpKey;
use opentelemetry::logs::AnyValue;
use otelier_sanitize::json_str;
use smallvec::SmallVec;

use super::cut::floor_escape_boundary;
use super::value::kept;
use super::{Line, MAX_LINE, MIN_ROOM};
use crate::ids::Ids;
use crate::line::Field;
use crate::schema::Layout;

/// A span's fields as one output writes them, encoded once, and the ids current when it was made.
#[derive(Debug)]
pub(crate) struct SpanFields {
    pub(crate) ids: Ids,
    // Few and short as a rule: no allocation of their own then.
    fields: SmallVec<[Field; 4]>,
    bytes: SmallVec<[u8; 64]>,
    /// The fields' values for OTLP, if they are wanted.
    typed: Vec<Option<(OtlpKey, AnyValue)>>,
    /// What the fields lost when they were encoded.
    lost: usize,
    /// The bits of the fields' keys.
    bits: u64,
}

impl SpanFields {
    pub(crate) fn new(ids: Ids, line: &mut Line) -> Self {
        Self {
            ids,
            bits: line.keys.bits,
            fields: SmallVec::from_slice(&line.fields),
            bytes: SmallVec::from_slice(&line.bytes),
            typed: mem::take(&mut line.typed_fields),
            lost: line.lost,
        }
    }

    /// Takes over newly recorded values: in the place of a field's old one, so that recording a field
    /// again and again does not grow the span.
    pub(crate) fn merge(&mut self, line: &mut Line) {
        self.bits |= line.keys.bits;
        let mut typed = line.typed_fields.drain(..);
        for new in &line.fields {
            let known = |old: &Field| old.id == new.id;
            let place = self.fields.iter().position(known).unwrap_or_else(|| {
                let end = self.bytes.len() as u16;
                self.fields.push(Field {
                    start: end,
                    value: end,
                    end,
                    lost: 0,
                    ..*new
                });
                self.fields.len() - 1
            });
            if let Some(typed) = typed.next() {
                self.typed.resize(self.fields.len(), None);
                self.typed[place] = typed;
            }
            self.replace(place, &line.bytes[new.range()], new);
        }
        self.lost = self.fields.iter().map(|field| field.lost as usize).sum();
    }

    fn replace(&mut self, place: usize, encoded: &[u8], new: &Field) {
        let old = &mut self.fields[place];
        let (start, end) = (old.start, old.end);
        if self.bytes.len() - old.range().len() + encoded.len() <= MAX_LINE {
            self.bytes.drain(old.range());
            self.bytes.insert_from_slice(start.into(), encoded);
            old.value = start + (new.value - new.start);
            old.end = start + (new.end - new.start);
            old.lost = new.lost;
        } else {
            self.bytes.drain(old.range());
            (old.value, old.end) = (start, start);
            old.lost = new.lost.saturating_add(encoded.len() as u32);
        }
        let new_end = old.end;
        for later in &mut self.fields[place + 1..] {
            for at in [&mut later.start, &mut later.value, &mut later.end] {
                *at = *at - end + new_end;
            }
        }
    }
}

impl Field {
    fn range(&self) -> Range<usize> {
        self.start.into()..self.end.into()
    }
}

impl Line {
    /// Adds a span's fields, except those whose keys are taken.
    pub(crate) fn copy(&mut self, span: &SpanFields) {
        let whole = self.layout == Layout::Json
            && !self.typed
            && self.keys.are_free(span.bits)
            && span.bytes.len() <= self.half_room();
        if whole {
            for field in &span.fields {
                self.keys.take(field.id);
            }
            self.put(&span.bytes);
            self.lose(span.lost);
        } else {
            self.copy_fields(span);
        }
    }

    fn copy_fields(&mut self, span: &SpanFields) {
        let start = self.bytes.len();
        let is_dimmed = self.layout == Layout::Human { ansi: true };
        if is_dimmed {
            self.put(DIM);
        }
        for (nth, field) in span.fields.iter().enumerate() {
            let typed = span.typed.get(nth).and_then(Option::as_ref);
            self.copy_field(&span.bytes[field.range()], field, typed);
        }
        if is_dimmed && self.bytes.len() == start + DIM.len() {
            self.bytes.truncate(start);
        } else if is_dimmed {
            self.put(PLAIN);
        }
    }

    fn copy_field(&mut self, encoded: &[u8], field: &Field, typed: Option<&(OtlpKey, AnyValue)>) {
        if !self.keys.take(field.id) {
            self.shadowed += 1;
            return;
        }
        self.lose(field.lost as usize);
        let pasted = self.paste(encoded, (field.value - field.start).into());
        if let Some((key, value)) = typed.filter(|_| self.typed) {
            let value = match (pasted, value) {
                (Pasted::Nothing, _) => return,
                (Pasted::Cut(body), AnyValue::String(text)) => {
                    // As much of it as the line has.
                    let taken = json_str(&mut Vec::new(), text.as_str(), body);
                    kept(text.as_str(), taken).into()
                }
                _ => value.clone(),
            };
            self.attributes.push((key.clone(), value));
        }
    }

    /// Copies an encoded field as far as it fits.
    fn paste(&mut self, encoded: &[u8], key: usize) -> Pasted {
        if encoded.is_empty() {
            return Pasted::Nothing;
        }
        let (key, value) = encoded.split_at(key);
        match value {
            _ if encoded.len() <= self.half_room() => {
                self.put(encoded);
                Pasted::Whole
            }
            [b'"', body @ .., b'"'] if key.len() + MIN_ROOM <= self.room() => {
                self.put(key);
                self.put(b"\"");
                let taken = floor_escape_boundary(body, self.half_room());
                self.put(&body[..taken]);
                self.mark_cut(body.len() - taken);
                self.put(b"\"");
                if taken < body.len() {
                    Pasted::Cut(taken)
                } else {
                    Pasted::Whole
                }
            }
            _ if encoded.len() <= self.room() => {
                self.put(encoded);
                Pasted::Whole
            }
            _ => {
                self.lose(encoded.len());
                Pasted::Nothing
            }
        }
    }
}

/// What of a field found room.
enum Pasted {
    Whole,
    /// So many bytes between the quotes of its value.
    Cut(usize),
    Nothing,
}

/// ECMA-48's faint and normal intensity.
const DIM: &[u8] = b"\x1b[2m";
const PLAIN: &[u8] = b"\x1b[0m";
