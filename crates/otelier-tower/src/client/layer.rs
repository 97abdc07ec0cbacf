use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::recording::Recorder;
use super::{ClientBuilder, ClientService};
use crate::HttpLayer;

impl<T> HttpLayer<T> {
    /// A layer for clients whose spans come from this tracer.
    pub fn client(tracer: T) -> ClientBuilder<T> {
        ClientBuilder::new(tracer)
    }
}

/// Wraps an HTTP client, any service of requests and responses of the crate `http`, so that each of its
/// calls is told once as span and metric, and its server learns the trace and the request's id.
///
/// The span of a call is a child of the context that is current in `Service::call`, and ends with the
/// response's body. Put the layer below what sends a request again, for each attempt to have a span, and
/// above what gives up on it: a timeout above looks like a caller that lost interest, which is no error.
///
/// A call with the content type `application/grpc` is told as one of gRPC: by its method, and by the
/// status in its trailers, of which each but OK is an error.
///
/// An error of the client is looked into if it is an `io::Error` or a boxed one; others are `_OTHER`
/// until they are boxed below the layer:
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use http_body_util::{BodyExt as _, Empty};
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use otelier_metrics::Registry;
/// use otelier_tower::{HttpClientMetrics, HttpLayer};
/// use tower::{BoxError, ServiceBuilder, ServiceExt as _};
/// # use opentelemetry::trace::TracerProvider as _;
/// # use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("http://{}/", listener.local_addr()?);
/// # tokio::spawn(async move {
/// #     let (mut stream, _) = listener.accept().await?;
/// #     stream.read(&mut [0; 1024]).await?;
/// #     stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await
/// # });
/// # let tracer = opentelemetry_sdk::trace::SdkTracerProvider::default().tracer("checkout");
/// let registry = Registry::new("checkout");
/// let layer = HttpLayer::client(tracer)
///     .metrics(HttpClientMetrics::register(&registry)?)
///     .build();
///
/// let client = ServiceBuilder::new()
///     .layer(layer)
///     .map_err(BoxError::from)
///     .service(Client::builder(TokioExecutor::new()).build_http());
/// let response = client.oneshot(Request::get(url).body(Empty::<Bytes>::new())?).await?;
///
/// assert_eq!(response.collect().await?.to_bytes(), "hi");
/// assert!(registry.expose(None)?.body.contains(r#"server_address="127.0.0.1""#));
/// # Ok::<(), BoxError>(()) })?;
/// # Ok::<(), BoxError>(())
/// ```
pub struct ClientLayer<T> {
    pub(super) tracer: T,
    pub(super) recorder: Arc<Recorder>,
}

impl<S, T: Clone> Layer<S> for ClientLayer<T> {
    type Service = ClientService<S, T>;

    fn layer(&self, inner: S) -> Self::Service {
        ClientService {
            inner,
            tracer: self.tracer.clone(),
            recorder: Arc::clone(&self.recorder),
        }
    }
}

impl<T: Clone> Clone for ClientLayer<T> {
    fn clone(&self) -> Self {
        Self {
            tracer: self.tracer.clone(),
            recorder: Arc::clone(&self.recorder),
        }
    }
}

impl<T> fmt::Debug for ClientLayer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientLayer").finish_non_exhaustive()
    }
}
