use crate::form::Form;
use crate::special::{is_plain, is_special};
use crate::write::floor_char_boundary;
use crate::{Buffer, Escaped, Writer};
use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

/// What becomes of special characters, which of them may stay, and how long the result may be.
///
/// ```
/// use otelier_sanitize::Policy;
///
/// let policy = Policy::strip().allow_tab_and_newline().max_len(9);
/// assert_eq!(policy.sanitize("a\u{202e}b\tc\u{7}\ndéfgh"), "ab\tc\ndéf");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Policy {
    pub(crate) form: Form,
    pub(crate) is_reversible: bool,
    pub(crate) keeps_tab_and_newline: bool,
    pub(crate) keeps_joiners: bool,
    pub(crate) keeps_sgr: bool,
    pub(crate) max_len: usize,
}

impl Policy {
    /// Special characters are shown as in a Rust literal: `\n`, `\x1b`, `\u{202e}`. Backslashes stay as
    /// they are: sanitised again, the result stays the same, but a `\n` in it may have been a newline or
    /// these two characters.
    pub const fn escape() -> Self {
        Self::new(Form::Literal)
    }

    /// As [`escape`](Self::escape), and backslashes are doubled, so that
    /// [`unsanitize`](crate::unsanitize) gives the original back. Sanitised again, they double again.
    pub const fn reversible() -> Self {
        let mut policy = Self::escape();
        policy.is_reversible = true;
        policy
    }

    /// Special characters are left out, and so are bytes that are not part of a character. What follows
    /// an ESC stays: an unterminated sequence would take the rest of the text with it.
    pub const fn strip() -> Self {
        Self::new(Form::Nothing)
    }

    /// Each special character, and each byte that is not part of a character, becomes `replacement`. One
    /// that is special itself is taken for U+FFFD.
    pub const fn replace(replacement: char) -> Self {
        Self::new(Form::Replacement(if is_special(replacement) {
            char::REPLACEMENT_CHARACTER
        } else {
            replacement
        }))
    }

    /// `"` and `\` are special too, and all is written as in a JSON string.
    pub(crate) const JSON: Self = Self::new(Form::Json);

    const fn new(form: Form) -> Self {
        Self {
            form,
            is_reversible: false,
            keeps_tab_and_newline: false,
            keeps_joiners: false,
            keeps_sgr: false,
            max_len: usize::MAX,
        }
    }

    /// Keeps tabs and newlines; not carriage returns, after which a line is written over.
    pub const fn allow_tab_and_newline(mut self) -> Self {
        self.keeps_tab_and_newline = true;
        self
    }

    /// Keeps the joiners U+200C and U+200D, which Persian and Indic words and emoji of several parts
    /// need, and U+FE0E and U+FE0F, which choose between text and emoji. Texts that differ only in these
    /// then look the same.
    pub const fn allow_joiners(mut self) -> Self {
        self.keeps_joiners = true;
        self
    }

    /// Keeps terminal colours and font styles (ECMA-48's SGR, `ESC [ … m`), but neither hidden nor
    /// blinking text and no other sequence. One that is split over two writes is not kept. Nothing ends
    /// a colour that the text leaves on.
    pub const fn allow_sgr(mut self) -> Self {
        self.keeps_sgr = true;
        self
    }

    /// At most so many bytes come out, cut between characters and between escapes, without a mark.
    /// Default: as many as the form needs.
    pub const fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
        self
    }

    /// Borrowed if nothing has to be written differently.
    pub fn sanitize<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if let Some(head) = self.clean_head(text) {
            return Cow::Borrowed(head);
        }
        let mut out = self.buffer(text.len());
        let Ok(_) = self.push(&mut out, text, self.max_len);
        Cow::Owned(out)
    }

    /// As [`sanitize`](Self::sanitize), for bytes that may not be UTF-8. Each byte that is not part of a
    /// character is treated as a special character is, and escaped as `\xNN`.
    pub fn sanitize_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        if let Ok(text) = str::from_utf8(bytes) {
            return self.sanitize(text);
        }
        let mut out = self.buffer(bytes.len());
        for chunk in bytes.utf8_chunks() {
            let room = self.max_len - out.len();
            if self.append(&mut out, chunk.valid(), room) < chunk.valid().len() {
                break;
            }
            for &byte in chunk.invalid() {
                let mut buffer = [0; 4];
                let text = self.form.of_byte(byte, &mut buffer);
                if text.len() > self.max_len - out.len() {
                    return Cow::Owned(out);
                }
                out.push_str(text);
            }
        }
        Cow::Owned(out)
    }

    /// Appends what `text` becomes to `out`, at most `room` bytes and at most
    /// [`max_len`](Self::max_len) of them, and returns how many bytes of `text` that was.
    #[inline]
    pub fn append<B: Buffer>(&self, out: &mut B, text: &str, room: usize) -> usize {
        let room = room.min(self.max_len);
        if text.len() <= room && is_plain::<true>(text.as_bytes()) {
            let Ok(()) = out.push(text);
            return text.len();
        }
        let Ok(taken) = self.push(out, text, room);
        taken
    }

    /// Sanitises while it is displayed, without a buffer.
    pub const fn escaped<'a>(&self, text: &'a str) -> Escaped<'a> {
        Escaped::new(text, *self)
    }

    /// Sanitises what is written to it on its way to `inner`.
    pub const fn writer<W: fmt::Write>(&self, inner: W) -> Writer<W> {
        Writer::new(inner, *self)
    }

    /// As much of `text` as fits, if all of that is written as it is.
    fn clean_head<'a>(&self, text: &'a str) -> Option<&'a str> {
        if text.len() <= self.max_len {
            return self.is_clean(text).then_some(text);
        }
        let (head, cut) = text.split_at(floor_char_boundary(text, self.max_len));
        let next = &cut[..cut.chars().next().map_or(0, char::len_utf8)];
        // If the next character is special, what becomes of it may fit.
        (self.is_clean(head) && self.is_clean(next)).then_some(head)
    }

    /// With room for what `len` bytes commonly become.
    fn buffer(&self, len: usize) -> String {
        String::with_capacity((len + len / 2).min(self.max_len))
    }
}

impl Default for Policy {
    /// [`Policy::escape`].
    fn default() -> Self {
        Self::escape()
    }
}
