//! JSON members that are written once and copied from then on. An empty key writes nothing.

use otelier_sanitize::json_str;

const CUT: &[u8] = "…".as_bytes();

/// `,"key":`
pub(super) fn key(key: &str) -> Vec<u8> {
    let mut out = b",\"".to_vec();
    json_str(&mut out, key, usize::MAX);
    out.extend_from_slice(b"\":");
    out
}

/// ` key=`, escaped as in JSON.
pub(super) fn human_key(key: &str) -> Vec<u8> {
    let mut out = b" ".to_vec();
    json_str(&mut out, key, usize::MAX);
    out.push(b'=');
    out
}

/// `,"key":"text"`
pub(super) fn text(out: &mut Vec<u8>, name: &str, text: &str) {
    text_within(out, name, text, usize::MAX);
}

/// A text of at most `max` bytes between its quotes, and the mark of one that is cut.
pub(super) fn text_within(out: &mut Vec<u8>, name: &str, text: &str, max: usize) {
    if name.is_empty() {
        return;
    }
    out.extend_from_slice(&key(name));
    out.push(b'"');
    if json_str(out, text, max) < text.len() {
        out.extend_from_slice(CUT);
    }
    out.push(b'"');
}

/// `,"key":1`
pub(super) fn number(out: &mut Vec<u8>, name: &str, number: impl itoa::Integer) {
    if !name.is_empty() {
        out.extend_from_slice(&key(name));
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }
}

/// Members as an object under a key, if there is one and there are any.
pub(super) fn wrapped(name: Option<&str>, members: Vec<u8>) -> Vec<u8> {
    let (Some(name), Some((_comma, members))) = (name, members.split_first()) else {
        return members;
    };
    let mut out = key(name);
    out.push(b'{');
    out.extend_from_slice(members);
    out.push(b'}');
    out
}
