/// Hashes what an error line says, so that the same fault has the same value in each process and
/// version, and another fault another.
///
/// It is FNV-1a of 64 bits over the parts, each followed by the byte `ff`. In a folded part a byte that
/// UTF-8 does not have stands for what differs from one occurrence to the next:
///
/// | byte | stands for |
/// | --- | --- |
/// | `fe` | decimal digits, with single points and hyphens between them (`42`, `1.5`, `10.0.0.1`, `2026-01-02`) |
/// | `fe` | hex digits, with single points between decimal ones and hyphens between any: 8 bytes or more of which one is a decimal digit (a UUID, a trace id) |
/// | `fe` | hex digits after `0x` |
/// | `fd` | what stands in double quotes, backticks or apostrophes, with them |
///
/// An apostrophe opens a quotation only where no letter or digit stands before it, and closes one only
/// where none stands after it: that of `can't` does neither. A backslash takes the meaning from the
/// quote after it. A quote that is not closed stands for itself.
///
/// The values are kept by those who group errors by them: a change of the rules splits their groups.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fingerprint(u64);

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

const END: u8 = 0xff;
const NUMBER: u8 = 0xfe;
const QUOTED: u8 = 0xfd;

/// Shorter ones are also words, such as `face`.
const MIN_HEX: usize = 8;

const QUOTES: [u8; 3] = [b'"', b'`', b'\''];

impl Fingerprint {
    pub(crate) const fn new() -> Self {
        Self(OFFSET)
    }

    /// Adds a part that is the same at each occurrence, such as a target.
    pub(crate) fn part(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.byte(*byte));
        self.byte(END);
    }

    /// Adds a whole text, folded, as one part. It takes time linear in the text and allocates nothing.
    pub(crate) fn fold(&mut self, text: &[u8]) {
        let mut unclosed = [false; QUOTES.len()];
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let pointer = pointer(rest);
            let run = run(rest);
            at += if pointer > 0 {
                self.byte(NUMBER);
                pointer
            } else if run > 0 {
                self.run(&rest[..run]);
                run
            } else if let Some(length) = quotation(text, at, &mut unclosed) {
                self.byte(QUOTED);
                length
            } else {
                self.byte(text[at]);
                1
            };
        }
        self.byte(END);
    }

    pub(crate) const fn finish(self) -> u64 {
        self.0
    }

    fn run(&mut self, run: &[u8]) {
        if run.len() >= MIN_HEX && run.iter().any(u8::is_ascii_digit) {
            self.byte(NUMBER);
            return;
        }
        let mut in_number = false;
        for (i, byte) in run.iter().enumerate() {
            let was_in_number = in_number;
            in_number = byte.is_ascii_digit()
                || was_in_number
                    && matches!(byte, b'.' | b'-')
                    && run.get(i + 1).is_some_and(u8::is_ascii_digit);
            if !in_number {
                self.byte(*byte);
            } else if !was_in_number {
                self.byte(NUMBER);
            }
        }
    }

    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(PRIME);
    }
}

/// The length of `0x` and hex digits at the start, or 0.
fn pointer(text: &[u8]) -> usize {
    let [b'0', b'x' | b'X', digits @ ..] = text else {
        return 0;
    };
    match digits.iter().take_while(|b| b.is_ascii_hexdigit()).count() {
        0 => 0,
        digits => 2 + digits,
    }
}

/// The length of hex digits at the start, with a hyphen between any two of them and a point between
/// two decimal ones.
fn run(text: &[u8]) -> usize {
    let at = |i: usize| text.get(i).copied().unwrap_or(b' ');
    let mut end = 0;
    loop {
        match at(end) {
            byte if byte.is_ascii_hexdigit() => end += 1,
            b'-' if end > 0 && at(end + 1).is_ascii_hexdigit() => end += 2,
            b'.' if end > 0 && at(end - 1).is_ascii_digit() && at(end + 1).is_ascii_digit() => {
                end += 2;
            }
            _ => return end,
        }
    }
}

/// The length of the quotation that begins at this place, if one does and it is closed.
///
/// `unclosed` remembers the quotes after which no closing one comes, so that none is looked for twice.
fn quotation(text: &[u8], at: usize, unclosed: &mut [bool; QUOTES.len()]) -> Option<usize> {
    let quote = text[at];
    let kind = QUOTES.iter().position(|other| *other == quote)?;
    let in_word = |at: Option<usize>| {
        let byte = at.and_then(|at| text.get(at));
        quote == b'\'' && byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
    };
    let before = at.checked_sub(1);
    let is_escaped = before.is_some_and(|before| text[before] == b'\\');
    if is_escaped || unclosed[kind] || in_word(before) {
        return None;
    }
    let mut end = at + 1;
    while let Some(byte) = text.get(end) {
        match byte {
            b'\\' => end += 2,
            byte if *byte == quote && !in_word(Some(end + 1)) => return Some(end + 1 - at),
            _ => end += 1,
        }
    }
    unclosed[kind] = true;
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: impl AsRef<[u8]>) -> u64 {
        let mut fingerprint = Fingerprint::new();
        fingerprint.fold(text.as_ref());
        fingerprint.finish()
    }

    #[test]
    fn the_same_fault_has_the_same_value_whatever_it_happened_to() {
        let faults: &[&[&str]] = &[
            &["user 42 not found", "user 977 not found"],
            &["took 1.5s", "took 30s", "took 0.25s"],
            &["bytes 0-9 of 10", "bytes 100000-199999 of 200000"],
            &[
                "connect 10.0.0.1:80 refused",
                "connect 192.168.17.254:8080 refused",
            ],
            &[
                "order 0198c0de-7a11-7e51-9c0d-3b0b5a7e0001 is gone",
                "order F47AC10B-58CC-4372-A567-0E02B2C3D479 is gone",
                "order 7 is gone",
            ],
            &[
                "trace 4bf92f3577b34da6a3ce929d0e0e4736",
                "trace 00f067aa0ba902b7",
            ],
            &["req_4bf92f35 failed", "req_a3ce929d0e failed"],
            &["at 2026-01-02T03:04:05Z", "at 2025-12-31T23:59:59Z"],
            &[
                "bad pointer 0x7ffd12ab",
                "bad pointer 0xdeadbeef",
                "bad pointer 0X0",
            ],
            &[
                "no file \"a.txt\"",
                "no file \"b 'c' \\\"d\\\" e\"",
                "no file \"\"",
            ],
            &[
                "unknown field `foo`",
                "unknown field `can't`",
                "unknown field 'bar'",
            ],
            &["'ann' can't read 'x'", "'bob' can't read 'it's y'"],
            &[
                "key=\"a!\", b\"c.\" and b\"d?\"",
                "key=\"x\", b\"\" and b\"y\"",
            ],
        ];
        for texts in faults {
            for text in *texts {
                assert_eq!(of(text), of(texts[0]), "{text} and {}", texts[0]);
            }
        }
    }

    #[test]
    fn different_faults_have_different_values() {
        let faults = [
            "",
            "#",
            "connect refused",
            "connect timeout",
            "user 42 not found",
            "user 42 not allowed",
            "user x not found",
            "user 'x' not found",
            "user not found",
            "can't read the user's file",
            "can't read the user's name",
            "can't 'read' the user's name",
            "face the cafe",
            "face the dead",
            "bed-facade",
            "dad-facade",
            "0x",
            "0y",
            "ends in .5",
            "ends in -5",
            "ends in 5.",
            "ends in 5",
            "an \"open quote",
            "an \"open door",
            "can't find 'x'",
            "can't stat 'x'",
            "René's file 'x'",
            "René's name 'x'",
            "step 5-a",
            "step 5a",
        ];
        let values: std::collections::HashSet<_> = faults.iter().map(of).collect();
        assert_eq!(values.len(), faults.len());
    }

    #[test]
    fn parts_do_not_run_into_one_another() {
        let of = |parts: &[&str]| {
            let mut fingerprint = Fingerprint::new();
            parts
                .iter()
                .for_each(|part| fingerprint.part(part.as_bytes()));
            fingerprint.finish()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["a"]), of(&["a", ""]));
        assert_ne!(of(&["order 1"]), of(&["order 2"]));
    }

    #[test]
    fn values_stay_as_they_are() {
        let mut error = Fingerprint::new();
        error.part(b"checkout::orders");
        error.part(b"ERROR");
        error.part(b"order_id");
        error.fold("order 42 of 'ann' failed".as_bytes());
        let golden = [
            (Fingerprint::new().finish(), "cbf29ce484222325"),
            (of(""), "af64724c8602eb6e"),
            (of("connect refused"), "a079ffcfaf802e4a"),
            (of("user 42 not found"), "7a049d248812c266"),
            (of("\"x\" at 0x7f"), "bafdf6e02f8ff9ec"),
            (error.finish(), "d7217683480b0c99"),
        ];
        for (value, text) in golden {
            assert_eq!(format!("{value:016x}"), text);
        }
    }

    // It would not end if each quote were looked for to the end of the text.
    #[test]
    fn many_quotes_that_are_not_closed_are_looked_for_once() {
        for text in ["\u{20}'a", "\\\"a", "a'", "`\\", "0x", "-0", "1."] {
            let long = text.repeat(2 << 20);
            assert_eq!(of(&long), of(&long));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_have_one_value(text: Vec<u8>) {
            prop_assert_eq!(of(&text), of(&text));
        }

        #[test]
        fn any_text_of_what_is_folded_has_one_value(text in r#"[ "'`\\.a0xé-]{0,40}"#) {
            prop_assert_eq!(of(&text), of(&text));
        }

        #[test]
        fn numbers_uuids_and_quotations_make_no_difference(
            word in "[a-z' ]{0,20}",
            (a, b) in any::<(u64, u64)>(),
            (c, d) in any::<(u128, u128)>(),
            (e, f) in ("[^\"\\\\]{0,20}", "[^\"\\\\]{0,20}"),
        ) {
            prop_assert_eq!(of(format!("{word} {a} x")), of(format!("{word} {b} x")));
            prop_assert_eq!(of(format!("{word} 0{c:031x} x")), of(format!("{word} {d} x")));
            prop_assert_eq!(of(format!("\"{e}\" {word}")), of(format!("\"{f}\" {word}")));
        }
    }
}
