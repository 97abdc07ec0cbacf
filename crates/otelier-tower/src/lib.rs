#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod capture;
mod cidr;
mod classify;
mod client;
mod forwarded;
mod grpc;
mod inbound;
mod metrics;
mod observe;
mod problem;
mod recording;
mod resolve;
mod semconv;
mod server;
mod trust;

pub use cidr::{Cidr, InvalidCidr};
pub use classify::{Class, Classifier, Ending, ErrorType, HttpServerClassifier};
pub use client::{
    ClientBody, ClientBuilder, ClientFuture, ClientLayer, ClientService, HttpClientClassifier,
    HttpClientMetrics, ResendCount, UrlTemplate,
};
pub use grpc::{GrpcServerClassifier, GrpcServerMetrics, GrpcStatus};
pub use metrics::HttpServerMetrics;
pub use problem::Problem;
pub use resolve::{HeaderTenant, PeerOf, RouteOf, TenantResolver};
pub use server::{HttpLayer, HttpService, ResponseBody, ResponseFuture, ServerBuilder};
pub use trust::Trust;
