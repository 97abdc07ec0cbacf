//! The same promises kept the slow and obvious way: a character at a time, by Unicode's own tables.

use otelier_sanitize::Policy;
use proptest::prelude::*;
use regex_syntax::hir::{Class, HirKind};
use std::sync::LazyLock;

/// What the README's table says, in Unicode's words.
const SPECIAL: &str = r"[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u{FFF9}-\u{FFFB}]";

static RANGES: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let HirKind::Class(Class::Unicode(class)) = regex_syntax::parse(SPECIAL).unwrap().into_kind()
    else {
        panic!("not a class of characters");
    };
    class
        .ranges()
        .iter()
        .map(|range| (range.start(), range.end()))
        .collect()
});

pub(crate) fn is_special(c: char) -> bool {
    let is_in = |&(first, last): &(char, char)| (first..=last).contains(&c);
    !matches!(c, ' '..='~') && RANGES.iter().any(is_in)
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Form {
    Escape,
    Reversible,
    Strip,
    Replace(char),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference {
    pub(crate) form: Form,
    pub(crate) tab_and_newline: bool,
    pub(crate) joiners: bool,
    pub(crate) sgr: bool,
    pub(crate) max_len: usize,
}

impl Reference {
    pub(crate) fn policy(self) -> Policy {
        let mut policy = match self.form {
            Form::Escape => Policy::escape(),
            Form::Reversible => Policy::reversible(),
            Form::Strip => Policy::strip(),
            Form::Replace(replacement) => Policy::replace(replacement),
        };
        if self.tab_and_newline {
            policy = policy.allow_tab_and_newline();
        }
        if self.joiners {
            policy = policy.allow_joiners();
        }
        if self.sgr {
            policy = policy.allow_sgr();
        }
        policy.max_len(self.max_len)
    }

    pub(crate) fn sanitize(self, text: &str) -> String {
        self.cut(self.units(text))
    }

    pub(crate) fn sanitize_bytes(self, bytes: &[u8]) -> String {
        let units = bytes.utf8_chunks().flat_map(|chunk| {
            let mut units = self.units(chunk.valid());
            units.extend(
                chunk
                    .invalid()
                    .iter()
                    .map(|byte| self.special(format!("\\x{byte:02x}"))),
            );
            units
        });
        self.cut(units)
    }

    /// May a character of this kind be in the result?
    pub(crate) fn keeps(self, c: char) -> bool {
        match c {
            '\t' | '\n' => self.tab_and_newline,
            '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' => self.joiners,
            '\u{1b}' => self.sgr,
            _ => !is_special(c),
        }
    }

    /// What must not be cut, in order.
    fn units(self, text: &str) -> Vec<String> {
        let mut units = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let colour = if self.sgr { colour(rest) } else { None };
            let (len, unit) = match (c, colour) {
                (_, Some(colour)) => (colour.len(), colour.to_owned()),
                ('\\', _) if self.form == Form::Reversible => (1, r"\\".to_owned()),
                (c, _) if c != '\u{1b}' && self.keeps(c) => (c.len_utf8(), c.to_string()),
                (c, _) => (c.len_utf8(), self.special(escape(c))),
            };
            units.push(unit);
            rest = &rest[len..];
        }
        units
    }

    fn special(self, escape: String) -> String {
        match self.form {
            Form::Escape | Form::Reversible => escape,
            Form::Strip => String::new(),
            Form::Replace(c) if is_special(c) => '\u{fffd}'.to_string(),
            Form::Replace(c) => c.to_string(),
        }
    }

    fn cut(self, units: impl IntoIterator<Item = String>) -> String {
        let mut out = String::new();
        for unit in units {
            if out.len() + unit.len() > self.max_len {
                break;
            }
            out.push_str(&unit);
        }
        out
    }
}

fn escape(c: char) -> String {
    match c {
        '\n' => r"\n".to_owned(),
        '\r' => r"\r".to_owned(),
        '\t' => r"\t".to_owned(),
        ..'\u{80}' => format!("\\x{:02x}", u32::from(c)),
        _ => format!("\\u{{{:x}}}", u32::from(c)),
    }
}

/// As [`json_str`](otelier_sanitize::json_str) writes it.
pub(crate) fn json(text: &str) -> String {
    let unit = |c: char| match c {
        '"' | '\\' | '\0'..='\u{1f}' => {
            let quoted = serde_json::to_string(&c).unwrap();
            quoted[1..quoted.len() - 1].to_owned()
        }
        c if is_special(c) => {
            let mut units = [0; 2];
            let units = c.encode_utf16(&mut units).iter();
            units.map(|unit| format!("\\u{unit:04x}")).collect()
        }
        c => c.to_string(),
    };
    text.chars().map(unit).collect()
}

/// The sequence that `text` starts with, if it only sets colours and font styles.
fn colour(text: &str) -> Option<&str> {
    let (parameters, _) = text.strip_prefix("\u{1b}[")?.split_once('m')?;
    if parameters.len() > 64 || parameters.contains(|c: char| !c.is_ascii_digit() && c != ';') {
        return None;
    }
    let numbers = parameters.split(';').map(|number| {
        if number.is_empty() {
            Some(0)
        } else {
            number.parse().ok()
        }
    });
    let numbers: Vec<u8> = numbers.collect::<Option<_>>()?;
    let mut numbers = &numbers[..];
    while let [first, rest @ ..] = numbers {
        numbers = match (first, rest) {
            (38 | 48, [5, _, rest @ ..] | [2, _, _, _, rest @ ..]) => rest,
            (38 | 48, _) => return None,
            (0..=4 | 7 | 9 | 21..=25 | 27..=37 | 39..=47 | 49 | 90..=97 | 100..=107, rest) => rest,
            _ => return None,
        };
    }
    Some(&text[.."\u{1b}[".len() + parameters.len() + 1])
}

pub(crate) fn references() -> impl Strategy<Value = Reference> {
    let forms = prop_oneof![
        Just(Form::Escape),
        Just(Form::Reversible),
        Just(Form::Strip),
        any::<char>().prop_map(Form::Replace),
        Just(Form::Replace('?')),
    ];
    (forms, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(form, tab_and_newline, joiners, sgr)| Reference {
            form,
            tab_and_newline,
            joiners,
            sgr,
            max_len: usize::MAX,
        },
    )
}

/// Texts of a few hundred bytes with everything that is special, at every place of a block.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    let special = any::<prop::sample::Index>().prop_map(|index| {
        let (first, last) = RANGES[index.index(RANGES.len())];
        let c = char::from_u32(u32::from(first) + index.index(64) as u32).unwrap_or(first);
        c.min(last).to_string()
    });
    let piece = prop_oneof![
        4 => "[ -~]{0,70}",
        2 => "[éж漢🦀€あ—ع]{1,9}",
        2 => any::<char>().prop_map(String::from),
        4 => special,
        2 => prop::sample::select(vec![
            "\n", "\r\n", "\t", "\\", "\\n", "\"", "\u{1b}", "\u{1b}[2J", "\u{1b}]0;", "\u{7}", "\u{9b}", "\u{85}",
            "\u{1b}[31m", "\u{1b}[0m", "\u{1b}[m", "\u{1b}[8m", "\u{1b}[38;5;8m", "\u{1b}[38;5m", "\u{1b}[1;48;2;1;2;3m",
            "👨\u{200d}👩", "❤\u{fe0f}", "می\u{200c}خواهم",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}
