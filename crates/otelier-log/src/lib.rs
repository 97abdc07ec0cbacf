#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod access;
mod builder;
mod context;
mod foreign;
mod ids;
mod layer;
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
mod writer;

pub use access::AccessLog;
pub use builder::JsonLayerBuilder;
#[doc(hidden)]
pub use context::__private;
pub use layer::JsonLayer;
pub use schema::{InvalidKeys, Keys, Preset};
pub use settings::{Format, Settings, Warning};
pub use stats::{DropReason, Stats};
pub use writer::{FlushError, Guard, LineWriter, NonBlocking, NonBlockingBuilder};
