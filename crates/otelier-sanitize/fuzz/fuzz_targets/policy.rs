#![no_main]

use libfuzzer_sys::fuzz_target;
use otelier_sanitize_fuzz::{may_stay, policy};
use std::borrow::Cow;

// Nothing special is left, a second time changes nothing, clean text is borrowed, and lengths hold.
fuzz_target!(|input: (u8, Option<u16>, &[u8])| {
    let (choice, max_len, bytes) = input;
    let policy = policy(choice, max_len);
    let out = policy.sanitize_bytes(bytes);
    assert!(out.chars().all(|c| may_stay(choice, c)));
    assert!(
        out.len()
            <= bytes
                .len()
                .saturating_mul(4)
                .min(max_len.map_or(usize::MAX, usize::from))
    );
    assert!(matches!(policy.sanitize(&out), Cow::Borrowed(again) if again == out));

    if let Ok(text) = str::from_utf8(bytes) {
        assert_eq!(policy.sanitize(text), out);
        assert_eq!(policy.escaped(text).to_string(), out);
        let mut line = Vec::new();
        let taken = policy.append(&mut line, text, usize::MAX);
        assert_eq!(line, out.as_bytes());
        assert_eq!(policy.sanitize(&text[..taken]), out);
        let is_prefix = text.starts_with(&*out);
        let is_clean = text.chars().all(|c| c != '\u{1b}' && may_stay(choice, c));
        assert!(!is_clean || is_prefix && matches!(out, Cow::Borrowed(_)));
    }
});
