#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

#[cfg(feature = "axum")]
mod axum;
mod error;
mod install;
mod log_writer;
#[cfg(feature = "axum")]
mod ops;
#[cfg(feature = "axum")]
mod serve;
mod stats;
mod telemetry;

pub use error::Error;
pub use otelier_context as context;
pub use otelier_context::{RequestContext, TenantId, UserId, current, set_field};
pub use otelier_health as health;
pub use otelier_log as log;
pub use otelier_metrics as metrics;
pub use otelier_otlp as otlp;
pub use otelier_tower as tower;
pub use otelier_tower::{HeaderTenant, Problem, TenantResolver};
#[cfg(feature = "axum")]
pub use serve::{Bound, Phase, Serve, Stopped};
pub use telemetry::{Builder, Telemetry};
