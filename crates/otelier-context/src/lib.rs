#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod b3;
mod baggage;
mod fields;
mod headers;
mod ids;
mod observer;
mod request;
mod trace_context;
mod value;

pub use b3::B3Propagator;
pub use baggage::BaggagePropagator;
pub use fields::Fields;
pub use headers::HeaderExtractor;
pub use ids::{InvalidId, RequestId, TenantId, UserId};
pub use observer::{Level, Outcome, RequestEnd, RequestObserver};
pub use request::{ContextExt, RequestContext, current, set_field};
pub use trace_context::TraceContextPropagator;
pub use value::FieldValue;
