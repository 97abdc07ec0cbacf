#![no_main]

use libfuzzer_sys::fuzz_target;
use otelier_sanitize::{Policy, unsanitize, unsanitize_bytes};
use otelier_sanitize_fuzz::is_special;

// The original comes back, and of a cut a beginning of it.
fuzz_target!(|input: (u16, &[u8])| {
    let (max_len, bytes) = input;
    let shown = Policy::reversible().sanitize_bytes(bytes);
    assert!(!shown.contains(is_special));
    assert_eq!(*unsanitize_bytes(&shown).unwrap(), *bytes);

    let cut = Policy::reversible()
        .max_len(usize::from(max_len))
        .sanitize_bytes(bytes);
    assert!(cut.len() <= usize::from(max_len) && shown.starts_with(&*cut));
    assert!(bytes.starts_with(&unsanitize_bytes(&cut).unwrap()));

    if let Ok(text) = str::from_utf8(bytes) {
        assert_eq!(unsanitize(&shown).unwrap(), text);
    }
});
