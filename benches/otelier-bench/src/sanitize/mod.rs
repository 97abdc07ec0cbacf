//! Texts that are clean or not, to texts that are clean.

use std::borrow::Cow;
use std::hint::black_box;

use crate::bench::{Batch, Case, Group, Result, Subject};

pub(crate) const GROUP: Group = Group {
    name: "sanitize",
    cases: &[
        Case {
            name: "clean-1k",
            ops: 50_000,
            subjects: || subjects(&Text::clean(ascii(1_024))),
        },
        Case {
            name: "clean-64k",
            ops: 1_000,
            subjects: || subjects(&Text::clean(ascii(65_536))),
        },
        Case {
            name: "clean-utf8-1k",
            ops: 20_000,
            subjects: || subjects(&Text::clean(every(1_024, 3, 'é'))),
        },
        Case {
            name: "dirty-1k",
            ops: 5_000,
            subjects: || subjects(&Text::dirty(every(1_024, 10, '\u{1b}'))),
        },
    ],
};

fn subjects(text: &Text) -> Result<Vec<Box<dyn Subject>>> {
    let subject = |name, work, check| -> Box<dyn Subject> {
        Box::new(Sanitizer {
            name,
            text: text.clone(),
            work,
            check,
        })
    };
    Ok(vec![
        subject("otelier", otelier, is_shown),
        subject("naive", naive, is_stripped),
        subject("floor", floor, is_found),
    ])
}

/// What a subject is given, and whether there is anything to do.
#[derive(Clone)]
struct Text {
    text: String,
    dirty: bool,
}

impl Text {
    fn clean(text: String) -> Self {
        Self { text, dirty: false }
    }

    fn dirty(text: String) -> Self {
        Self { text, dirty: true }
    }
}

struct Sanitizer {
    name: &'static str,
    text: Text,
    work: fn(&str),
    check: fn(&Text) -> bool,
}

impl Subject for Sanitizer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn check(&mut self) -> Result {
        if (self.check)(&self.text) {
            Ok(())
        } else {
            Err("the result is not what the text asks for".into())
        }
    }

    fn batch(&mut self, batch: &mut Batch) -> Result {
        batch.measure(|| (self.work)(black_box(&self.text.text)));
        Ok(())
    }

    fn bytes(&self) -> Option<usize> {
        Some(self.text.text.len())
    }
}

fn otelier(text: &str) {
    black_box(otelier_sanitize::sanitize(text));
}

/// Clean text must come back borrowed; of the other each control character is shown.
fn is_shown(text: &Text) -> bool {
    match otelier_sanitize::sanitize(&text.text) {
        Cow::Borrowed(same) => !text.dirty && same == text.text,
        Cow::Owned(shown) => text.dirty && shown == text.text.replace('\u{1b}', r"\x1b"),
    }
}

fn stripped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn naive(text: &str) {
    black_box(stripped(text));
}

fn is_stripped(text: &Text) -> bool {
    stripped(&text.text) == text.text.replace('\u{1b}', "")
}

/// The least that looks at each byte, without a branch: whether one is below 0x20.
fn has_controls(text: &str) -> bool {
    text.bytes().fold(false, |any, byte| any | (byte < 0x20))
}

fn floor(text: &str) {
    black_box(has_controls(text));
}

fn is_found(text: &Text) -> bool {
    has_controls(&text.text) == text.dirty
}

fn ascii(len: usize) -> String {
    "The quick brown fox jumps over the lazy dog, 0123456789. "
        .chars()
        .cycle()
        .take(len)
        .collect()
}

/// ASCII with this in place of every `nth` character, in `len` bytes or a few less.
fn every(len: usize, nth: usize, special: char) -> String {
    let mut text = String::with_capacity(len);
    for (at, plain) in ascii(len).chars().enumerate() {
        let c = if at % nth == nth - 1 { special } else { plain };
        if text.len() + c.len_utf8() > len {
            break;
        }
        text.push(c);
    }
    text
}
