//! Where log lines go: nowhere, counted, and kept while a check looks at them.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::bench::Result;

/// A JSON pointer and the text of the value expected there.
pub(crate) type Field<'a> = (&'a str, &'a str);

static LINES: AtomicU64 = AtomicU64::new(0);
static KEEP: AtomicBool = AtomicBool::new(false);
static KEPT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// The null writer of every subject. Of no size and with global state, so that getting one costs nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NullWriter;

impl Write for NullWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        std::hint::black_box(bytes);
        if bytes.ends_with(b"\n") {
            // Batches write from one thread; an atomic addition would cost as much as a small field.
            LINES.store(LINES.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
        if KEEP.load(Ordering::Relaxed) {
            KEPT.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs `work`, which has to write exactly `expected` lines.
pub(crate) fn expect_count(expected: u64, work: impl FnOnce()) -> Result {
    let before = LINES.load(Ordering::Relaxed);
    work();
    match LINES.load(Ordering::Relaxed) - before {
        written if written == expected => Ok(()),
        written => Err(format!("{written} of {expected} lines were written").into()),
    }
}

/// What `work` writes.
pub(crate) fn capture(work: impl FnOnce() -> Result) -> Result<Vec<u8>> {
    KEEP.store(true, Ordering::Relaxed);
    let result = work();
    KEEP.store(false, Ordering::Relaxed);
    let written = std::mem::take(&mut *KEPT.lock().unwrap_or_else(PoisonError::into_inner));
    result.map(|()| written)
}

/// An error unless `written` is one line of JSON with these fields.
pub(crate) fn check<'a>(written: &[u8], fields: impl IntoIterator<Item = Field<'a>>) -> Result {
    let text = std::str::from_utf8(written)?;
    let line = text
        .strip_suffix('\n')
        .filter(|line| !line.contains('\n'))
        .ok_or_else(|| format!("not one line: {text:?}"))?;
    let json: Value =
        serde_json::from_str(line).map_err(|error| format!("not JSON: {error}: {line}"))?;
    for (pointer, expected) in fields {
        let found = json.pointer(pointer).map(text_of);
        if found.as_deref() != Some(expected) {
            return Err(format!("{pointer} is {found:?}, not {expected:?}: {line}").into());
        }
    }
    Ok(())
}

/// As [`check`], and without fields that nothing was written.
pub(crate) fn check_if_any<const N: usize>(
    written: &[u8],
    fields: Option<[Field<'_>; N]>,
) -> Result {
    match fields {
        Some(fields) => check(written, fields),
        None if written.is_empty() => Ok(()),
        None => Err("a layer writes lines".into()),
    }
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_to_be_one_and_json_and_complete() {
        assert!(check(b"{\"a\":{\"b\":200}}\n", [("/a/b", "200")]).is_ok());
        assert!(check(b"{\"a\":{\"b\":404}}\n", [("/a/b", "200")]).is_err());
        assert!(check(b"{}\n", [("/a", "x")]).is_err());
        assert!(check(b"{}", []).is_err());
        assert!(check(b"{}\n{}\n", []).is_err());
        assert!(check(b"{]\n", []).is_err());
        assert!(check(b"", []).is_err());
    }
}
