#![no_std]
#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

extern crate alloc;

mod adapters;
mod form;
mod output;
mod policy;
mod sgr;
mod sinks;
mod special;
mod unsanitize;
mod write;

use alloc::borrow::Cow;

pub use adapters::{Escaped, Writer};
pub use output::Buffer;
pub use policy::Policy;
pub use sinks::{header, json_str, logfmt, logfmt_key};
pub use unsanitize::{Malformed, unsanitize, unsanitize_bytes};

/// Shows what could end a line, drive a terminal or hide or reorder text: [`Policy::escape`] without
/// any allowance. Clean text is borrowed; otherwise the result is at most four times as long.
///
/// ```
/// assert_eq!(otelier_sanitize::sanitize("paid\u{1b}[2K\nERROR forged"), r"paid\x1b[2K\nERROR forged");
/// ```
pub fn sanitize(text: &str) -> Cow<'_, str> {
    Policy::escape().sanitize(text)
}

/// [`sanitize`] for bytes that may not be UTF-8: each byte that is not part of a character comes out as
/// `\xNN`.
///
/// ```
/// assert_eq!(otelier_sanitize::sanitize_bytes(b"caf\xe9 \xc3\xa9"), r"caf\xe9 é");
/// ```
pub fn sanitize_bytes(bytes: &[u8]) -> Cow<'_, str> {
    Policy::escape().sanitize_bytes(bytes)
}
