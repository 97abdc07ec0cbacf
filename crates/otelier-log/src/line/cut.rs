/// How much of a JSON string's body fits into `room` bytes without cutting a character or an escape.
pub(super) fn floor_escape_boundary(body: &[u8], room: usize) -> usize {
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

#[cfg(test)]
mod tests {
    use super::*;
    use otelier_sanitize::json_str;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_escaped_body_is_cut_between_characters_and_escapes(text in "[\"\\\\\n\u{1b}\u{85}\u{202e}\u{e0041}é漢🦀x]{0,40}") {
            let mut out = String::new();
            json_str(&mut out, &text, usize::MAX);
            for room in 0..=out.len() + 1 {
                let cut = floor_escape_boundary(out.as_bytes(), room);
                prop_assert!(cut <= room && room.min(out.len()) - cut < 12);
                let parsed: String = serde_json::from_str(&format!("\"{}\"", &out[..cut])).unwrap();
                prop_assert!(text.starts_with(&parsed));
            }
        }
    }
}
