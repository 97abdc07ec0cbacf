//! The middleware for HTTP servers.

mod body;
mod builder;
mod future;
mod layer;
mod service;

pub use body::ResponseBody;
pub use builder::ServerBuilder;
pub use future::ResponseFuture;
pub(crate) use future::known_error;
pub use layer::HttpLayer;
pub use service::HttpService;
