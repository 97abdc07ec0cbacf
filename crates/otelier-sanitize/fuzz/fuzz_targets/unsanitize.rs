#![no_main]

use libfuzzer_sys::fuzz_target;
use otelier_sanitize::{Policy, unsanitize, unsanitize_bytes};

// Any text is refused, or means bytes that are shown in a way that means them again.
fuzz_target!(|text: &str| {
    let bytes = unsanitize_bytes(text);
    match unsanitize(text) {
        Ok(text) => assert_eq!(text.as_bytes(), &*bytes.unwrap()),
        Err(error) if error.is_bytes() => {
            let bytes = bytes.unwrap();
            let shown = Policy::reversible().sanitize_bytes(&bytes);
            assert_eq!(unsanitize_bytes(&shown).unwrap(), bytes);
        }
        Err(error) => assert_eq!(bytes.unwrap_err(), error),
    }
});
