use std::fmt::{self, Display, Write};

/// The longest detail, in bytes.
const MAX_LEN: usize = 256;

/// `text` as one line of at most [`MAX_LEN`] bytes, without control characters; `…` marks a cut.
pub(crate) fn bounded(text: impl Display) -> String {
    let mut line = Line::default();
    // An error is the bound's, or a `Display` that gave up: what it wrote before still tells something.
    let _ = write!(line, "{text}");
    line.text
}

#[derive(Default)]
struct Line {
    text: String,
    cut: bool,
}

impl Write for Line {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for c in s.chars() {
            if self.cut {
                return Err(fmt::Error);
            }
            let c = if is_unsafe_in_line(c) { ' ' } else { c };
            self.cut = self.text.len() + c.len_utf8() > MAX_LEN - '…'.len_utf8();
            self.text.push(if self.cut { '…' } else { c });
        }
        Ok(())
    }
}

/// Whether a reader may take `c` for the end of a line or for a command.
pub(crate) fn is_unsafe_in_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes for ever, until it is told that nobody reads.
    struct Endless;

    impl Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("é\n")?;
            }
        }
    }

    /// Does not listen when it is told.
    struct Deaf;

    impl Display for Deaf {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for _ in 0..10_000 {
                let _ = f.write_str("x");
            }
            Ok(())
        }
    }

    #[test]
    fn a_text_without_an_end_is_cut_at_the_bound() {
        for text in [bounded(Endless), bounded(Deaf)] {
            assert!((250..=MAX_LEN).contains(&text.len()), "{}", text.len());
            assert_eq!(text.find('…'), Some(text.len() - 3));
        }
    }

    #[test]
    fn a_text_is_one_line() {
        assert_eq!(bounded("a\r\nb\u{1b}[2Jc\u{2028}d\u{85}"), "a  b [2Jc d ");
    }
}
