//! A strict reader of JSON (RFC 8259), as a second opinion: it shares no code with what is tested.

use std::collections::HashSet;

/// A line is an object, in it one of fields, in it an error, in it a chain.
const MAX_DEPTH: usize = 4;

/// Whether a text is one JSON object and nothing else, without control characters, in which no object
/// has a key twice, however it is escaped.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let mut reader = Reader {
        rest: text,
        depth: 0,
    };
    let done = match reader.peek() {
        Some('{') => reader.value(),
        _ => Err("not an object"),
    };
    let done = done.and(match reader.rest {
        "" => Ok(()),
        _ => Err("text after the object"),
    });
    done.map_err(|error| format!("{error} at byte {}", text.len() - reader.rest.len()))
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

type Read<T = ()> = Result<T, &'static str>;

impl Reader<'_> {
    fn value(&mut self) -> Read {
        match self.peek() {
            Some('{') => {
                let mut keys = HashSet::new();
                self.members('{', '}', |reader| {
                    if !keys.insert(reader.string()?) {
                        return Err("a key twice");
                    }
                    reader.spaces();
                    reader.expect(':')?;
                    reader.spaces();
                    reader.value()
                })
            }
            Some('[') => self.members('[', ']', Self::value),
            Some('"') => self.string().map(drop),
            Some('-' | '0'..='9') => self.number(),
            _ => ["true", "false", "null"]
                .iter()
                .find_map(|word| self.rest.strip_prefix(word))
                .map(|rest| self.rest = rest)
                .ok_or("no value"),
        }
    }

    fn members(&mut self, open: char, close: char, mut one: impl FnMut(&mut Self) -> Read) -> Read {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("too deep");
        }
        self.expect(open)?;
        self.spaces();
        if !self.accept(close) {
            loop {
                one(self)?;
                self.spaces();
                if self.accept(close) {
                    break;
                }
                self.expect(',')?;
                self.spaces();
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads a string and returns what it means.
    fn string(&mut self) -> Read<String> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            text.push(match self.next()? {
                '"' => return Ok(text),
                '\\' => self.escape()?,
                c if c.is_control() => return Err("a raw control character"),
                c => c,
            });
        }
    }

    fn escape(&mut self) -> Read<char> {
        Ok(match self.next()? {
            c @ ('"' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = self.hex()?;
                let second = if (0xd800..0xdc00).contains(&first) {
                    self.expect('\\')?;
                    self.expect('u')?;
                    Some(self.hex()?)
                } else {
                    None
                };
                let mut units = char::decode_utf16([first].into_iter().chain(second));
                let character = units.next().and_then(Result::ok);
                character.ok_or("half a surrogate pair")?
            }
            _ => return Err("an unknown escape"),
        })
    }

    fn hex(&mut self) -> Read<u16> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.next()?.to_digit(16).ok_or("no hex digit")?;
            unit = unit << 4 | digit as u16;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Read {
        self.accept('-');
        if !self.accept('0') {
            self.digits()?;
        }
        if self.accept('.') {
            self.digits()?;
        }
        if self.accept('e') || self.accept('E') {
            let _ = self.accept('+') || self.accept('-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Read {
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == self.rest.len() {
            return Err("no digit");
        }
        self.rest = rest;
        Ok(())
    }

    /// Of the white space that JSON allows, a line has spaces only.
    fn spaces(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Read<char> {
        let c = self.peek().ok_or("the text ends")?;
        self.rest = &self.rest[c.len_utf8()..];
        Ok(c)
    }

    fn accept(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.rest = &self.rest[c.len_utf8()..];
        }
        found
    }

    fn expect(&mut self, c: char) -> Read {
        if self.accept(c) {
            Ok(())
        } else {
            Err("another character expected")
        }
    }
}

#[test]
fn the_strict_reader_accepts_what_is_json() {
    for text in [
        "{}",
        r#"{"a":{ "b":[]},"":[1,-0.5e-3,0,1E+2,true,false,null]}"#,
        r#"{"a\/\"\\\b\f\n\r\t\u00e9\ud83e\udd80":"é🦀"}"#,
        r#"{"a":{"a":1},"b":{"a":{"a":[1]}}}"#,
    ] {
        assert_eq!(check(text), Ok(()), "{text}");
    }
}

#[test]
fn the_strict_reader_refuses_what_is_not() {
    for text in [
        "",
        "[]",
        "{",
        "{}}",
        "{} {}",
        "{}\n",
        r#"{"a":1,}"#,
        r#"{"a":,}"#,
        r#"{"a" 1}"#,
        r#"{a:1}"#,
        r#"{"a":01}"#,
        r#"{"a":+1}"#,
        r#"{"a":1.}"#,
        r#"{"a":.5}"#,
        r#"{"a":1e}"#,
        r#"{"a":-}"#,
        r#"{"a":NaN}"#,
        r#"{"a":tru}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12g4"}"#,
        r#"{"a":"\ud83e"}"#,
        r#"{"a":"\ud83ex"}"#,
        r#"{"a":"\udd80"}"#,
        r#"{"a":"\ud83e\u0041"}"#,
        "{\"a\":\"\n\"}",
        "{\"a\":\"\u{85}\"}",
        r#"{"a":"}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"a":{"b":1,"b":2}}"#,
        r#"{"a":[{"b":1,"b":2}]}"#,
        r#"{"a":[[[[]]]]}"#,
        "\u{feff}{}",
    ] {
        assert!(check(text).is_err(), "{text}");
    }
}
