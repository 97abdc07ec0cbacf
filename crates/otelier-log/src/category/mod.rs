//! Events of a category: what one is called, which level it has, how it is counted.
//!
//! A category is recognised by the target alone, which its macro fixes.

mod counts;
mod macros;
mod timed;

use tracing_core::Metadata;

pub use counts::EventCount;
pub(crate) use counts::EventCounts;
pub use timed::{Measured, Timed, TimedFuture};

/// How an action that [`audit!`](crate::audit) tells of ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was allowed, and failed.
    Error,
    /// The actor was not allowed to do it.
    PermissionDenied,
}

impl Outcome {
    /// The outcome as written: `success`, `error` or `permission_denied`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::PermissionDenied => "permission_denied",
        }
    }
}

/// The categories whose events are never sampled and are counted by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Category {
    Security,
    Audit,
    Performance,
    Alert,
}

/// The category of an event, if it has one; to be asked once for each callsite.
pub(crate) fn category(metadata: &Metadata<'_>) -> Option<Category> {
    match metadata.target().strip_prefix("otelier::")? {
        "security" => Some(Category::Security),
        "audit" => Some(Category::Audit),
        "performance" => Some(Category::Performance),
        "alert" => Some(Category::Alert),
        _ => None,
    }
}

impl Category {
    pub(crate) const ALL: [Self; 4] = [Self::Security, Self::Audit, Self::Performance, Self::Alert];

    /// The category as the field `category` and the label have it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Audit => "audit",
            Self::Performance => "performance",
            Self::Alert => "alert",
        }
    }
}
