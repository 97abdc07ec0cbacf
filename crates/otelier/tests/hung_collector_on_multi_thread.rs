//! A collector that never answers does not hold the stop up, on several threads.

mod support;

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use otelier::Phase;
use otelier_testing::{Behaviour, Collector};
use support::Service;

const BUDGET: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_within_its_budget_and_says_what_overran() {
    let collector = Collector::start().await.unwrap();
    collector.behave(Behaviour::Hang);
    let telemetry = support::install(&collector);
    let routes = Router::new().route("/", get(|| async {}));
    let serve = support::serve(telemetry, routes).shutdown_budget(BUDGET);
    let service = Service::start(serve).await;
    support::get(service.app, "/").await;

    let stopped = tokio::time::timeout(BUDGET, service.stop()).await;
    let stopped = stopped.expect("the stop ends within its budget");
    assert_eq!(stopped.overran(), Some(Phase::Flush));
    assert_eq!(stopped.code(), 12);
}
