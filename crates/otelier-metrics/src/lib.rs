#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod expose;
mod family;
mod histogram;
mod registry;
mod slots;
mod target;

pub use expose::Exposition;
pub use family::{Family, MAX_SERIES};
pub use histogram::{DURATION_BUCKETS, ExemplarFilter, Histogram};
pub use prometheus_client;
pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::gauge::Gauge;
pub use registry::{RegisterError, Registry};
pub use slots::Slots;
