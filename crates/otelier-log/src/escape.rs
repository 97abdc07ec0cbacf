//! Text that can neither end a line, nor drive a terminal, nor reorder what is shown. Everything that
//! is escaped is escaped as JSON does it, so any JSON parser gives the original back.

/// Where the text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Between the quotes of a JSON string.
    Json,
    /// Bare, for people: quotes and backslashes stay as they are.
    Bare,
}

/// Appends `text`, escaped, as far as it fits into `limit` bytes of `out`, and returns how many bytes
/// of `text` that was. It cuts between characters and between escapes only.
#[inline]
pub(crate) fn push(out: &mut Vec<u8>, text: &str, limit: usize, style: Style) -> usize {
    if text.len() <= limit.saturating_sub(out.len()) && is_plain(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
        return text.len();
    }
    push_checked(out, text, limit, style)
}

#[cold]
fn push_checked(out: &mut Vec<u8>, text: &str, limit: usize, style: Style) -> usize {
    let mut done = 0;
    loop {
        let rest = &text[done..];
        let clean = clean_prefix(rest, style);
        let room = limit.saturating_sub(out.len());
        if clean > room {
            let fits = floor_char_boundary(rest, room);
            out.extend_from_slice(&rest.as_bytes()[..fits]);
            return done + fits;
        }
        out.extend_from_slice(&rest.as_bytes()[..clean]);
        done += clean;
        let Some(special) = rest[clean..].chars().next() else {
            return done;
        };
        let start = out.len();
        push_escape(out, special);
        if out.len() > limit {
            out.truncate(start);
            return done;
        }
        done += special.len_utf8();
    }
}

/// How much of a JSON string's body fits into `room` bytes without cutting a character or an escape.
pub(crate) fn floor_escape_boundary(body: &[u8], room: usize) -> usize {
    if body.len() <= room {
        return body.len();
    }
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        let width = match byte {
            b'\\' if body.get(at + 1) == Some(&b'u') => {
                // The escapes of a surrogate pair (RFC 8259, section 7) belong together.
                let high = matches!(body.get(at + 2..at + 4), Some([b'd', b'8'..=b'b']));
                if high { 12 } else { 6 }
            }
            b'\\' => 2,
            0..=0x7f => 1,
            0x80..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
        };
        if at + width > room {
            break;
        }
        at += width;
    }
    at
}

const CHUNK: usize = 16;

/// Whether no byte is suspicious, in chunks that may overlap at the end.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    let plain = |chunk: &[u8]| {
        !chunk
            .iter()
            .fold(false, |any, &byte| any | suspicious(byte))
    };
    let (chunks, _) = bytes.as_chunks::<CHUNK>();
    if let Some(last) = bytes.last_chunk::<CHUNK>() {
        chunks.iter().all(|chunk| plain(chunk)) && plain(last)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        plain(first) && plain(last)
    } else {
        plain(bytes)
    }
}

/// The bytes before the first character that has to be escaped.
fn clean_prefix(text: &str, style: Style) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..]
            .first_chunk::<CHUNK>()
            .is_some_and(|chunk| is_plain(chunk))
        {
            at += CHUNK;
            continue;
        }
        let end = bytes.len().min(at + CHUNK);
        while at < end {
            let special = match CLASSES[usize::from(bytes[at])] {
                Class::Clean => false,
                Class::Control => true,
                Class::Quote => style == Style::Json,
                Class::Lead => text[at..].chars().next().is_some_and(is_special),
            };
            if special {
                return at;
            }
            at += 1;
        }
    }
    at
}

/// Whether a byte may be part of something special; written so that a chunk of it vectorises.
fn suspicious(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\') | (byte >= 0x7f)
}

#[derive(Clone, Copy)]
enum Class {
    Clean,
    Control,
    Quote,
    /// The first byte of a character that may be special: see [`is_special`].
    Lead,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Clean; 256];
    let mut byte = 0;
    while byte < 0x20 {
        classes[byte] = Class::Control;
        byte += 1;
    }
    classes[0x7f] = Class::Control;
    classes[b'"' as usize] = Class::Quote;
    classes[b'\\' as usize] = Class::Quote;
    let leads = [0xc2, 0xd8, 0xe1, 0xe2, 0xef, 0xf3];
    let mut i = 0;
    while i < leads.len() {
        classes[leads[i]] = Class::Lead;
        i += 1;
    }
    classes
};

/// Beyond ASCII: C1, separators, bidi controls and isolates, zero-width, interlinear and tag
/// characters, and the byte order mark. [`CLASSES`] has the first byte of each as a `Lead`.
fn is_special(c: char) -> bool {
    matches!(
        c,
        '\u{80}'..='\u{9f}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

fn push_escape(out: &mut Vec<u8>, c: char) {
    let short = match c {
        '"' => b'"',
        '\\' => b'\\',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        _ => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(b"\\u");
                out.extend_from_slice(hex(unit.to_be_bytes()).as_flattened());
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Each byte as two lower-case hex digits.
pub(crate) fn hex<const N: usize>(bytes: [u8; N]) -> [[u8; 2]; N] {
    bytes.map(|byte| PAIRS[usize::from(byte)])
}

static PAIRS: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
};

fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(text: &str, limit: usize) -> (String, usize) {
        let mut out = Vec::new();
        let taken = push(&mut out, text, limit, Style::Json);
        (String::from_utf8(out).unwrap(), taken)
    }

    #[test]
    fn what_could_end_a_line_drive_a_terminal_or_reorder_text_is_escaped() {
        let hostile = "\n\r\t\u{8}\u{c}\u{0}\u{1b}[2J\u{7f}\u{80}\u{85}\u{9b}\u{2028}\u{2029}\u{61c}\
            \u{200b}\u{200d}\u{200f}\u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{fff9}\u{180e}\u{e0041}\"\\";
        insta::assert_snapshot!(escaped(hostile, 1_000).0, @r#"\n\r\t\b\f\u0000\u001b[2J\u007f\u0080\u0085\u009b\u2028\u2029\u061c\u200b\u200d\u200f\u202a\u202e\u2060\u2066\u2069\ufeff\ufff9\u180e\udb40\udc41\"\\"#);
    }

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        let text = "plain, ünï, Ж, שלום, 漢字, € — “quoted” … 🦀 \u{a0}\u{ffff}";
        assert_eq!(escaped(text, 1_000), (text.to_owned(), text.len()));
    }

    #[test]
    fn bare_text_keeps_quotes_and_backslashes_but_no_control_character() {
        let mut out = Vec::new();
        push(&mut out, "say \"C:\\\"\u{1b}[0m\n", 1_000, Style::Bare);
        assert_eq!(out, br#"say "C:\"\u001b[0m\n"#);
    }

    /// The tables and [`is_special`] agree, wherever in a chunk the character stands.
    #[test]
    fn each_character_is_treated_alike_at_each_place_in_a_chunk() {
        let planes = (0..=0x1_00ff).chain(0xd_ff00..=0xe_0fff).chain([0x10_ffff]);
        for c in planes.filter_map(char::from_u32) {
            let special = is_special(c) || c < ' ' || c == '\u{7f}' || c == '"' || c == '\\';
            let mut text = String::with_capacity(40);
            for before in [0, 7, 15, 16] {
                text.clear();
                text.extend(std::iter::repeat_n('x', before));
                text.push(c);
                text.push_str("yyyyyyyyyyyyyyyy");
                let expected = if special { before } else { text.len() };
                assert_eq!(clean_prefix(&text, Style::Json), expected, "{c:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_parser_gives_back_what_was_taken(text: String, hostile in "[\"\\\\\n\u{1b}\u{85}\u{202e}\u{e0041}é漢🦀x]{0,40}", limit in 0usize..400) {
            for text in [text, hostile] {
                let (out, taken) = escaped(&text, limit);
                prop_assert!(out.len() <= limit);
                let parsed: String = serde_json::from_str(&format!("\"{out}\"")).unwrap();
                prop_assert_eq!(&parsed, &text[..taken]);
                prop_assert!(!out.chars().any(|c| c.is_control() || is_special(c)));
            }
        }

        #[test]
        fn an_escaped_body_is_cut_between_characters_and_escapes(text in "[\"\\\\\n\u{1b}\u{85}\u{202e}\u{e0041}é漢🦀x]{0,40}") {
            let (out, _) = escaped(&text, usize::MAX);
            for room in 0..=out.len() + 1 {
                let cut = floor_escape_boundary(out.as_bytes(), room);
                prop_assert!(cut <= room && room.min(out.len()) - cut < 12);
                let parsed: String = serde_json::from_str(&format!("\"{}\"", &out[..cut])).unwrap();
                prop_assert!(text.starts_with(&parsed));
            }
        }
    }
}
