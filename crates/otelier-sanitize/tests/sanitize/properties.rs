//! Promises about every text.

use crate::reference::{Form, Reference, is_special, references, texts};
use otelier_sanitize::{
    Policy, header, json_str, logfmt, logfmt_key, sanitize, unsanitize, unsanitize_bytes,
};
use proptest::prelude::*;
use std::borrow::Cow;
use std::fmt::Write;

proptest! {
    #[test]
    fn a_text_becomes_what_the_reference_says(text in texts(), reference in references()) {
        let expected = reference.sanitize(&text);
        prop_assert_eq!(reference.policy().sanitize(&text), &expected[..]);
        prop_assert_eq!(reference.policy().escaped(&text).to_string(), expected);
    }

    #[test]
    fn bytes_become_what_the_reference_says(
        text in texts(),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        reference in references(),
        cut in 0usize..300,
    ) {
        let bytes = with_noise(&text, &noise);
        for max_len in [usize::MAX, cut] {
            let reference = Reference { max_len, ..reference };
            prop_assert_eq!(reference.policy().sanitize_bytes(&bytes), reference.sanitize_bytes(&bytes));
        }
    }

    #[test]
    fn a_cut_is_valid_at_every_length(text in texts(), reference in references()) {
        let policy = reference.policy();
        let whole = policy.sanitize(&text).len();
        for max_len in 0..=whole + 1 {
            let reference = Reference { max_len, ..reference };
            let out = reference.policy().sanitize(&text);
            prop_assert!(out.len() <= max_len);
            prop_assert_eq!(&out, &reference.sanitize(&text));
            let mut line = b"line: ".to_vec();
            let taken = policy.append(&mut line, &text, max_len);
            prop_assert_eq!(&line["line: ".len()..], out.as_bytes());
            prop_assert_eq!(policy.sanitize(&text[..taken]), &out[..]);
            if reference.form == Form::Reversible {
                prop_assert!(text.starts_with(&*unsanitize(&out).unwrap()));
            }
        }
    }

    #[test]
    fn sanitised_again_nothing_changes(text in texts(), reference in references(), max_len in 0usize..300) {
        prop_assume!(reference.form != Form::Reversible);
        let policy = Reference { max_len, ..reference }.policy();
        let once = policy.sanitize(&text);
        prop_assert!(matches!(policy.sanitize(&once), Cow::Borrowed(twice) if twice == once));
    }

    #[test]
    fn nothing_special_is_left(text in texts(), reference in references()) {
        let out = reference.policy().sanitize(&text);
        prop_assert_eq!(out.chars().find(|&c| !reference.keeps(c)), None);
    }

    #[test]
    fn the_original_comes_back(text in texts(), reference in references()) {
        let policy = Reference { form: Form::Reversible, ..reference }.policy();
        let shown = policy.sanitize(&text);
        prop_assert_eq!(unsanitize(&shown).unwrap(), text.as_str());
    }

    #[test]
    fn the_original_bytes_come_back(
        text in texts(),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let bytes = with_noise(&text, &noise);
        let shown = Policy::reversible().sanitize_bytes(&bytes);
        prop_assert_eq!(unsanitize_bytes(&shown).unwrap(), &bytes[..]);
    }

    #[test]
    fn any_text_can_be_unsanitised_or_is_refused(text in r"([ -~é]|\\[\\nrtxu{}0-9a-f]{0,9}){0,20}") {
        if let (Ok(text), Ok(bytes)) = (unsanitize(&text), unsanitize_bytes(&text)) {
            prop_assert_eq!(text.as_bytes(), &*bytes);
        }
    }

    #[test]
    fn clean_text_is_borrowed(text in texts(), reference in references(), max_len in any::<prop::sample::Index>()) {
        let clean: String = text.chars().filter(|&c| !is_special(c) && c != '\\').collect();
        prop_assert!(is_same(sanitize(&clean), &clean));
        let max_len = max_len.index(clean.len() + 2);
        let policy = Reference { max_len, ..reference }.policy();
        prop_assert!(is_same(policy.sanitize(&clean), &clean[..policy.sanitize(&clean).len()]));
        prop_assert!(is_same(policy.sanitize_bytes(clean.as_bytes()), &clean[..policy.sanitize(&clean).len()]));
    }

    #[test]
    fn the_result_is_bounded(text in texts(), reference in references()) {
        let growth = if reference.form == Form::Strip { 1 } else { 4 };
        prop_assert!(reference.policy().sanitize(&text).len() <= growth * text.len());
        let (mut json, mut field, mut value) = (String::new(), String::new(), String::new());
        json_str(&mut json, &text, usize::MAX);
        logfmt(&mut field, &text, usize::MAX);
        header(&mut value, &text, usize::MAX);
        prop_assert!(json.len() <= 6 * text.len());
        prop_assert!(field.len() <= 6 * text.len() + 2);
        prop_assert!(value.len() <= 4 * text.len());
    }

    #[test]
    fn writes_add_up_to_the_whole(
        pieces in prop::collection::vec(texts(), 0..4),
        reference in references(),
        max_len in 0usize..600,
    ) {
        let reference = Reference { sgr: false, max_len, ..reference };
        let mut writer = reference.policy().writer(String::new());
        let mut failed = false;
        for piece in &pieces {
            failed |= writer.write_str(piece).is_err();
        }
        prop_assert_eq!(failed, writer.is_cut());
        prop_assert_eq!(writer.into_inner(), reference.sanitize(&pieces.concat()));
    }

    #[test]
    fn a_json_parser_gives_the_original_back(text in texts(), room in 0usize..900) {
        let mut whole = Vec::new();
        prop_assert_eq!(json_str(&mut whole, &text, usize::MAX), text.len());
        prop_assert_eq!(String::from_utf8(whole).unwrap(), crate::reference::json(&text));

        let mut out = "before ".to_owned();
        let taken = json_str(&mut out, &text, room);
        let body = &out["before ".len()..];
        prop_assert!(body.len() <= room);
        prop_assert_eq!(body.chars().find(|&c| is_special(c)), None);
        let parsed: String = serde_json::from_str(&format!("\"{body}\"")).unwrap();
        prop_assert_eq!(parsed, &text[..taken]);
        if let Some(next) = text[taken..].chars().next() {
            prop_assert!(body.len() + crate::reference::json(&next.to_string()).len() > room, "more would fit");
        }
    }

    #[test]
    fn a_logfmt_line_has_one_pair(key in texts(), value in texts(), room in 0usize..900) {
        let mut out = String::new();
        logfmt_key(&mut out, &key, usize::MAX);
        let key_len = out.len();
        out.push('=');
        let taken = logfmt(&mut out, &value, room);
        prop_assert!(out.len() <= key_len + 1 + room);

        let (key, written) = out.split_once('=').unwrap();
        prop_assert!(!key.is_empty() && key.bytes().all(is_bare));
        let parsed = if written.starts_with('"') {
            serde_json::from_str(written).unwrap()
        } else {
            prop_assert!(written.bytes().all(is_bare));
            written.to_owned()
        };
        prop_assert_eq!(parsed, &value[..taken]);
    }

    #[test]
    fn a_header_is_printable_ascii(text in texts(), room in 0usize..900) {
        let mut out = String::new();
        let taken = header(&mut out, &text, room);
        prop_assert!(out.len() <= room && out.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        let mut again = String::new();
        header(&mut again, &text[..taken], usize::MAX);
        prop_assert_eq!(again, out);
    }
}

fn is_same(out: Cow<'_, str>, text: &str) -> bool {
    matches!(out, Cow::Borrowed(out) if std::ptr::eq(out, text))
}

fn is_bare(byte: u8) -> bool {
    byte.is_ascii_graphic() && !br#"="\"#.contains(&byte)
}

fn with_noise(text: &str, noise: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (index, byte) in noise {
        bytes.insert(index.index(bytes.len() + 1), *byte);
    }
    bytes
}
