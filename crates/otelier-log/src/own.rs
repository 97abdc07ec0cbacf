//! Lines that are no events, but have metadata as events have: writers, loggers and filters choose by it.

/// Metadata with these fields.
macro_rules! own_metadata {
    ($name:literal, $target:literal, $level:expr, $fields:expr) => {
        tracing_core::metadata! {
            name: $name,
            target: $target,
            level: $level,
            fields: $fields,
            callsite: &$crate::own::CALLSITE,
            kind: tracing_core::metadata::Kind::EVENT,
        }
    };
}

pub(crate) use own_metadata;

use tracing_core::callsite::Callsite;
use tracing_core::metadata::Kind;
use tracing_core::{Interest, Level, Metadata, metadata};

/// It is never registered: no filter is asked in advance whether it cares.
pub(crate) struct OwnCallsite;

pub(crate) static CALLSITE: OwnCallsite = OwnCallsite;

static METADATA: Metadata<'static> = metadata! {
    name: "otelier",
    target: "otelier",
    level: Level::INFO,
    fields: &[],
    callsite: &CALLSITE,
    kind: Kind::EVENT,
};

impl Callsite for OwnCallsite {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &METADATA
    }
}
