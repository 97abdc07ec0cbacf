//! A collector that never answers does not hold the stop up, on several threads.

mod support;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_within_its_budget_and_says_what_overran() {
    support::stop_with_a_hung_collector().await;
}
