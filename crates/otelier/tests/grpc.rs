//! A service that has HTTP and gRPC on one port needs one middleware.

mod support;

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use otelier_testing::Collector;
use support::Service;

#[tokio::test]
async fn http_and_grpc_on_one_port_are_told_apart() {
    let collector = Collector::start().await.unwrap();
    let telemetry = support::install(&collector);
    let ok = || async { [("content-type", "application/grpc"), ("grpc-status", "0")] };
    let app = Router::new()
        .route("/shop.Orders/Get", post(ok))
        .route("/", get(|| async {}));
    let service = Service::start(support::serve(telemetry, app)).await;

    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    for _ in 0..2 {
        let request = Request::post(format!("http://{}/shop.Orders/Get", service.app))
            .header("content-type", "application/grpc+proto");
        let answer = client.request(request.body(Empty::new()).unwrap()).await;
        answer.unwrap().into_body().collect().await.unwrap();
    }
    support::get(service.app, "/").await;
    let page = support::get(service.ops, "/metrics").await.into_body();
    assert_eq!(service.stop().await.code(), 0);

    for sample in [
        r#"rpc_server_call_duration_seconds_count{rpc_system_name="grpc",rpc_method="_OTHER",rpc_response_status_code="OK"} 1"#,
        r#"rpc_server_call_duration_seconds_count{rpc_system_name="grpc",rpc_method="shop.Orders/Get",rpc_response_status_code="OK"} 1"#,
        r#"http_server_request_duration_seconds_count{http_request_method="GET",url_scheme="http",http_route="/",http_response_status_code="200",network_protocol_version="1.1"} 1"#,
    ] {
        assert!(page.lines().any(|line| line == sample), "{sample}\n{page}");
    }
    assert!(!page.contains(r#"http_request_method="POST""#), "{page}");
}
