use crate::Policy;
use crate::output::Counted;
use core::fmt;

/// A text that is sanitised while it is displayed. Width and alignment are ignored.
///
/// ```
/// use otelier_sanitize::Policy;
///
/// let user = "eve\nadmin";
/// let line = format!("user {} logged in", Policy::escape().escaped(user));
/// assert_eq!(line, r"user eve\nadmin logged in");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a> {
    text: &'a str,
    policy: Policy,
}

impl<'a> Escaped<'a> {
    pub(crate) const fn new(text: &'a str, policy: Policy) -> Self {
        Self { text, policy }
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Counted { inner: f, len: 0 };
        self.policy.push(&mut out, self.text, self.policy.max_len)?;
        Ok(())
    }
}

/// Sanitises what is written to it: a `Display` or `Debug` of unknown manners, say.
///
/// The policy's maximum length is that of all writes together. There it ends the formatting with an
/// error, so that a value that writes without end is stopped; [`is_cut`](Self::is_cut) tells that error
/// from one of the inner writer.
///
/// ```
/// use core::fmt::Write;
/// use otelier_sanitize::Policy;
///
/// let mut writer = Policy::escape().max_len(12).writer(String::new());
/// assert!(write!(writer, "{} {}", "\u{1b}]0;", "a title").is_err());
/// assert!(writer.is_cut());
/// assert_eq!(writer.into_inner(), r"\x1b]0; a ti");
/// ```
#[derive(Debug, Clone)]
pub struct Writer<W> {
    inner: W,
    policy: Policy,
    is_cut: bool,
}

impl<W> Writer<W> {
    pub(crate) const fn new(inner: W, policy: Policy) -> Self {
        Self {
            inner,
            policy,
            is_cut: false,
        }
    }

    /// Whether something did not fit into the policy's maximum length.
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: fmt::Write> fmt::Write for Writer<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.is_cut {
            return Err(fmt::Error);
        }
        let mut out = Counted {
            inner: &mut self.inner,
            len: 0,
        };
        let taken = self.policy.push(&mut out, text, self.policy.max_len)?;
        // The policy's maximum is what is left of it.
        self.policy.max_len -= out.len;
        self.is_cut = taken < text.len();
        if self.is_cut { Err(fmt::Error) } else { Ok(()) }
    }
}
