//! What a taken port gets.

mod support;

use axum::Router;
use otelier_testing::Collector;

#[tokio::test]
async fn a_taken_port_is_named() {
    let collector = Collector::start().await.unwrap();
    let telemetry = support::install(&collector);
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();

    let serve = support::serve(telemetry, Router::new()).ops_address("127.0.0.1", port);
    let error = serve.run().await.unwrap_err();
    assert!(error.is_address_in_use() && error.is_ops_listener());
    assert!(
        format!("{error:?}").contains(&format!("127.0.0.1:{port}")),
        "{error:?}"
    );
}
