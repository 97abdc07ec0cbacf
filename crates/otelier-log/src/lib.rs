#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod access;
mod builder;
mod category;
mod context;
mod error;
mod fingerprint;
mod foreign;
mod ids;
mod layer;
mod levels;
mod line;
mod otlp;
mod output;
mod own;
mod schema;
mod scratch;
mod settings;
mod span;
mod stats;
mod timestamp;
mod visit;
mod volume;
mod writer;

pub use access::AccessLog;
pub use builder::JsonLayerBuilder;
pub use category::{EventCount, Outcome, Timed, TimedFuture};
pub use error::{error, error_with_stacktrace};
pub use layer::JsonLayer;
pub use levels::{Levels, LevelsError};
pub use schema::{InvalidKeys, Keys, Preset};
pub use settings::{Format, Settings, Warning};
pub use stats::{DropReason, Stats};
pub use tracing_core::Level;
pub use volume::{InvalidVolume, RateLimit, Sampling};
pub use writer::{FlushError, Guard, LineWriter, NonBlocking, NonBlockingBuilder};

/// What the macros expand to; no part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::category::Measured;
    pub use crate::context::{set_fields, without_raw};
    pub use otelier_context::FieldValue;
    pub use tracing;
}

/// Its examples run as tests too.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/logging.md")]
mod guide {}
