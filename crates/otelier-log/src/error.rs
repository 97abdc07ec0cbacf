use std::any::type_name;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::iter::successors;

use crate::foreign::isolated;

/// How many sources of an error are kept; its chain may be a circle.
pub(crate) const MAX_CHAIN: usize = 16;

/// The longest text of an error that is kept, in bytes.
const MAX_TEXT: usize = 8 << 10;

/// An error as a field that says its type too, for `dyn Error` has no name.
///
/// It is written as an object with `message`, `chain` and `type`. Its texts are taken at once: at most
/// 8 KiB each and 16 sources. Below a filter's level nothing is evaluated.
///
/// ```
/// let failed = "x".parse::<u8>().unwrap_err();
/// tracing::error!(error = otelier_log::error(&failed), "no such order");
/// // {.., "error":{"message":"invalid digit found in string","type":"core::num::error::ParseIntError"}, ..}
/// ```
pub fn error<E: Error + 'static>(error: &E) -> Box<dyn Error + 'static> {
    Box::new(Report::new::<E>(error, None))
}

/// An error as [`error()`] has it, with a `stacktrace` of at most 8 KiB: a
/// [`Backtrace`](std::backtrace::Backtrace) that the error carries, say.
///
/// ```
/// use std::backtrace::Backtrace;
///
/// let failed = "x".parse::<u8>().unwrap_err();
/// let trace = Backtrace::capture();
/// tracing::error!(error = otelier_log::error_with_stacktrace(&failed, &trace), "no such order");
/// ```
pub fn error_with_stacktrace<E: Error + 'static>(
    error: &E,
    stacktrace: &dyn fmt::Display,
) -> Box<dyn Error + 'static> {
    Box::new(Report::new::<E>(error, Some(text(stacktrace))))
}

/// What is kept of an error. Its sources are reports too.
#[derive(Debug)]
pub(crate) struct Report {
    message: String,
    source: Option<Box<Self>>,
    pub(crate) type_name: Option<&'static str>,
    pub(crate) stacktrace: Option<String>,
}

impl Report {
    fn new<E>(error: &(dyn Error + 'static), stacktrace: Option<String>) -> Self {
        let sources: Vec<_> = successors(source(error), |error| source(*error))
            .take(MAX_CHAIN + 1)
            .map(|source| text(&source))
            .collect();
        let source = sources.into_iter().rev().fold(None, |source, message| {
            Some(Box::new(Self {
                message,
                source,
                type_name: None,
                stacktrace: None,
            }))
        });
        Self {
            message: text(&error),
            source,
            type_name: Some(type_name::<E>()),
            stacktrace,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Report {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_deref()?)
    }
}

/// An error's source, by code that may panic.
pub(crate) fn source<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    isolated(|| error.source()).flatten()
}

fn text(value: &dyn fmt::Display) -> String {
    let mut out = Bounded(String::new(), false);
    match isolated(|| write!(out, "{value}")) {
        Some(Ok(())) => {}
        Some(Err(_)) if out.1 => {}
        Some(Err(_)) => out.0.push_str("<format error>"),
        None => out.0.push_str("<panicked>"),
    }
    out.0
}

/// Refuses what is longer than [`MAX_TEXT`], by which formatting without end is stopped.
struct Bounded(String, bool);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.1 {
            return Err(fmt::Error);
        }
        let room = MAX_TEXT.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let fits = (0..=room).rev().find(|at| text.is_char_boundary(*at));
        self.0.push_str(&text[..fits.unwrap_or(0)]);
        self.0.push('…');
        self.1 = true;
        Err(fmt::Error)
    }
}
