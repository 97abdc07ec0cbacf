//! How a policy finds and writes what it changes.

use crate::Policy;
use crate::form::Form;
use crate::output::Output;
use crate::sgr;
use crate::special::{blocks, is_plain, is_special};

impl Policy {
    /// Writes `text` as far as it fits into `room` bytes, cut between characters and between escapes,
    /// and returns how many bytes of it that was.
    pub(crate) fn push<O: Output>(
        &self,
        out: &mut O,
        text: &str,
        room: usize,
    ) -> Result<usize, O::Error> {
        if self.has_quotes() {
            self.push_fitting::<true, O>(out, text, room)
        } else {
            self.push_fitting::<false, O>(out, text, room)
        }
    }

    /// Whether `text` is written as it is.
    pub(crate) fn is_clean(&self, text: &str) -> bool {
        if self.has_quotes() {
            self.is_clean_with::<true>(text)
        } else {
            self.is_clean_with::<false>(text)
        }
    }

    fn has_quotes(&self) -> bool {
        self.is_reversible || self.form == Form::Json
    }

    fn is_clean_with<const QUOTES: bool>(&self, text: &str) -> bool {
        if is_plain::<QUOTES>(text.as_bytes()) {
            return true;
        }
        for (start, suspects) in blocks::<QUOTES>(text) {
            for bit in suspects {
                let tail = &text[start + bit..];
                if first_special(tail).is_some() && self.kept_len(tail) == 0 {
                    return false;
                }
            }
        }
        true
    }

    fn push_fitting<const QUOTES: bool, O: Output>(
        &self,
        out: &mut O,
        text: &str,
        room: usize,
    ) -> Result<usize, O::Error> {
        let fitting = if text.len() <= room / Form::MAX_GROWTH {
            text
        } else {
            &text[..self.fitting_len::<QUOTES>(text, room)]
        };
        self.push_all::<QUOTES, O>(out, fitting)?;
        Ok(fitting.len())
    }

    fn push_all<const QUOTES: bool, O: Output>(
        &self,
        out: &mut O,
        text: &str,
    ) -> Result<(), O::Error> {
        let keeps_some = self.keeps_some();
        let mut rest = text;
        for (start, suspects) in blocks::<QUOTES>(text) {
            for bit in suspects {
                let (run, tail) = rest.split_at(start + bit + rest.len() - text.len());
                let Some((c, after)) = first_special(tail) else {
                    continue;
                };
                if keeps_some && self.kept_len(tail) > 0 {
                    continue;
                }
                out.push(run)?;
                self.form.push(out, c)?;
                rest = after;
            }
        }
        out.push(rest)
    }

    /// How many bytes of `text` fit into `room` bytes as they are written.
    fn fitting_len<const QUOTES: bool>(&self, text: &str, mut room: usize) -> usize {
        let mut done = 0;
        'text: for (start, suspects) in blocks::<QUOTES>(text) {
            for bit in suspects {
                let at = start + bit;
                let tail = &text[at..];
                let Some((c, _)) = first_special(tail) else {
                    continue;
                };
                if at - done > room {
                    break 'text;
                }
                room -= at - done;
                done = at;
                let (read, written) = match self.kept_len(tail) {
                    0 => (c.len_utf8(), self.form.len(c)),
                    kept => (kept, kept),
                };
                if written > room {
                    return done;
                }
                room -= written;
                done += read;
            }
        }
        done + floor_char_boundary(&text[done..], room)
    }

    #[inline(always)]
    fn keeps_some(&self) -> bool {
        self.keeps_tab_and_newline | self.keeps_joiners | self.keeps_sgr | self.is_reversible
    }

    /// The bytes at the start of `tail`, which starts with a special character, that are written as they
    /// are, all or none.
    fn kept_len(&self, tail: &str) -> usize {
        match tail.as_bytes() {
            [b'\t' | b'\n', ..] if self.keeps_tab_and_newline => 1,
            [b'\x1b', ..] if self.keeps_sgr => sgr::len(tail),
            [b'"', ..] if self.is_reversible => 1,
            _ if self.keeps_joiners && tail.starts_with(JOINERS) => 3,
            _ => 0,
        }
    }
}

const JOINERS: [char; 4] = ['\u{200c}', '\u{200d}', '\u{fe0e}', '\u{fe0f}'];

/// The special character that `tail`, which starts with a suspect, starts with, and what follows it.
#[inline(always)]
fn first_special(tail: &str) -> Option<(char, &str)> {
    let mut chars = tail.chars();
    let c = chars.next()?;
    (c.is_ascii() || is_special(c)).then_some((c, chars.as_str()))
}

/// The last end of a character in `text` that is not after `at`.
pub(crate) fn floor_char_boundary(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    let boundary = (0..=at).rev().find(|&at| text.is_char_boundary(at));
    boundary.unwrap_or_default()
}
