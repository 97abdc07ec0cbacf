#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod classify;
mod inbound;
mod metrics;
mod observe;
mod problem;
mod recording;
mod resolve;
mod semconv;
mod server;

pub use classify::{Class, Classifier, Ending, ErrorType, HttpServerClassifier};
pub use metrics::HttpServerMetrics;
pub use resolve::{HeaderTenant, PeerOf, RouteOf, TenantResolver};
pub use server::{HttpLayer, HttpService, ResponseBody, ResponseFuture, ServerBuilder};
