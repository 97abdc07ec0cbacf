use crate::ids::Ids;
use crate::keys;
use crate::line::{Field, Line, MAX_LINE};

/// What a span's extensions hold: its fields, encoded once, and the ids current when it was made.
#[derive(Debug)]
pub(crate) struct SpanFields {
    pub(crate) ids: Ids,
    pub(crate) fields: Vec<Field>,
    pub(crate) bytes: Vec<u8>,
    /// The bits of the fields' names.
    pub(crate) bits: u128,
}

impl SpanFields {
    pub(crate) fn new(ids: Ids, line: &mut Line) -> Self {
        Self {
            ids,
            bits: line
                .fields
                .iter()
                .fold(0, |bits, field| bits | keys::bit(field.name)),
            fields: line.fields.drain(..).collect(),
            bytes: line.bytes.as_slice().to_vec(),
        }
    }

    /// A field's key and value, or nothing if it found no room.
    pub(crate) fn encoded(&self, field: &Field) -> &[u8] {
        &self.bytes[field.start..field.end]
    }

    /// What the fields lost when they were encoded.
    pub(crate) fn lost(&self) -> usize {
        self.fields.iter().map(|field| field.lost).sum()
    }

    /// Takes over newly recorded values: in the place of a field's old one, so that recording a field
    /// again and again does not grow the span.
    pub(crate) fn merge(&mut self, line: &mut Line) {
        for new in line.fields.drain(..) {
            let known = |old: &Field| old.name == new.name;
            let place = self.fields.iter().position(known).unwrap_or_else(|| {
                let end = self.bytes.len();
                self.fields.push(Field {
                    start: end,
                    value: end,
                    end,
                    typed: None,
                    ..new
                });
                self.bits |= keys::bit(new.name);
                self.fields.len() - 1
            });
            self.replace(place, &line.bytes[new.start..new.end], new);
        }
    }

    /// Lets another layer, one with OTLP, add the typed values that the first one did not keep.
    pub(crate) fn add_typed(&mut self, line: &mut Line) {
        for (ours, theirs) in self.fields.iter_mut().zip(line.fields.drain(..)) {
            ours.typed = theirs.typed;
        }
    }

    fn replace(&mut self, place: usize, encoded: &[u8], new: Field) {
        let old = &mut self.fields[place];
        let (start, end) = (old.start, old.end);
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
        // Another layer, one without OTLP, may have recorded the same values.
        if new.typed.is_some() {
            old.typed = new.typed;
        }
        let new_end = old.end;
        for later in &mut self.fields[place + 1..] {
            for at in [&mut later.start, &mut later.value, &mut later.end] {
                *at = *at - end + new_end;
            }
        }
    }
}
