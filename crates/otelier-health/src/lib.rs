#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod check;
mod error;
#[cfg(feature = "metrics")]
mod metrics;
mod probes;
mod registry;
mod report;
mod runner;
mod text;

pub use check::{CheckState, Status};
pub use error::RegisterError;
pub use probes::Probes;
pub use registry::{Health, MAX_CHECKS, MAX_NAME_LEN};
pub use runner::{MAX_INTERVAL, MIN_INTERVAL, TIMEOUT};
