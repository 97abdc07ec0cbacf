//! Writers for formats with rules of their own.

use crate::form::Form;
use crate::{Buffer, Policy};

/// Appends `text` as it stands between the quotes of a JSON string (RFC 8259, section 7): a parser gives
/// it back unchanged, and every special character is an escape. At most six times as long.
///
/// At most `room` bytes are appended, cut between characters and between escapes; the result is how many
/// bytes of `text` that was.
///
/// ```
/// let mut line = String::from(r#"{"message":""#);
/// otelier_sanitize::json_str(&mut line, "\"level\":\u{1b}\n", usize::MAX);
/// line.push_str(r#""}"#);
/// assert_eq!(line, r#"{"message":"\"level\":\u001b\n"}"#);
/// ```
#[inline]
pub fn json_str<B: Buffer>(out: &mut B, text: &str, room: usize) -> usize {
    Policy::JSON.append(out, text, room)
}

/// Appends `value` as the value of a logfmt pair: as it is where it is visible ASCII without `=`, `"` and
/// `\`, else in quotes and as [`json_str`] writes it. At most six times as long, and two bytes.
///
/// At most `room` bytes are appended, with both quotes or none; the result is how many bytes of `value`
/// that was.
///
/// ```
/// let mut line = String::from("user=");
/// otelier_sanitize::logfmt(&mut line, "eve level=error", usize::MAX);
/// assert_eq!(line, r#"user="eve level=error""#);
/// ```
pub fn logfmt<B: Buffer>(out: &mut B, value: &str, room: usize) -> usize {
    if !value.is_empty() && value.chars().all(is_bare) {
        let bare = &value[..value.len().min(room)];
        let Ok(()) = out.push(bare);
        return bare.len();
    }
    let Some(room) = room.checked_sub(2) else {
        return 0;
    };
    let Ok(()) = out.push("\"");
    let taken = json_str(out, value, room);
    let Ok(()) = out.push("\"");
    taken
}

/// Appends `key` as the key of a logfmt pair, where nothing can be escaped: each character but visible
/// ASCII without `=`, `"` and `\` becomes `_`, so two keys may become one. An empty key becomes `_`.
///
/// At most `room` bytes are appended; the result is how many bytes of `key` that was.
///
/// ```
/// let mut line = String::new();
/// otelier_sanitize::logfmt_key(&mut line, "a=1 level", usize::MAX);
/// assert_eq!(line, "a_1_level");
/// ```
pub fn logfmt_key<B: Buffer>(out: &mut B, key: &str, room: usize) -> usize {
    if key.is_empty() && room > 0 {
        let Ok(()) = out.push("_");
    }
    push_each(out, key, room, is_bare, Form::Replacement('_'))
}

/// Appends `value` as an HTTP field value (RFC 9110, section 5.5): printable ASCII as it is, and all else,
/// first of all what ends a line, as [`Policy::escape`] shows it. At most four times as long.
///
/// At most `room` bytes are appended, cut between characters and between escapes; the result is how many
/// bytes of `value` that was.
///
/// ```
/// let mut value = String::new();
/// otelier_sanitize::header(&mut value, "café\r\nset-cookie: a=b", usize::MAX);
/// assert_eq!(value, r"caf\u{e9}\r\nset-cookie: a=b");
/// ```
pub fn header<B: Buffer>(out: &mut B, value: &str, room: usize) -> usize {
    let is_printable = |c| matches!(c, ' '..='~');
    push_each(out, value, room, is_printable, Form::Literal)
}

/// Appends each character as it is if it may stay, else in the given form.
fn push_each<B: Buffer>(
    out: &mut B,
    text: &str,
    mut room: usize,
    may_stay: impl Fn(char) -> bool,
    form: Form,
) -> usize {
    for (at, c) in text.char_indices() {
        let stays = may_stay(c);
        let len = if stays { c.len_utf8() } else { form.len(c) };
        if len > room {
            return at;
        }
        room -= len;
        let Ok(()) = if stays {
            out.push(c.encode_utf8(&mut [0; 4]))
        } else {
            form.push(out, c)
        };
    }
    text.len()
}

/// Needs no quotes in logfmt.
fn is_bare(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '=' | '"' | '\\')
}
