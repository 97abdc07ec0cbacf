#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod headers;
mod ids;
mod observer;
mod request;
mod trace_context;

pub use headers::HeaderExtractor;
pub use ids::{InvalidId, RequestId, TenantId, UserId};
pub use observer::{Level, Outcome, RequestEnd, RequestObserver};
pub use request::{ContextExt, RequestContext, current};
pub use trace_context::TraceContextPropagator;
