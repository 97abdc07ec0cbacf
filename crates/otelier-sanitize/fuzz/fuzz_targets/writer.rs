#![no_main]

use libfuzzer_sys::fuzz_target;
use otelier_sanitize_fuzz::policy;
use std::fmt::Write;

// Two writes are as good as one, where no sequence of several characters may stay.
fuzz_target!(|input: (u8, Option<u16>, &str, &str)| {
    let (choice, max_len, first, second) = input;
    let policy = policy(choice & !16, max_len);
    let mut writer = policy.writer(String::new());
    let done = writer
        .write_str(first)
        .and_then(|()| writer.write_str(second));
    assert_eq!(done.is_err(), writer.is_cut());
    assert_eq!(
        writer.into_inner(),
        policy.sanitize(&[first, second].concat())
    );
});
