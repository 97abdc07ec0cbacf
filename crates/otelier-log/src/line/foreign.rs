//! Text that comes from code which is not ours: it may panic, fail, log or never end.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::iter::successors;

use super::value::Style;
use super::{CUT, Line};
use crate::error::{MAX_CHAIN, source};
use crate::foreign::isolated;

impl Line {
    /// Writes the error's sources, if it has any, and returns them for OTLP.
    pub(super) fn chain(&mut self, error: &(dyn Error + 'static)) -> Vec<String> {
        let mut typed = Vec::new();
        let mut sources = successors(source(error), |error| source(*error))
            .enumerate()
            .peekable();
        if sources.peek().is_none() {
            return typed;
        }
        self.put(b",\"chain\":[");
        for (depth, error) in sources {
            if depth > 0 {
                self.put(b",");
            }
            if depth == MAX_CHAIN || self.is_full() {
                self.put(b"\"");
                // How long the rest is, only its own code could say.
                self.mark_cut(1);
                self.put(b"\"");
                break;
            }
            typed.extend(self.foreign_string(format_args!("{error}"), true));
        }
        self.put(b"]");
        typed
    }

    /// Writes a JSON string, which counts for an error's fingerprint if it `is_error`.
    pub(super) fn foreign_string(
        &mut self,
        args: fmt::Arguments<'_>,
        is_error: bool,
    ) -> Option<String> {
        self.put(b"\"");
        let start = self.bytes.len();
        let typed = self.foreign(args, start + self.half_room(), Style::Json);
        if is_error {
            self.fold(start..self.bytes.len());
        }
        self.put(b"\"");
        typed
    }

    pub(super) fn foreign(
        &mut self,
        args: fmt::Arguments<'_>,
        limit: usize,
        style: Style,
    ) -> Option<String> {
        let mut text = Text {
            line: self,
            limit,
            style,
            typed: String::new(),
            cut: false,
        };
        let result = isolated(|| text.write_fmt(args));
        let (mut typed, cut) = (text.typed, text.cut);
        let mark = match result {
            _ if cut => CUT,
            Some(Ok(())) => "",
            Some(Err(_)) => "<format error>",
            None => "<panicked>",
        };
        self.put(mark.as_bytes());
        self.typed.then(|| {
            typed.push_str(mark);
            typed
        })
    }
}

/// Receives formatted text into a line, and as it was for OTLP, up to a limit.
struct Text<'a> {
    line: &'a mut Line,
    limit: usize,
    style: Style,
    typed: String,
    cut: bool,
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let taken = if self.cut {
            0
        } else {
            self.line.push(text, self.limit, self.style)
        };
        if self.line.typed {
            self.typed.push_str(&text[..taken]);
        }
        if taken < text.len() {
            self.cut = true;
            self.line.lose(text.len() - taken);
            return Err(fmt::Error);
        }
        Ok(())
    }
}
