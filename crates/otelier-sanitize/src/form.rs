//! What a special character becomes.

use crate::output::Output;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As in a Rust literal: `\n`, `\x1b`, `\u{202e}`.
    Literal,
    /// Nothing.
    Nothing,
    /// This character.
    Replacement(char),
    /// As in a JSON string (RFC 8259, section 7).
    Json,
}

impl Form {
    /// No byte becomes more bytes: a control in JSON.
    pub(crate) const MAX_GROWTH: usize = 6;

    /// Writes what `c` becomes.
    #[inline(always)]
    pub(crate) fn push<O: Output>(self, out: &mut O, c: char) -> Result<(), O::Error> {
        match self {
            Form::Literal => push_literal(out, c),
            Form::Json => push_json(out, c),
            Form::Nothing => Ok(()),
            Form::Replacement(replacement) => out.push(replacement.encode_utf8(&mut [0; 4])),
        }
    }

    /// The bytes of what `c` becomes.
    pub(crate) fn len(self, c: char) -> usize {
        match (self, c) {
            (Form::Literal | Form::Json, '\n' | '\r' | '\t' | '\\') => 2,
            (Form::Json, '"' | '\x08' | '\x0c') => 2,
            (Form::Json, _) => 6 * c.len_utf16(),
            (Form::Literal, '\0'..='\x7f') => 4,
            (Form::Literal, _) => 4 + hex_digits(c),
            (Form::Nothing, _) => 0,
            (Form::Replacement(replacement), _) => replacement.len_utf8(),
        }
    }

    /// What a byte becomes that is not part of a character.
    pub(crate) fn of_byte(self, byte: u8, buffer: &mut [u8; 4]) -> &str {
        match self {
            Form::Literal | Form::Json => escaped_byte(byte),
            Form::Nothing => "",
            Form::Replacement(replacement) => replacement.encode_utf8(buffer),
        }
    }
}

#[inline(always)]
fn push_literal<O: Output>(out: &mut O, c: char) -> Result<(), O::Error> {
    match c {
        '\n' => out.push("\\n"),
        '\r' => out.push("\\r"),
        '\t' => out.push("\\t"),
        '\\' => out.push("\\\\"),
        '\0'..='\x7f' => out.push(escaped_byte(c as u8)),
        _ => push_unicode(out, c),
    }
}

/// `\u{N}`, in lower case and without leading zeros.
fn push_unicode<O: Output>(out: &mut O, c: char) -> Result<(), O::Error> {
    out.push("\\u{")?;
    let bytes = u32::from(c).to_be_bytes();
    let odd = hex_digits(c) % 2;
    let pairs = hex_digits(c) / 2;
    if odd == 1 {
        out.push(&hex(bytes[3 - pairs])[1..])?;
    }
    for &byte in &bytes[4 - pairs..] {
        out.push(hex(byte))?;
    }
    out.push("}")
}

fn hex_digits(c: char) -> usize {
    u32::from(c)
        .checked_ilog2()
        .map_or(1, |log| log as usize / 4 + 1)
}

#[inline(always)]
fn push_json<O: Output>(out: &mut O, c: char) -> Result<(), O::Error> {
    match c {
        '"' => out.push("\\\""),
        '\\' => out.push("\\\\"),
        '\n' => out.push("\\n"),
        '\r' => out.push("\\r"),
        '\t' => out.push("\\t"),
        '\x08' => out.push("\\b"),
        '\x0c' => out.push("\\f"),
        '\0'..='\x7f' => {
            out.push("\\u00")?;
            out.push(hex(c as u8))
        }
        _ => push_utf16(out, c),
    }
}

/// `\uNNNN`, or two of them.
fn push_utf16<O: Output>(out: &mut O, c: char) -> Result<(), O::Error> {
    for unit in c.encode_utf16(&mut [0; 2]) {
        let [high, low] = unit.to_be_bytes();
        out.push("\\u")?;
        out.push(hex(high))?;
        out.push(hex(low))?;
    }
    Ok(())
}

/// `\xNN`
#[inline]
fn escaped_byte(byte: u8) -> &'static str {
    let at = usize::from(byte) * 4;
    &ESCAPED_BYTES[at..at + 4]
}

/// `NN`
#[inline]
fn hex(byte: u8) -> &'static str {
    let at = usize::from(byte) * 4;
    &ESCAPED_BYTES[at + 2..at + 4]
}

static ESCAPED_BYTES: &str = {
    static ESCAPES: [[u8; 4]; 256] = {
        let digits = b"0123456789abcdef";
        let mut escapes = [*b"\\x00"; 256];
        let mut byte = 0;
        while byte < escapes.len() {
            escapes[byte][2] = digits[byte >> 4];
            escapes[byte][3] = digits[byte & 0xf];
            byte += 1;
        }
        escapes
    };
    match str::from_utf8(ESCAPES.as_flattened()) {
        Ok(text) => text,
        Err(_) => unreachable!(),
    }
};

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn the_length_is_that_of_what_is_written() {
        let forms = [
            Form::Literal,
            Form::Json,
            Form::Nothing,
            Form::Replacement('é'),
        ];
        for c in
            ('\0'..='\u{fff}').chain(['\u{1000}', '\u{ffff}', '\u{10000}', '\u{e0041}', char::MAX])
        {
            for form in forms {
                let mut out = String::new();
                let Ok(()) = form.push(&mut out, c);
                assert_eq!(form.len(c), out.len(), "{c:?} as {form:?}: {out}");
                assert!(out.len() <= Form::MAX_GROWTH * c.len_utf8());
            }
        }
    }
}
