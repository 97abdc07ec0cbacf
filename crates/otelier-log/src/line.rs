mod cut;
mod decimal;
mod fingerprint;
mod foreign;
mod frame;
mod request;
mod spans;
mod value;

use opentelemetry::Key as OtlpKey;
use opentelemetry::logs::AnyValue;

use crate::fingerprint::Fingerprint;
use crate::ids::Ids;
use crate::schema::{Callsite, Key, Layout, Schema};
use crate::timestamp::Timestamps;

use cut::hex;
use request::RequestIds;
pub(crate) use spans::SpanFields;

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
    /// Their values for OTLP, one each if they are wanted.
    pub(crate) typed_fields: Vec<Option<(OtlpKey, AnyValue)>>,
    pub(crate) ids: Ids,
    /// The message and the fields for OTLP, if they are wanted.
    pub(crate) body: Option<String>,
    pub(crate) attributes: Vec<(OtlpKey, AnyValue)>,
    /// At least this many bytes found no room.
    pub(crate) lost: usize,
    /// Fields left out because one of their name that ranks higher was there.
    pub(crate) shadowed: u64,
    layout: Layout,
    is_span: bool,
    /// What an error's line has said so far.
    fingerprint: Option<Fingerprint>,
    unescaped: Vec<u8>,
    /// Whether values are kept for OTLP beside their bytes.
    typed: bool,
    /// Where the fields must end.
    limit: usize,
    keys: TakenKeys,
    /// Where the object of the fields begins.
    nest: Option<usize>,
    timestamps: Timestamps,
    /// The ids of the request that the thread logged for last, encoded.
    request: Option<RequestIds>,
    /// The thread's name, encoded, once a line has wanted it.
    thread: Option<Vec<u8>>,
}

/// A field in a span's bytes, which are fewer than 2¹⁶: the key from its comma to its colon, then the
/// value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// The key's.
    pub(crate) id: u32,
    pub(crate) start: u16,
    pub(crate) value: u16,
    /// Equal to `start` if the field found no room.
    pub(crate) end: u16,
    pub(crate) lost: u32,
}

impl Line {
    /// Empties the line for an event, whose fields leave room for what ends a line.
    pub(crate) fn start_event(&mut self, schema: &Schema, callsite: &Callsite, typed: bool) {
        self.start(schema.layout, typed);
        self.limit -= schema.reserved + callsite.source.len();
        self.fingerprint = callsite.fingerprint;
        self.is_span = false;
    }

    /// Empties the line for a span's fields alone.
    pub(crate) fn start_span(&mut self, layout: Layout, typed: bool) {
        self.start(layout, typed);
        self.is_span = true;
    }

    fn start(&mut self, layout: Layout, typed: bool) {
        self.bytes.clear();
        self.fields.clear();
        self.typed_fields.clear();
        self.body = None;
        self.attributes.clear();
        self.lost = 0;
        self.shadowed = 0;
        self.nest = None;
        self.fingerprint = None;
        (self.layout, self.typed) = (layout, typed);
        self.limit = MAX_LINE;
        self.keys.clear();
    }

    /// Adds a field unless one that ranks higher has its key. `write` writes the value, whose text has
    /// `size` bytes as far as that is known, and `typed` is asked for it for OTLP with what `write` gave.
    #[inline]
    fn field<W>(
        &mut self,
        key: &Key,
        size: usize,
        write: impl FnOnce(&mut Self) -> W,
        typed: impl FnOnce(W) -> AnyValue,
    ) {
        if !self.keys.take(key.id) {
            self.shadowed += 1;
            return;
        }
        let (start, lost) = (self.bytes.len(), self.lost);
        // Not a part of a key, which could be another's.
        if key.text.len() + MIN_ROOM > self.room() {
            self.lose(key.text.len() + size);
            if self.is_span {
                self.keep_field(key, start, start, lost, None);
            }
            return;
        }
        key.text.append_to(&mut self.bytes);
        let value = self.bytes.len();
        let written = write(self);
        if self.is_span {
            let typed = self.typed.then(|| typed(written));
            self.keep_field(key, start, value, lost, typed);
        } else if self.typed {
            self.attributes.push((key.otlp.clone(), typed(written)));
        }
    }

    fn keep_field(
        &mut self,
        key: &Key,
        start: usize,
        value: usize,
        lost: usize,
        typed: Option<AnyValue>,
    ) {
        let end = self.bytes.len();
        // A span's bytes end before MAX_LINE, but for some marks.
        let [start, value, end] = [start, value, end].map(|at| at as u16);
        self.fields.push(Field {
            id: key.id,
            start,
            value,
            end,
            lost: u32::try_from(self.lost - lost).unwrap_or(u32::MAX),
        });
        if self.typed {
            let typed = typed.map(|typed| (key.otlp.clone(), typed));
            self.typed_fields.push(typed);
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

    fn mark_cut(&mut self, lost: usize) {
        if lost > 0 {
            self.put(CUT.as_bytes());
            self.lose(lost);
        }
    }
}

/// The keys that a line has already: a key was taken in the line whose number stands at its id.
#[derive(Debug, Default)]
struct TakenKeys {
    lines: Vec<u32>,
    line: u32,
    /// A bit for each of them: of keys whose bits are not set none is taken.
    bits: u64,
}

/// One of 64 bits.
fn bit(id: u32) -> u64 {
    1 << (id & 63)
}

impl TakenKeys {
    fn clear(&mut self) {
        self.bits = 0;
        self.line = self.line.wrapping_add(1);
        if self.line == 0 {
            // Numbers of four billion lines ago must not count again.
            self.lines.fill(0);
            self.line = 1;
        }
    }

    /// Takes a key; false if it was taken.
    #[inline]
    fn take(&mut self, id: u32) -> bool {
        let at = id as usize;
        if at >= self.lines.len() {
            self.lines.resize(at + 16, 0);
        }
        self.bits |= bit(id);
        std::mem::replace(&mut self.lines[at], self.line) != self.line
    }

    /// Whether none of the keys with these bits is taken, as far as the bits tell.
    fn are_free(&self, bits: u64) -> bool {
        self.bits & bits == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_free_again_in_each_line_also_after_the_numbers_begin_anew() {
        let mut keys = TakenKeys::default();
        for line in [0, 1, u32::MAX - 1, u32::MAX] {
            keys.line = line;
            keys.clear();
            assert!(keys.are_free(bit(7)) && keys.take(7) && !keys.take(7));
            assert!(!keys.are_free(bit(7)) && keys.take(100) && keys.take(99));
        }
    }
}
