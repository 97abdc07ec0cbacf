//! Waiting ends when it arrives or at the deadline, and says what did arrive.

mod common;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use common::{TRACE_ID, post, request, spans, try_send};
use http_body_util::Full;
use otelier_testing::Collector;
use prost::Message;

const SOON: Duration = Duration::from_millis(20);

#[tokio::test]
async fn a_trace_is_waited_for_until_its_root_is_there() {
    let collector = Collector::start().await.expect("a collector");
    post(&collector, "/v1/traces", &spans(&[(2, 1, "child")])).await;
    let mut trace = pin!(collector.traces().into_future());
    let early = poll_fn(|context| Poll::Ready(trace.as_mut().poll(context).is_ready())).await;
    assert!(!early, "a trace without its root is not complete");

    post(&collector, "/v1/traces", &spans(&[(1, 0, "root")])).await;
    assert_eq!(trace.await.single().root().child("child").name(), "child");
}

#[tokio::test]
async fn a_timeout_names_what_was_waited_for_and_keeps_what_arrived() {
    let collector = Collector::start().await.expect("a collector");
    post(&collector, "/v1/traces", &spans(&[(2, 1, "orphan")])).await;

    let timeout = collector
        .trace(TRACE_ID)
        .within(SOON)
        .try_wait()
        .await
        .expect_err("incomplete");
    let message = timeout.to_string();
    assert!(message.starts_with(&format!("the complete trace {TRACE_ID} did not arrive")));
    assert!(message.contains("within 20ms, awaited at"), "{message}");
    assert!(message.contains("waiting.rs:"), "{message}");
    assert!(timeout.received().trace(TRACE_ID).is_some());
    assert!(timeout.received().to_string().contains("orphan"));
}

#[tokio::test]
#[should_panic(expected = "orphan")]
async fn a_failed_wait_shows_what_arrived() {
    let collector = Collector::start().await.expect("a collector");
    post(&collector, "/v1/traces", &spans(&[(2, 1, "orphan")])).await;
    collector.traces().within(SOON).await;
}

#[tokio::test]
#[should_panic(expected = "expected one child \"load_order\" of \"root\", found 0:\ntrace 4bf92f")]
async fn a_failed_assertion_shows_the_trace() {
    let collector = Collector::start().await.expect("a collector");
    post(&collector, "/v1/traces", &spans(&[(1, 0, "root")])).await;
    collector
        .traces()
        .await
        .single()
        .span("root")
        .child("load_order");
}

#[tokio::test]
#[should_panic(expected = "expected exactly one, found 2:\ntrace ")]
async fn single_refuses_a_second_trace() {
    let collector = Collector::start().await.expect("a collector");
    let mut other = spans(&[(1, 0, "other")]);
    other.resource_spans[0].scope_spans[0].spans[0].trace_id = vec![7; 16];
    post(&collector, "/v1/traces", &spans(&[(1, 0, "root")])).await;
    post(&collector, "/v1/traces", &other).await;
    collector.traces().await.single();
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_does_not_end_a_wait() {
    let collector = Collector::start().await.expect("a collector");
    let body = Full::from(spans(&[(1, 0, "root")]).encode_to_vec());
    let request = request(&collector, "/v1/traces")
        .body(body)
        .expect("a valid request");
    let started = Instant::now();
    collector
        .logs()
        .within(SOON)
        .try_wait()
        .await
        .expect_err("there are none");
    assert!(started.elapsed() >= SOON);

    let (sent, trace) = tokio::join!(try_send(request), collector.traces());
    assert!(sent.expect("an answer").status().is_success());
    assert_eq!(trace.single().root().name(), "root");
}

#[tokio::test]
async fn a_stopped_collector_has_closed_its_ports() {
    let collector = Collector::start().await.expect("a collector");
    let address = collector.grpc_endpoint().replace("http://", "");
    std::net::TcpStream::connect(&address).expect("it listens");
    collector.stop().await;
    std::net::TcpStream::connect(&address).expect_err("it listens no more");
}
