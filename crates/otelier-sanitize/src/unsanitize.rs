use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Gives back the text that [`Policy::reversible`](crate::Policy::reversible) has made `text` of.
/// Borrowed if there is no backslash.
///
/// # Errors
///
/// If `text` has a backslash that does not start an escape of that policy, or escaped bytes that are not
/// UTF-8: [`unsanitize_bytes`] gives these back.
///
/// ```
/// use otelier_sanitize::{Policy, unsanitize};
///
/// let original = "C:\\new\n\u{202e}";
/// let shown = Policy::reversible().sanitize(original);
/// assert_eq!(shown, r"C:\\new\n\u{202e}");
/// assert_eq!(unsanitize(&shown)?, original);
/// # Ok::<(), otelier_sanitize::Malformed>(())
/// ```
pub fn unsanitize(text: &str) -> Result<Cow<'_, str>, Malformed> {
    match unsanitize_bytes(text)? {
        Cow::Borrowed(_) => Ok(Cow::Borrowed(text)),
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(_) => Err(Malformed { kind: Kind::Bytes }),
        },
    }
}

/// As [`unsanitize`], for what [`Policy::sanitize_bytes`](crate::Policy::sanitize_bytes) has written: it
/// gives the bytes back, whether they are UTF-8 or not.
///
/// # Errors
///
/// If `text` has a backslash that does not start an escape of that policy.
pub fn unsanitize_bytes(text: &str) -> Result<Cow<'_, [u8]>, Malformed> {
    let Some((mut run, mut tail)) = text.split_once('\\') else {
        return Ok(Cow::Borrowed(text.as_bytes()));
    };
    let mut bytes = Vec::with_capacity(text.len());
    loop {
        bytes.extend_from_slice(run.as_bytes());
        let at = text.len() - tail.len() - 1;
        tail = push_unescaped(&mut bytes, tail).ok_or(Malformed {
            kind: Kind::Escape { at },
        })?;
        match tail.split_once('\\') {
            Some(split) => (run, tail) = split,
            None => break,
        }
    }
    bytes.extend_from_slice(tail.as_bytes());
    Ok(Cow::Owned(bytes))
}

/// A text that [`Policy::reversible`](crate::Policy::reversible) has not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Escape { at: usize },
    Bytes,
}

impl Malformed {
    /// Whether all escapes are known, but give bytes that are not UTF-8.
    pub fn is_bytes(&self) -> bool {
        self.kind == Kind::Bytes
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Escape { at } => write!(
                f,
                "unknown escape at byte {at}: expected `\\\\`, `\\n`, `\\r`, `\\t`, `\\xNN` or `\\u{{N}}`"
            ),
            Kind::Bytes => f.write_str("escaped bytes are not UTF-8: use `unsanitize_bytes`"),
        }
    }
}

impl core::error::Error for Malformed {}

/// Writes what the escape stands for whose backslash was just before `tail`, and returns what follows it.
fn push_unescaped<'a>(bytes: &mut Vec<u8>, tail: &'a str) -> Option<&'a str> {
    let mut chars = tail.chars();
    let byte = match chars.next()? {
        '\\' => b'\\',
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'x' => {
            let (digits, after) = chars.as_str().split_at_checked(2)?;
            bytes.push(u8::try_from(hex(digits)?).ok()?);
            return Some(after);
        }
        'u' => {
            let (digits, after) = chars.as_str().strip_prefix('{')?.split_once('}')?;
            let c = char::from_u32(hex(digits)?)?;
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(after);
        }
        _ => return None,
    };
    bytes.push(byte);
    Some(chars.as_str())
}

fn hex(digits: &str) -> Option<u32> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let all = (1..=6).contains(&digits.len()) && digits.bytes().all(is_digit);
    all.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}
