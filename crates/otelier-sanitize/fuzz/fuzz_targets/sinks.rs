#![no_main]

use libfuzzer_sys::fuzz_target;
use otelier_sanitize::{header, json_str, logfmt, logfmt_key};
use otelier_sanitize_fuzz::is_special;

// What is written is of its format, within its room, and says how much of the text it is.
fuzz_target!(|input: (Option<u16>, &str)| {
    let (room, text) = input;
    let room = room.map_or(usize::MAX, usize::from);

    let mut json = String::new();
    let taken = json_str(&mut json, text, room);
    assert!(json.len() <= room.min(6 * text.len()) && !json.contains(is_special));
    let parsed: String = serde_json::from_str(&format!("\"{json}\"")).unwrap();
    assert_eq!(parsed, text[..taken]);
    assert!(room < usize::MAX || taken == text.len());
    let mut bytes = Vec::new();
    assert_eq!(json_str(&mut bytes, text, room), taken);
    assert_eq!(bytes, json.as_bytes());

    let is_bare = |out: &str| {
        out.bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"=\"\\".contains(&byte))
    };
    let mut value = String::new();
    let taken = logfmt(&mut value, text, room);
    assert!(value.len() <= room);
    if value.starts_with('"') {
        assert_eq!(
            serde_json::from_str::<String>(&value).unwrap(),
            text[..taken]
        );
    } else {
        assert!(is_bare(&value) && value == text[..taken]);
    }

    let mut key = String::new();
    logfmt_key(&mut key, text, room);
    assert!(key.len() <= room && is_bare(&key) && (room == 0 || !key.is_empty()));

    let mut field = String::new();
    header(&mut field, text, room);
    assert!(field.len() <= room && field.bytes().all(|byte| matches!(byte, b' '..=b'~')));
});
