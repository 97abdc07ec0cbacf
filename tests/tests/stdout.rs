//! Log lines over a pipe that is read late, never, or by nobody.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::ChildStdout;

use otelier_e2e::{DEADLINE, Quickstart, get_with, until};
use serde_json::Value;
use tokio::time::timeout;

/// Nothing is exported, and what is printed is printed at the start.
const LOG_ONLY: [(&str, &str); 3] = [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];

/// With a line of 300 bytes and more each, twice as much as a pipe holds.
const REQUESTS: usize = 450;

#[tokio::test]
async fn a_stop_hands_every_line_to_a_reader_that_is_behind() {
    let (mut service, mut stdout) = start().await;
    send_requests(&service).await;
    service.terminate();

    let lines = lines(&mut stdout);
    let status = service.exit(DEADLINE).await;
    assert_eq!(status.code(), Some(0), "{status}");

    let written: BTreeSet<_> = lines
        .iter()
        .filter(|line| line["category"] == "access")
        .filter_map(|line| line["request_id"].as_str())
        .collect();
    let lost: Vec<_> = (0..REQUESTS)
        .map(request_id)
        .filter(|id| !written.contains(&**id))
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
    let last = lines.last().expect("a last line");
    assert_eq!(last["message"], "stopped");
}

#[tokio::test]
async fn a_reader_that_never_reads_holds_neither_requests_nor_the_stop_up() {
    let (mut service, _unread) = start().await;
    send_requests(&service).await;
    assert_eq!(service.ops("/readyz", &[]).await.status, 200);

    service.terminate();
    let status = service.exit(DEADLINE).await;
    assert_eq!(status.code(), Some(12), "the code of a flush that failed");
}

#[tokio::test]
async fn a_reader_that_is_gone_costs_lines_which_are_counted_and_told_by_the_stop() {
    let (mut service, stdout) = start().await;
    drop(stdout);
    send_requests(&service).await;
    let lost = r#"otelier_log_lines_dropped_total{level="INFO",reason="write_failed"} "#;
    until("lost lines in /metrics", DEADLINE, async || {
        let metrics = service.ops("/metrics", &[]).await.body;
        let lost = metrics.lines().find_map(|line| line.strip_prefix(lost));
        (lost? != "0").then_some(())
    })
    .await;

    service.terminate();
    let status = service.exit(DEADLINE).await;
    // The stop's own lines are lost too.
    assert_eq!(status.code(), Some(12), "the code of a flush that failed");
}

#[tokio::test]
async fn a_second_signal_ends_the_stop_and_its_last_line_is_written() {
    let (mut service, mut stdout) = start().await;
    let url = format!("http://127.0.0.1:{}/slow?ms=5000", service.port);
    let in_flight = tokio::spawn(async move { get_with(&url, &[]).await });
    until("the request is in flight", DEADLINE, async || {
        let metrics = service.ops("/metrics", &[]).await.body;
        let mut lines = metrics.lines();
        lines
            .any(|line| line.starts_with("http_server_active_requests{") && line.ends_with(" 1"))
            .then_some(())
    })
    .await;

    service.terminate();
    until("the stop has begun", DEADLINE, async || {
        (service.ops("/readyz", &[]).await.status == 503).then_some(())
    })
    .await;
    service.terminate();
    let status = service.exit(DEADLINE).await;
    assert_eq!(status.code(), Some(128 + 15), "{status}");
    in_flight.abort();

    // The line of the request that was cut off may follow.
    let lines = lines(&mut stdout);
    let stopped = lines.iter().find(|line| line["message"] == "stopped");
    assert_eq!(stopped.expect("a last word")["forced_by"], 15);
}

#[tokio::test]
async fn a_start_that_fails_leaves_no_line_behind() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let (status, stdout) =
        Quickstart::run(&[("PORT", &port), ("OTEL_BSP_SCHEDULE_DELAY", "soon")]).await;
    assert_eq!(status.code(), Some(1), "{status}");
    assert!(stdout.contains("OTEL_BSP_SCHEDULE_DELAY"), "{stdout}");
}

/// The service, and its standard output after what is printed at the start.
async fn start() -> (Quickstart, BufReader<ChildStdout>) {
    let (service, stdout) = Quickstart::piped(&LOG_ONLY).await;
    let mut stdout = BufReader::new(stdout);
    let mut line = String::new();
    while !line.starts_with("trace and log lines were sent to") {
        line.clear();
        let read = stdout.read_line(&mut line).expect("a line");
        assert_ne!(read, 0, "the service prints what it did");
    }
    (service, stdout)
}

async fn send_requests(service: &Quickstart) {
    for at in 0..REQUESTS {
        let (id, agent) = (request_id(at), "e2e ".repeat(40));
        let headers = [("x-request-id", &*id), ("user-agent", &*agent)];
        let response = timeout(DEADLINE, service.get("/orders/42", &headers));
        let response = response.await.expect("an answer in time");
        assert_eq!(response.status, 200);
    }
}

fn lines(stdout: &mut BufReader<ChildStdout>) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| serde_json::from_str(&line.expect("a line")).expect("a line of JSON"))
        .collect()
}

fn request_id(at: usize) -> String {
    format!("e2e-{at}")
}
