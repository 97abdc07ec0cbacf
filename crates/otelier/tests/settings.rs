//! The middleware with settings of the service's own.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use otelier::tower::Cidr;
use otelier_testing::Collector;
use support::Service;

#[tokio::test]
async fn what_the_builder_is_told_counts_beside_what_the_telemetry_sets() {
    let collector = Collector::start().await.unwrap();
    let telemetry = support::install(&collector);
    let layer = telemetry
        .http_builder()
        .trusted_proxies(["127.0.0.0/8".parse::<Cidr>().unwrap()])
        .grpc_methods(["shop.Orders/Get"])
        .build();
    let call = || async { [("content-type", "application/grpc"), ("grpc-status", "0")] };
    let app = Router::new()
        .route("/shop.Orders/Get", post(call))
        .route("/orders/{id}", get(|| async {}))
        .layer(layer);
    let serve = telemetry.serve(app).address("127.0.0.1", 0);
    let service = Service::start(serve.ops_address("127.0.0.1", 0)).await;

    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let at = |path: &str| format!("http://{}{path}", service.app);
    let from_afar = Request::get(at("/orders/7")).header("x-forwarded-for", "203.0.113.9");
    let declared = Request::post(at("/shop.Orders/Get")).header("content-type", "application/grpc");
    for request in [from_afar, declared] {
        let answer = client.request(request.body(Empty::new()).unwrap()).await;
        answer.unwrap().into_body().collect().await.unwrap();
    }
    let page = support::get(service.ops, "/metrics").await.into_body();
    assert_eq!(service.stop().await.code(), 0);

    assert!(page.contains(r#"rpc_method="shop.Orders/Get""#), "{page}");
    let spans = collector.received().spans();
    let span = spans
        .filter(|span| span.name() == "GET /orders/{id}")
        .single();
    assert_eq!(*span.attribute("client.address"), "203.0.113.9");
}
