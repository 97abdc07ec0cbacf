//! The middleware for HTTP clients.

mod body;
mod builder;
mod classify;
mod future;
mod grpc;
mod inject;
mod layer;
mod metrics;
mod outbound;
mod recording;
mod service;

pub use body::ClientBody;
pub use builder::ClientBuilder;
pub use classify::HttpClientClassifier;
pub use future::ClientFuture;
pub use layer::ClientLayer;
pub use metrics::HttpClientMetrics;
pub use outbound::{ResendCount, UrlTemplate};
pub use service::ClientService;
