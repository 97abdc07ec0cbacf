//! Calls of a tonic server over loopback are told as their client sees them.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use otelier_context::{RequestEnd, RequestObserver};
use support::grpc::Calls;
use tokio::sync::Notify;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::tokio_stream::{self as stream, Stream, StreamExt as _};
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status, Streaming};
use tower::{Service, service_fn};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_client_sees_is_what_is_told() {
    for (method, seen, told, error) in [
        ("Echo", Code::Ok, "OK", None),
        ("Missing", Code::NotFound, "NOT_FOUND", None),
        ("Broken", Code::DataLoss, "DATA_LOSS", Some("DATA_LOSS")),
        ("Panics", Code::Internal, "INTERNAL", Some("INTERNAL")),
        (
            "Unheard",
            Code::Unimplemented,
            "UNIMPLEMENTED",
            Some("UNIMPLEMENTED"),
        ),
        ("Stream", Code::Ok, "OK", None),
        (
            "StreamBreaks",
            Code::Unavailable,
            "UNAVAILABLE",
            Some("UNAVAILABLE"),
        ),
    ] {
        let method = format!("shop.Shop/{method}");
        let mut running = Running::start(&method).await;
        assert_eq!(running.code(&method).await, seen, "{method}");
        running.ended().await;
        running.calls.ended_once(&method, told, error);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_is_no_name() {
    let mut running = Running::start("shop.Shop/Echo").await;
    assert_eq!(running.code("evil.Service/Get").await, Code::Unimplemented);
    running.ended().await;
    running
        .calls
        .ended_once("_OTHER", "UNIMPLEMENTED", Some("UNIMPLEMENTED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_its_client_resets_is_cancelled() {
    let method = "shop.Shop/StreamHangs";
    let mut running = Running::start(method).await;
    let mut messages = running.stream(method).await.unwrap();
    assert_eq!(messages.message().await.unwrap().unwrap(), "one");
    assert!(running.calls.lines().is_empty(), "the stream to its end");
    drop(messages);
    running.ended().await;
    running.calls.ended_once(method, "CANCELLED", None);
}

/// A server with the layer, and a client of it.
struct Running {
    calls: Calls,
    client: tonic::client::Grpc<Channel>,
    ended: Arc<Notify>,
}

impl Running {
    async fn start(method: &str) -> Self {
        let (calls, ended) = (Calls::new(), Arc::new(Notify::new()));
        let layer = calls.builder().grpc_methods([method]);
        let layer = layer.catch_panic(true).observer(Ended(Arc::clone(&ended)));
        let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = incoming.local_addr().unwrap();
        let server = Server::builder().layer(layer.build()).add_service(Shop);
        tokio::spawn(server.serve_with_incoming(incoming));
        let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
        let client = tonic::client::Grpc::new(endpoint.connect().await.unwrap());
        Self {
            calls,
            client,
            ended,
        }
    }

    async fn stream(&mut self, method: &str) -> Result<Streaming<Bytes>, Status> {
        self.client.ready().await.unwrap();
        let path = PathAndQuery::try_from(format!("/{method}")).unwrap();
        let request = Request::new(Bytes::from("one"));
        let answer = self.client.server_streaming(request, path, Plain);
        Ok(answer.await?.into_inner())
    }

    async fn code(&mut self, method: &str) -> Code {
        let all = async {
            let mut messages = self.stream(method).await?;
            while messages.message().await?.is_some() {}
            Ok::<_, Status>(())
        };
        all.await.map_or_else(|status| status.code(), |()| Code::Ok)
    }

    async fn ended(&self) {
        let ended = self.ended.notified();
        tokio::time::timeout(Duration::from_secs(10), ended)
            .await
            .unwrap();
    }
}

struct Ended(Arc<Notify>);

impl RequestObserver for Ended {
    fn on_end(&self, _: &RequestEnd<'_>) {
        self.0.notify_one();
    }
}

#[derive(Clone)]
struct Shop;

impl NamedService for Shop {
    const NAME: &'static str = "shop.Shop";
}

impl Service<http::Request<Body>> for Shop {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async {
            let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
            let mut grpc = tonic::server::Grpc::new(Plain);
            Ok(match &*method {
                "Unheard" => Status::unimplemented("no such method").into_http(),
                _ if method.starts_with("Stream") => {
                    let service = service_fn(move |_: Request<Bytes>| streamed(method.clone()));
                    grpc.server_streaming(service, request).await
                }
                _ => {
                    let service = service_fn(move |request| unary(method.clone(), request));
                    grpc.unary(service, request).await
                }
            })
        })
    }
}

async fn unary(method: String, request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
    match &*method {
        "Echo" => Ok(Response::new(request.into_inner())),
        "Missing" => Err(Status::not_found("no such order")),
        "Broken" => Err(Status::data_loss("torn")),
        _ => panic!("in the handler"),
    }
}

type Messages = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

async fn streamed(method: String) -> Result<Response<Messages>, Status> {
    let one = stream::once(Ok(Bytes::from("one")));
    Ok(Response::new(match &*method {
        "StreamHangs" => Box::pin(one.chain(stream::pending())),
        "StreamBreaks" => {
            let broken = Err(Status::unavailable("going down"));
            Box::pin(one.chain(stream::once(broken)))
        }
        _ => Box::pin(one),
    }))
}

/// Messages that are bytes as they are.
#[derive(Clone, Copy)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
