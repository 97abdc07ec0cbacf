#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod attributes;
mod collector;
mod list;
mod log;
mod metric;
mod receive;
mod received;
mod source;
mod span;
mod span_data;
mod store;
mod trace;
mod tree;
mod value;
mod wait;

pub use attributes::Attributes;
pub use collector::Collector;
pub use list::List;
pub use log::Log;
pub use metric::{Exemplar, Metric, MetricKind, Point};
pub use received::Received;
pub use span::Span;
pub use span_data::{Event, SpanKind, Status};
pub use store::Behaviour;
pub use trace::Trace;
pub use value::Value;
pub use wait::{Timeout, Wait};
