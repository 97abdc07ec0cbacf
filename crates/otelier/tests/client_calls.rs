//! A call that a handler makes is a part of its request's trace.

mod support;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use otelier_testing::Collector;
use support::Service;
use tower::{Layer as _, ServiceExt as _};

async fn stock() -> String {
    otelier::current().expect("a request").id().to_string()
}

#[tokio::test]
async fn a_handlers_call_goes_on_with_its_trace_and_request_id() {
    let collector = Collector::start().await.unwrap();
    let telemetry = support::install(&collector);
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let client = telemetry.http_client().layer(client);
    let order = async move |headers: HeaderMap| {
        let host = headers["host"].to_str().unwrap();
        let request = Request::get(format!("http://{host}/stock"));
        let response = client.clone().oneshot(request.body(Empty::new()).unwrap());
        let body = response.await.unwrap().collect().await.unwrap().to_bytes();
        String::from_utf8(body.into()).unwrap()
    };
    let routes = Router::new()
        .route("/order", get(order))
        .route("/stock", get(stock));
    let service = Service::start(support::serve(telemetry, routes)).await;

    let answer = support::get(service.app, "/order").await;
    assert_eq!(answer.headers()["x-request-id"], *answer.body());
    let page = support::get(service.ops, "/metrics").await.into_body();
    assert_eq!(service.stop().await.code(), 0);

    let spans = collector.received().spans();
    let order = spans.filter(|span| span.name() == "GET /order").single();
    let call = order.child("GET");
    assert_eq!(*call.attribute("server.address"), "127.0.0.1");
    call.child("GET /stock");
    let sample = "http_client_request_duration_seconds_count{http_request_method=\"GET\"";
    assert!(page.contains(sample), "{page}");
}
