//! Which characters are special, and where they are in a text.

/// The special characters, but for the noncharacters at the end of each plane, which [`TABLE`] adds:
/// Unicode's Cc, Zl, Zp, Default_Ignorable_Code_Point (which has all of Bidi_Control) and
/// Noncharacter_Code_Point, and the marks of interlinear annotation. A test compares.
const RANGES: [(u32, u32); 20] = [
    (0x0000, 0x001f),     // C0
    (0x007f, 0x009f),     // DEL, C1
    (0x00ad, 0x00ad),     // soft hyphen
    (0x034f, 0x034f),     // combining grapheme joiner
    (0x061c, 0x061c),     // Arabic letter mark
    (0x115f, 0x1160),     // Hangul fillers
    (0x17b4, 0x17b5),     // Khmer inherent vowels
    (0x180b, 0x180f),     // Mongolian variation selectors and vowel separator
    (0x200b, 0x200f),     // zero-width space and joiners, directional marks
    (0x2028, 0x202e),     // line and paragraph separators, embeddings and overrides
    (0x2060, 0x206f),     // word joiner, invisible operators, isolates
    (0x3164, 0x3164),     // Hangul filler
    (0xfdd0, 0xfdef),     // noncharacters
    (0xfe00, 0xfe0f),     // variation selectors
    (0xfeff, 0xfeff),     // byte order mark
    (0xffa0, 0xffa0),     // halfwidth Hangul filler
    (0xfff0, 0xfffb),     // reserved as ignorable, interlinear annotation
    (0x1_bca0, 0x1_bca3), // shorthand format controls
    (0x1_d173, 0x1_d17a), // musical format controls
    (0xe_0000, 0xe_0fff), // tags, variation selectors, reserved as ignorable
];

/// Whether `c` is special.
#[inline]
pub(crate) const fn is_special(c: char) -> bool {
    TABLE.contains(c as u32)
}

/// The blocks of `text` that are not plain ASCII: where each starts, and where in it, in order, a special
/// character may start. If that is ASCII, it is one; else [`is_special`] decides. With `QUOTES`, `"` and
/// `\` are special too.
///
/// A plain block costs little more than reading it, others some six times that.
#[inline(always)]
pub(crate) fn blocks<const QUOTES: bool>(text: &str) -> impl Iterator<Item = (usize, Bits)> {
    let bytes = text.as_bytes();
    let starts = (0..bytes.len()).step_by(BLOCK);
    let unclear = starts.filter(|&start| {
        let block = bytes[start..].first_chunk::<BLOCK>();
        block.is_none_or(|block| !is_plain_chunk::<QUOTES>(block))
    });
    unclear.map(|start| (start, suspects::<QUOTES>(&bytes[start..])))
}

/// Whether all is printable ASCII, and with `QUOTES` neither `"` nor `\`: for short texts this is faster
/// than to look for [`blocks`].
#[inline]
pub(crate) fn is_plain<const QUOTES: bool>(bytes: &[u8]) -> bool {
    is_plain_by::<QUOTES, BLOCK>(bytes)
        .or_else(|| is_plain_by::<QUOTES, 16>(bytes))
        .or_else(|| is_plain_by::<QUOTES, 8>(bytes))
        .unwrap_or_else(|| is_plain_chunk::<QUOTES>(bytes))
}

/// By chunks, the last of which overlaps so that nothing is left over; `None` if there is not one.
#[inline(always)]
fn is_plain_by<const QUOTES: bool, const CHUNK: usize>(bytes: &[u8]) -> Option<bool> {
    let last = bytes.last_chunk::<CHUNK>()?;
    let (chunks, _) = bytes.as_chunks::<CHUNK>();
    let are_plain = chunks.iter().all(|chunk| is_plain_chunk::<QUOTES>(chunk));
    Some(are_plain && is_plain_chunk::<QUOTES>(last))
}

/// As many bytes as a mask of them has bits.
const BLOCK: usize = 64;

/// Without a branch per byte, so that a chunk of them vectorises.
#[inline(always)]
fn is_plain_chunk<const QUOTES: bool>(bytes: &[u8]) -> bool {
    let is_other =
        |byte: u8| (byte.cast_signed() < 0x20) | (byte == 0x7f) | is_quote::<QUOTES>(byte);
    !bytes.iter().fold(false, |any, &byte| any | is_other(byte))
}

/// Where in the first block of `bytes` a special character may start.
#[inline(never)] // it would take the registers of the loops that it is called in
fn suspects<const QUOTES: bool>(bytes: &[u8]) -> Bits {
    let mut last = [b' '; BLOCK];
    let block = bytes.first_chunk().unwrap_or_else(|| {
        last[..bytes.len()].copy_from_slice(bytes);
        &last
    });
    Bits::from_flags(block.map(is_suspect::<QUOTES>))
}

/// A control, or the first byte of a two- to four-byte character of [`TABLE`].
#[inline(always)]
fn is_suspect<const QUOTES: bool>(byte: u8) -> bool {
    // An addition moves the range to the top of i8, where one comparison tells it from all else.
    let is_ef_to_1f = byte.wrapping_add(0x7f - 0x1f).cast_signed() >= 0x7f - 0x30;
    let is_e1_to_e3 = byte.wrapping_sub(0xe3 - 0x7f).cast_signed() >= 0x7f - 2;
    let is_single = (byte == 0x7f) | (byte == 0xc2) | (byte == 0xcd) | (byte == 0xd8);
    is_ef_to_1f | is_e1_to_e3 | is_single | is_quote::<QUOTES>(byte)
}

#[inline(always)]
fn is_quote<const QUOTES: bool>(byte: u8) -> bool {
    QUOTES & ((byte == b'"') | (byte == b'\\'))
}

/// The numbers of the bits that are set, from the lowest.
pub(crate) struct Bits(u64);

impl Bits {
    #[inline(always)]
    fn from_flags(flags: [bool; BLOCK]) -> Self {
        let flags = flags.map(|flag| if flag { 0xff } else { 0 });
        let (rows, _) = flags.as_chunks::<8>();
        // Bit i of byte j is flag 8i + j ..
        let mut bits = rows.iter().enumerate().fold(0, |bits, (i, &row)| {
            bits | (u64::from_le_bytes(row) & (0x0101_0101_0101_0101 << i))
        });
        if bits != 0 {
            // .. and transposed, in blocks of 1, 2 and 4, it is bit 8i + j.
            for (shift, corner) in [
                (7, 0x00aa_00aa_00aa_00aa),
                (14, 0x0000_cccc_0000_cccc),
                (28, 0x0000_0000_f0f0_f0f0),
            ] {
                let swapped = (bits ^ (bits >> shift)) & corner;
                bits ^= swapped ^ (swapped << shift);
            }
        }
        Self(bits)
    }
}

impl Iterator for Bits {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let bit = self.0.trailing_zeros() as usize;
        (self.0 != 0).then(|| {
            self.0 &= self.0 - 1;
            bit
        })
    }
}

static TABLE: Table = {
    let mut table = Table {
        pages: [0; PAGES],
        sets: [0; 256],
        used: 0,
    };
    let mut i = 0;
    while i < RANGES.len() {
        let (mut c, last) = RANGES[i];
        while c <= last {
            table.insert(c);
            c += 1;
        }
        i += 1;
    }
    let mut plane = 0;
    while plane <= 0x10_0000 {
        table.insert(plane | 0xfffe);
        table.insert(plane | 0xffff);
        plane += 0x1_0000;
    }
    table
};

const PAGES: usize = (char::MAX as usize >> 6) + 1;

/// A set of characters: for each page of 64 the number of its bits in `sets`, where 0 is the empty set.
struct Table {
    pages: [u8; PAGES],
    sets: [u64; 256],
    used: u8,
}

impl Table {
    const fn insert(&mut self, c: u32) {
        let page = (c >> 6) as usize;
        if self.pages[page] == 0 {
            self.used += 1;
            self.pages[page] = self.used;
        }
        self.sets[self.pages[page] as usize] |= 1 << (c & 0x3f);
    }

    #[inline(always)]
    const fn contains(&self, c: u32) -> bool {
        let set = self.pages[(c >> 6) as usize];
        self.sets[set as usize] >> (c & 0x3f) & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;
    use regex_syntax::hir::{Class, HirKind};

    #[test]
    fn the_special_characters_are_those_of_unicodes_tables() {
        let properties = r"[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u{FFF9}-\u{FFFB}]";
        let class = regex_syntax::parse(properties).unwrap();
        let HirKind::Class(Class::Unicode(class)) = class.kind() else {
            panic!("not a class of characters");
        };
        for c in '\0'..=char::MAX {
            let is_in_class = class
                .iter()
                .any(|range| (range.start()..=range.end()).contains(&c));
            assert_eq!(is_special(c), is_in_class, "{c:?}");
        }
    }

    #[test]
    fn every_special_character_is_found_and_no_other() {
        let mut text = String::new();
        for page in 0..PAGES as u32 {
            text.clear();
            text.extend((page << 6..=page << 6 | 0x3f).filter_map(char::from_u32));
            let specials = text.char_indices().filter(|&(_, c)| is_special(c));
            assert_eq!(
                places::<false>(&text),
                specials.map(|(at, _)| at).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn a_special_character_is_found_at_every_place() {
        for special in [
            "\n",
            "\u{7f}",
            "\u{85}",
            "\u{61c}",
            "\u{202e}",
            "\u{fffe}",
            "\u{e0041}",
        ] {
            for before in 0..2 * BLOCK + 2 {
                for after in [0, 1, BLOCK - 1, BLOCK] {
                    let text = ["x".repeat(before).as_str(), special, &"x".repeat(after)].concat();
                    assert_eq!(places::<false>(&text), [before]);
                    assert!(!is_plain::<false>(text.as_bytes()));
                }
            }
        }
        assert_eq!(places::<false>("\"\\"), []);
        assert_eq!(places::<true>("\"\\x\"\n"), [0, 1, 3, 4]);
    }

    #[test]
    fn plain_is_what_needs_no_look() {
        for len in 0..3 * BLOCK {
            let text = "x".repeat(len);
            assert!(is_plain::<true>(text.as_bytes()));
            for at in 0..len {
                for other in ["\"", "\\", "\u{1f}", "\u{7f}"] {
                    let mut text = text.clone();
                    text.replace_range(at..at + 1, other);
                    assert!(!is_plain::<true>(text.as_bytes()));
                    assert_eq!(
                        is_plain::<false>(text.as_bytes()),
                        other > "\u{1f}" && other < "\u{7f}"
                    );
                }
            }
        }
        assert!(!is_plain::<false>("é".as_bytes()));
    }

    fn places<const QUOTES: bool>(text: &str) -> Vec<usize> {
        let suspects =
            blocks::<QUOTES>(text).flat_map(|(start, bits)| bits.map(move |bit| start + bit));
        let is_true = |&at: &usize| {
            let c = text[at..].chars().next().unwrap();
            c.is_ascii() || is_special(c)
        };
        suspects.filter(is_true).collect()
    }
}
