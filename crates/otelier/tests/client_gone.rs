//! A client that hangs up, before the head and in the body, over real connections.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use bytes::Bytes;
use http_body::Frame;
use otelier_testing::Collector;
use support::Service;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

#[derive(Debug, PartialEq)]
enum Seen {
    Started,
    Dropped,
}

/// Tells when what holds it begins and when it is dropped.
struct Witness(mpsc::UnboundedSender<Seen>);

impl Witness {
    fn new(seen: mpsc::UnboundedSender<Seen>) -> Self {
        seen.send(Seen::Started).expect("the test listens");
        Self(seen)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // An error is a test that has failed already.
        let _ = self.0.send(Seen::Dropped);
    }
}

async fn hang(State(seen): State<mpsc::UnboundedSender<Seen>>) {
    let _witness = Witness::new(seen);
    pending::<()>().await;
}

async fn stall(State(seen): State<mpsc::UnboundedSender<Seen>>) -> Body {
    Body::new(Stalled(Some("first".into()), Witness::new(seen)))
}

/// A body of one frame that never ends.
struct Stalled(
    Option<Bytes>,
    #[allow(dead_code, reason = "held until the drop")] Witness,
);

impl http_body::Body for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}

async fn request(at: SocketAddr, path: &str) -> TcpStream {
    let mut connection = TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: shop\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    connection
}

#[tokio::test]
async fn a_client_that_hangs_up_is_told_once() {
    let collector = Collector::start().await.unwrap();
    let telemetry = support::install(&collector);
    let (sender, mut seen) = mpsc::unbounded_channel();
    let routes = Router::new()
        .route("/hang", get(hang))
        .route("/stall", get(stall))
        .with_state(sender);
    let service = Service::start(support::serve(telemetry, routes)).await;

    let connection = request(service.app, "/hang").await;
    assert_eq!(seen.recv().await, Some(Seen::Started));
    drop(connection);
    assert_eq!(seen.recv().await, Some(Seen::Dropped));

    let mut connection = request(service.app, "/stall").await;
    let mut answer = String::new();
    while !answer.contains("first") {
        let mut some = [0; 1024];
        let read = connection.read(&mut some).await.unwrap();
        assert_ne!(read, 0, "{answer}");
        answer += std::str::from_utf8(&some[..read]).unwrap();
    }
    drop(connection);
    assert_eq!(seen.recv().await, Some(Seen::Started));
    assert_eq!(seen.recv().await, Some(Seen::Dropped));

    let metrics = support::get(service.ops, "/metrics").await.into_body();
    assert_eq!(service.stop().await.code(), 0);

    let active: Vec<_> = metrics
        .lines()
        .filter(|line| line.starts_with("http_server_active_requests{"))
        .collect();
    assert_eq!(active.len(), 1, "{metrics}");
    assert!(active[0].ends_with("} 0"), "{active:?}");
    let received = collector.received();
    for (route, code) in [("/hang", None), ("/stall", Some(200))] {
        let name = format!("GET {route}");
        let span = received.spans().filter(|span| span.name() == name).single();
        assert_eq!(*span.attribute("error.type"), "cancelled");
        let status = span.attributes().get("http.response.status_code");
        assert_eq!(status.and_then(otelier_testing::Value::as_i64), code);

        let lines = received.logs_of(span.trace_id());
        let line = lines.single();
        assert_eq!(line.severity(), "WARN");
        assert_eq!(*line.attribute("error.type"), "cancelled");

        let count = metrics
            .lines()
            .filter(|line| line.contains("duration_seconds_count{") && line.contains(route));
        let count: Vec<_> = count.collect();
        assert_eq!(count.len(), 1, "{metrics}");
        assert!(count[0].contains(r#"error_type="cancelled""#) && count[0].ends_with("} 1"));
    }
}
