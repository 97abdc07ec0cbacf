//! Input that was made to do harm, kind by kind.

use crate::reference::is_special;
use otelier_sanitize::{
    Policy, header, json_str, logfmt, logfmt_key, sanitize, sanitize_bytes, unsanitize,
    unsanitize_bytes,
};
use std::borrow::Cow;
use std::fmt::Write;

#[test]
fn s1_nothing_ends_a_line() {
    let ends = [
        ("\r", r"\r"),
        ("\n", r"\n"),
        ("\r\n", r"\r\n"),
        ("\u{b}", r"\x0b"),
        ("\u{c}", r"\x0c"),
        ("\u{85}", r"\u{85}"),
        ("\u{2028}", r"\u{2028}"),
        ("\u{2029}", r"\u{2029}"),
        ("\u{1c}\u{1d}\u{1e}\u{1f}", r"\x1c\x1d\x1e\x1f"),
        ("\0", r"\x00"),
    ];
    for (end, shown) in ends {
        for (before, after) in [("", "after"), ("before", "after"), ("before", ""), ("", "")] {
            let expected = format!("{before}{shown}{after}");
            assert_eq!(sanitize(&format!("{before}{end}{after}")), expected);
        }
        assert_one_line_everywhere(&format!("before{end}level=ERROR"));
    }
    for byte in 0x80..=0x9f {
        assert_eq!(
            sanitize_bytes(&[b'a', byte, b'b']),
            format!("a\\x{byte:02x}b")
        );
    }
}

#[test]
fn s2_nothing_drives_a_terminal() {
    let unterminated = format!("\u{1b}]0;{}", "a".repeat(1 << 20));
    let sequences = [
        "\u{1b}[2J",
        "\u{1b}[1A\u{1b}[2K",
        "\u{9b}2J",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]2;title\u{1b}\\",
        "\u{1b}]8;;http://evil\u{7}click\u{1b}]8;;\u{7}",
        "\u{1b}]8;;http://evil\u{1b}\\click\u{1b}]8;;\u{1b}\\",
        "\u{1b}]8;;http://evil\u{9c}click",
        "\u{1b}]52;c;cm0gLXJm\u{7}",
        "\u{1b}]777;notify;a;b\u{7}\u{1b}]9;a\u{7}",
        "\u{1b}P$q\"p\u{1b}\\",
        "\u{1b}^pm\u{1b}\\\u{1b}_apc\u{1b}\\\u{1b}Xsos\u{1b}\\",
        "\u{90}q\u{9c}\u{9d}0;a\u{9c}\u{9e}\u{9f}\u{98}",
        "\u{1b}[21t",
        "\u{1b}c",
        "at the end \u{1b}",
        "\u{1b}]0;a\u{1b}[31mb\u{7}",
        "password\u{8}\u{8}\u{7f}\u{7f}",
        "\u{e}\u{f}\u{1b}(0\u{5}",
        &unterminated,
    ];
    for sequence in sequences {
        assert_one_line_everywhere(sequence);
        let coloured = Policy::escape().allow_sgr().sanitize(sequence);
        assert!(
            !coloured.replace("\u{1b}[31m", "").contains('\u{1b}'),
            "{coloured:?}"
        );
    }

    let mut writer = Policy::escape().writer(String::new());
    for part in ["\u{1b}", "[2J", "\u{1b}[", "31m"] {
        writer.write_str(part).unwrap();
    }
    assert_eq!(writer.into_inner(), r"\x1b[2J\x1b[31m");
}

#[test]
fn s2_only_colours_are_kept_where_colours_may_stay() {
    let policy = Policy::escape().allow_sgr();
    for colour in [
        "",
        "0",
        "1;31",
        "38;5;208",
        "48;2;1;2;3;4",
        ";;",
        "107",
        "38;2;0;0;0;48;5;8",
    ] {
        let text = format!("\u{1b}[{colour}mtext");
        assert!(
            matches!(policy.sanitize(&text), Cow::Borrowed(_)),
            "{colour}"
        );
        assert!(!sanitize(&text).contains('\u{1b}'));
    }
    let long = "0;".repeat(33);
    for other in [
        "8", "5", "1;8", "38", "38;5", "38;2;1;2", "38;3;1", "256", "1:2", "?25", "31;", "-1",
        &long,
    ] {
        let text = format!("\u{1b}[{other}");
        assert_eq!(
            policy.sanitize(&format!("{text}m")).contains('\u{1b}'),
            other == "31;",
            "{other}"
        );
        assert!(
            !policy.sanitize(&text).contains('\u{1b}'),
            "unterminated {other}"
        );
    }
    let colour = "\u{1b}[31mred";
    for max_len in 0..5 {
        assert_eq!(policy.max_len(max_len).sanitize(colour), "");
    }
    assert_eq!(policy.max_len(6).sanitize(colour), "\u{1b}[31mr");
}

#[test]
fn s3_nothing_is_hidden_or_reordered() {
    for shown in [
        "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}",
        "\u{2069}\u{2069}unbalanced",
        "\u{202e}\"ofni\":\"level\"",
        "\u{e0001}\u{e0020}\u{e0041}\u{e007f}",
        "a\u{fe00}b\u{fe0f}c\u{e0100}\u{e01ef}",
        "क्\u{200d}ष می\u{200c}خواهم 👨\u{200d}👩",
        "\u{200b}\u{2060}\u{180e}\u{ad}\u{feff}\u{fff9}\u{fffa}\u{fffb}\u{3164}\u{115f}",
        "\u{fdd0}\u{fdef}\u{fffe}\u{ffff}\u{1fffe}\u{10ffff}",
    ] {
        assert_one_line_everywhere(shown);
        assert!(sanitize(shown).contains(r"\u{"), "{shown:?}");
    }
    let words = "می\u{200c}خواهم 👨\u{200d}👩 ❤\u{fe0f}";
    assert!(matches!(
        Policy::escape().allow_joiners().sanitize(words),
        Cow::Borrowed(_)
    ));

    // Private, unassigned, combining and look-alike characters are no business of this crate.
    for kept in [
        "\u{e000}\u{f8ff}\u{f0000}",
        "\u{378}\u{e1000}",
        "e\u{301}",
        "сheckout ｃheckout checkοut",
    ] {
        assert!(matches!(sanitize(kept), Cow::Borrowed(_)), "{kept:?}");
    }
}

#[test]
fn s4_invalid_utf8_is_shown_wherever_it_stands() {
    let invalid: [&[u8]; 14] = [
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xc0\x8a",
        b"\xf0\x80\x80\xaf",
        b"\xed\xa0\x80",
        b"\xed\xb0\x80",
        b"\xf4\x90\x80\x80",
        b"\xfe",
        b"\xff",
        b"\xe2\x80",
        b"\xf0\x9f\xa6",
        b"\xc3",
        b"\x9b2J",
        b"\xe2\x80\n",
    ];
    for bytes in invalid {
        let shown: String = bytes
            .iter()
            .map(|&byte| match byte {
                b'\n' => r"\n".to_owned(),
                0..=0x7f => char::from(byte).to_string(),
                _ => format!("\\x{byte:02x}"),
            })
            .collect();
        for before in 0..=64 {
            for after in ["", "after", "é"] {
                let input = [&b"x".repeat(before)[..], bytes, after.as_bytes()].concat();
                let expected = format!("{}{shown}{after}", "x".repeat(before));
                assert_eq!(sanitize_bytes(&input), expected);
                let reversible = Policy::reversible().sanitize_bytes(&input);
                assert_eq!(unsanitize_bytes(&reversible).unwrap(), input);
                assert!(unsanitize(&reversible).unwrap_err().is_bytes());
            }
        }
    }
    assert_eq!(Policy::strip().sanitize_bytes(b"a\xffb\x1b"), "ab");
    assert_eq!(
        Policy::replace('?').sanitize_bytes(b"a\xe2\x80b\x1b"),
        "a??b?"
    );
    assert_eq!(Policy::escape().max_len(5).sanitize_bytes(b"ab\xffc"), "ab");
}

#[test]
fn s5_a_value_stays_one_value() {
    for value in [
        "=cmd",
        "+1",
        "-1",
        "@a",
        "\ta",
        "\ra",
        "＝1",
        "a=b",
        "a b",
        "a,b",
        "\"",
        "a\"b",
        "\\",
        "a|b",
        "]",
        "",
        "<script>",
        "\u{feff}=1",
        "\0=1",
        "a\nlevel=error",
        "é",
    ] {
        let mut line = "before=1 key=".to_owned();
        assert_eq!(logfmt(&mut line, value, usize::MAX), value.len());
        line.push_str(" after=1");
        assert_eq!(
            logfmt_pairs(&line),
            ["before=1", &format!("key={value}"), "after=1"],
            "{line}"
        );
        assert_one_line_everywhere(value);
    }
    let mut line = String::new();
    for key in ["a=1 level", "", "\"", "ключ", "ok.key-1"] {
        logfmt_key(&mut line, key, usize::MAX);
        line.push_str("=1 ");
    }
    assert_eq!(line, "a_1_level=1 _=1 _=1 ____=1 ok.key-1=1 ");

    let mut out = String::new();
    logfmt_key(&mut out, "", 0);
    assert_eq!(out, "");
    for room in 0..5 {
        out.clear();
        logfmt(&mut out, "a b", room);
        assert_eq!(out, ["", "", "\"\"", "\"a\"", "\"a \""][room]);
    }
}

#[test]
fn s6_other_syntaxes_stay_and_escapes_stay_distinguishable() {
    for kept in [
        "%n %s {} {0} ${jndi:ldap://evil}",
        "${${::-j}ndi:${lower:l}dap://evil}",
        "%00 %0d%0a %250a &#10;",
        r"\n \u000a \x1b \u{202e}",
    ] {
        assert!(matches!(sanitize(kept), Cow::Borrowed(_)), "{kept}");
    }
    let (newline, literal) = ("\n", r"\n");
    assert_eq!(Policy::reversible().sanitize(newline), r"\n");
    assert_eq!(Policy::reversible().sanitize(literal), r"\\n");
    let json = |text| {
        let mut out = String::new();
        json_str(&mut out, text, usize::MAX);
        out
    };
    assert_eq!(
        (json(newline).as_str(), json(literal).as_str()),
        (r"\n", r"\\n")
    );
    assert_eq!(
        unsanitize(r"\n\\n\x1b\u{202e}").unwrap(),
        "\n\\n\u{1b}\u{202e}"
    );
    for refused in [
        r"\",
        r"\q",
        r"\x1",
        r"\xé",
        r"\u{}",
        r"\u{110000}",
        r"\u{d800}",
        r"\u{0000001}",
        r"\u{1",
        r"\u1",
    ] {
        let error = unsanitize(&format!("ab{refused}")).unwrap_err();
        assert!(
            error.to_string().starts_with("unknown escape at byte 2"),
            "{refused}: {error}"
        );
        assert!(!error.is_bytes());
    }
}

#[test]
fn s7_nothing_forges_a_field_or_a_line() {
    for forged in [
        r#"","severity_text":"INFO","x":""#,
        "\"}\n{\"level\":\"ERROR\"",
        "}{",
        "a\":1,\"level",
        "\\",
        "\\\"",
    ] {
        let mut line = "{\"".to_owned();
        json_str(&mut line, forged, usize::MAX);
        line.push_str("\":\"");
        json_str(&mut line, forged, usize::MAX);
        line.push_str("\"}");
        let parsed: serde_json::Map<_, _> = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed.len(), 1);
        assert_eq!(parsed[forged], forged);
        assert_one_line_everywhere(forged);
    }
}

#[test]
fn s7_bombs_stay_bounded() {
    let escapes = "\u{1b}".repeat(10 << 20);
    assert_eq!(sanitize(&escapes).len(), 4 * escapes.len());
    assert_eq!(
        Policy::escape().max_len(1023).sanitize(&escapes).len(),
        1020
    );
    let mut json = String::new();
    assert_eq!(json_str(&mut json, &escapes, 1023), 170);
    assert_eq!(json.len(), 1020);

    let zalgo = format!("e{}", "\u{301}".repeat(100_000));
    assert_eq!(Policy::escape().max_len(1024).sanitize(&zalgo).len(), 1023);
    let long = "a".repeat(1 << 20);
    let cut = Policy::escape().max_len(1024).sanitize(&long);
    assert!(matches!(cut, Cow::Borrowed(cut) if cut.len() == 1024));
}

/// What every policy and sink owes: one line, nothing special, and the original where it is promised.
fn assert_one_line_everywhere(text: &str) {
    let mut outs: Vec<String> = [
        Policy::escape(),
        Policy::reversible(),
        Policy::strip(),
        Policy::replace('?'),
    ]
    .iter()
    .flat_map(|policy| {
        let mut writer = policy.writer(String::new());
        writer.write_str(text).unwrap();
        [
            policy.sanitize(text).into_owned(),
            policy.escaped(text).to_string(),
            writer.into_inner(),
        ]
    })
    .collect();
    assert_eq!(unsanitize(&outs[3]).unwrap(), text);
    for sink in [json_str, logfmt, logfmt_key, header] {
        let mut out = String::new();
        assert_eq!(sink(&mut out, text, usize::MAX), text.len());
        outs.push(out);
    }
    for out in outs {
        assert!(!out.contains(is_special), "{out:?}");
    }
}

/// A logfmt line as its readers split it: at spaces that are not in quotes, and quotes as in JSON.
fn logfmt_pairs(mut line: &str) -> Vec<String> {
    let mut pairs = Vec::new();
    while let Some((key, rest)) = line.split_once('=') {
        let (value, rest) = if rest.starts_with('"') {
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let value = values.next().unwrap().unwrap();
            (value, &rest[values.byte_offset()..])
        } else {
            let end = rest.find(' ').unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        };
        pairs.push(format!("{key}={value}"));
        line = rest.strip_prefix(' ').unwrap_or(rest);
    }
    pairs
}
