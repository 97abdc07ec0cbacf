use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;

/// What is appended to: a `String` or a `Vec<u8>`.
pub trait Buffer: Output<Error = Infallible> {}

impl Buffer for String {}
impl Buffer for Vec<u8> {}

/// What sanitised text is written to.
pub trait Output {
    /// `Infallible` for what is in memory.
    type Error;

    /// Appends `text`.
    fn push(&mut self, text: &str) -> Result<(), Self::Error>;
}

impl Output for String {
    type Error = Infallible;

    #[inline(always)]
    fn push(&mut self, text: &str) -> Result<(), Infallible> {
        self.push_str(text);
        Ok(())
    }
}

impl Output for Vec<u8> {
    type Error = Infallible;

    #[inline(always)]
    fn push(&mut self, text: &str) -> Result<(), Infallible> {
        self.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// A `fmt::Write` that counts.
pub(crate) struct Counted<W> {
    pub(crate) inner: W,
    pub(crate) len: usize,
}

impl<W: fmt::Write> Output for Counted<W> {
    type Error = fmt::Error;

    fn push(&mut self, text: &str) -> fmt::Result {
        self.len = self.len.saturating_add(text.len());
        self.inner.write_str(text)
    }
}
