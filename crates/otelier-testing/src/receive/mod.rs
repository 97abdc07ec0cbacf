//! The two protocols: what arrives over either goes to the store.

pub(crate) mod grpc;
pub(crate) mod http;

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response};
use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::store::Store;

/// The largest request, before which the real collector's gRPC receiver stops too.
pub(crate) const MAX_REQUEST: usize = 4 * 1024 * 1024;
const MAX_CONNECTIONS: usize = 256;

/// Serves until the runtime ends.
pub(crate) async fn serve<A, F, B>(listener: TcpListener, store: Arc<Store>, answer: A)
where
    A: Fn(Arc<Store>, Request<Incoming>) -> F + Copy + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: others must close first.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let store = Arc::clone(&store);
        let service = service_fn(move |request| {
            let answered = answer(Arc::clone(&store), request);
            async { Ok::<_, Infallible>(answered.await) }
        });
        tokio::spawn(async move {
            // A connection's failure is its client's to notice.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
            drop(permit);
        });
    }
}
