use super::cut::floor_escape_boundary;
use super::{Line, MAX_LINE};
use crate::ids::Ids;
use crate::line::Field;
use crate::schema::Layout;

/// A span's fields as one output writes them, encoded once, and the ids current when it was made.
#[derive(Debug)]
pub(crate) struct SpanFields {
    pub(crate) ids: Ids,
    fields: Vec<Field>,
    bytes: Vec<u8>,
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
            fields: line.fields.drain(..).collect(),
            bytes: line.bytes.as_slice().to_vec(),
            lost: line.lost,
        }
    }

    /// Takes over newly recorded values: in the place of a field's old one, so that recording a field
    /// again and again does not grow the span.
    pub(crate) fn merge(&mut self, line: &mut Line) {
        self.bits |= line.keys.bits;
        for new in line.fields.drain(..) {
            let known = |old: &Field| old.id == new.id;
            let place = self.fields.iter().position(known).unwrap_or_else(|| {
                let end = self.bytes.len();
                self.fields.push(Field {
                    start: end,
                    value: end,
                    end,
                    lost: 0,
                    typed: None,
                    ..new
                });
                self.fields.len() - 1
            });
            self.replace(place, &line.bytes[new.start..new.end], new);
        }
        self.lost = self.fields.iter().map(|field| field.lost).sum();
    }

    fn replace(&mut self, place: usize, encoded: &[u8], new: Field) {
        let old = &mut self.fields[place];
        let (start, end) = (old.start, old.end);
        old.typed = new.typed;
        if self.bytes.len() - (end - start) + encoded.len() <= MAX_LINE {
            self.bytes.splice(start..end, encoded.iter().copied());
            old.value = start + (new.value - new.start);
            old.end = start + encoded.len();
            old.lost = new.lost;
        } else {
            self.bytes.drain(start..end);
            (old.value, old.end) = (start, start);
            old.lost = encoded.len();
        }
        let new_end = old.end;
        for later in &mut self.fields[place + 1..] {
            for at in [&mut later.start, &mut later.value, &mut later.end] {
                *at = *at - end + new_end;
            }
        }
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

    #[cold]
    fn copy_fields(&mut self, span: &SpanFields) {
        let start = self.bytes.len();
        let is_dimmed = self.layout == Layout::Human { ansi: true };
        if is_dimmed {
            self.put(DIM);
        }
        for field in &span.fields {
            self.copy_field(span, field);
        }
        if is_dimmed && self.bytes.len() == start + DIM.len() {
            self.bytes.truncate(start);
        } else if is_dimmed {
            self.put(PLAIN);
        }
    }

    fn copy_field(&mut self, span: &SpanFields, field: &Field) {
        if !self.keys.take(field.id) {
            self.shadowed += 1;
            return;
        }
        self.lose(field.lost);
        let encoded = &span.bytes[field.start..field.end];
        if self.paste(encoded, field.value - field.start)
            && self.typed
            && let Some(typed) = &field.typed
        {
            self.attributes.push(typed.clone());
        }
    }

    /// Copies an encoded field; false if not even a part of its value fits.
    fn paste(&mut self, encoded: &[u8], key: usize) -> bool {
        if encoded.is_empty() {
            return false;
        }
        if encoded.len() <= self.half_room() {
            self.put(encoded);
            return true;
        }
        let (key, value) = encoded.split_at(key);
        match value {
            [b'"', body @ .., b'"'] if key.len() + super::MIN_ROOM <= self.room() => {
                self.put(key);
                self.put(b"\"");
                let taken = floor_escape_boundary(body, self.half_room());
                self.put(&body[..taken]);
                self.mark_cut(body.len() - taken);
                self.put(b"\"");
                true
            }
            _ if encoded.len() <= self.room() => {
                self.put(encoded);
                true
            }
            _ => {
                self.lose(encoded.len());
                false
            }
        }
    }
}

/// ECMA-48's faint and normal intensity.
const DIM: &[u8] = b"\x1b[2m";
const PLAIN: &[u8] = b"\x1b[0m";
