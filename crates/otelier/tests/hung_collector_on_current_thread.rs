//! A collector that never answers does not hold the stop up, on one thread.

mod support;

#[tokio::test]
async fn a_stop_ends_within_its_budget_and_says_what_overran() {
    support::stop_with_a_hung_collector().await;
}
