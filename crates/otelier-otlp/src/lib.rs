#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod config;
mod error;
mod error_type;
mod export;
mod own;
mod pipeline;
mod providers;
mod report;
mod runtime;
mod shutdown;
mod signal;

pub use config::{Config, Warning};
pub use error::Error;
pub use opentelemetry_sdk::Resource;
pub use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};
pub use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
pub use pipeline::Pipeline;
pub use shutdown::ShutdownError;
pub use signal::Signal;
