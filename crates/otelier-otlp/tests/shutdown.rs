//! A shutdown is over by its deadline, wherever it is called, and says what it could not bring to an
//! end.

mod common;

use std::time::{Duration, Instant};

use common::proxy::closed_address;
use common::*;
use opentelemetry::trace::{Span as _, Tracer as _};
use otelier_metrics::Registry;
use otelier_otlp::{Pipeline, ShutdownError, Signal};
use otelier_testing::{Behaviour, Collector};
use tokio::runtime::Builder;

const DEADLINE: Duration = Duration::from_millis(300);
const PROTOCOLS: [&str; 2] = ["grpc", "http/protobuf"];

/// Longer than a test waits: an export that only its own timeout ends fails the test.
const EXPORT_TIMEOUT: (&str, &str) = ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000");

fn hung(protocol: &str) -> (Collector, Pipeline, Registry) {
    let collector = collector();
    collector.behave(Behaviour::Hang);
    let endpoint = endpoint(&collector, protocol);
    let (pipeline, registry) = pipeline(protocol, &endpoint, &[EXPORT_TIMEOUT]);
    record(&pipeline, "GET");
    (collector, pipeline, registry)
}

fn assert_timed_out(shut_down: impl FnOnce() -> Result<(), ShutdownError>) {
    let start = Instant::now();
    let error = shut_down().expect_err("the collector hangs");
    assert!(start.elapsed() < Duration::from_secs(3), "of 0.3 s");
    assert!(error.is_timeout());
    assert_eq!(
        error.to_string(),
        "traces: timed out after 0.3 s, logs: timed out after 0.3 s"
    );
}

#[test]
fn a_hung_collector_is_given_up_on_a_plain_thread() {
    for protocol in PROTOCOLS {
        let (_collector, pipeline, _registry) = hung(protocol);
        assert_timed_out(|| pipeline.shutdown(DEADLINE));
    }
}

#[test]
fn a_hung_collector_is_given_up_on_a_current_thread_runtime() {
    for protocol in PROTOCOLS {
        let (_collector, pipeline, _registry) = hung(protocol);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { assert_timed_out(|| pipeline.shutdown(DEADLINE)) });
    }
}

#[test]
fn a_hung_collector_is_given_up_on_a_multi_thread_runtime() {
    for protocol in PROTOCOLS {
        let (_collector, pipeline, _registry) = hung(protocol);
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async move {
            let task = tokio::spawn(async move {
                assert_timed_out(|| pipeline.shutdown(DEADLINE));
            });
            task.await.unwrap();
        });
    }
}

#[test]
fn an_export_on_its_way_is_given_up_too() {
    for protocol in PROTOCOLS {
        let (collector, pipeline, registry) = hung(protocol);
        let flushing = pipeline.tracer_provider().clone();
        let flushing = std::thread::spawn(move || flushing.force_flush());
        let asked = collector.wait_until(|received| received.requests() > 0);
        block_on(asked.into_future());
        assert_timed_out(|| pipeline.shutdown(DEADLINE));
        flushing.join().unwrap().unwrap_err();
        assert_eq!(count(&registry, SPANS, "timeout"), 1);
    }
}

#[test]
fn a_live_collector_receives_all_on_a_current_thread_runtime() {
    for protocol in PROTOCOLS {
        let collector = collector();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // Started, used, shut down and dropped where nothing else can run.
            let (pipeline, _registry) = pipeline(protocol, &endpoint(&collector, protocol), &[]);
            for _ in 0..1_000 {
                record(&pipeline, "GET");
            }
            pipeline.shutdown(LONG).unwrap();
        });
        assert_eq!(collector.received().spans().len(), 1_000);
        assert_eq!(collector.received().logs().len(), 1_000);
    }
}

#[test]
fn a_dropped_pipeline_exports_what_it_has() {
    let collector = collector();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let endpoint = collector.grpc_endpoint();
        let (pipeline, _registry) = pipeline("grpc", &endpoint, &[]);
        record(&pipeline, "GET");
        drop(pipeline);
    });
    assert_eq!(collector.received().spans().single().name(), "GET");
    assert_eq!(collector.received().logs().single().body(), "GET");
}

#[test]
fn a_pipeline_dropped_with_its_collector_hung_blocks_for_seconds_only() {
    for protocol in PROTOCOLS {
        let (_collector, pipeline, _registry) = hung(protocol);
        let start = Instant::now();
        drop(pipeline);
        assert!(start.elapsed() < Duration::from_secs(6), "of 2 s");
    }
}

#[test]
fn the_second_shutdown_says_that_it_is_the_second() {
    let (pipeline, _registry) = pipeline("grpc", &collector().grpc_endpoint(), &[]);
    pipeline.shutdown(LONG).unwrap();
    let error = pipeline.shutdown(LONG).unwrap_err();
    assert!(error.is_already_shut_down() && !error.is_timeout());
    assert!(!error.is_of(Signal::Traces));
    assert_eq!(error.to_string(), "the pipeline is shut down already");
}

#[test]
fn one_signal_fails_without_the_other() {
    let collector = collector();
    let absent = format!("http://{}", closed_address());
    let logs = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", absent.as_str());
    let (pipeline, _registry) = pipeline("grpc", &collector.grpc_endpoint(), &[logs]);
    record(&pipeline, "GET");
    let error = pipeline.shutdown(LONG).unwrap_err();
    assert!(error.is_of(Signal::Logs) && !error.is_of(Signal::Traces));
    assert_eq!(error.to_string(), "logs: 1 lost (unavailable)");
    assert_eq!(collector.received().spans().len(), 1);
}

#[test]
fn what_is_recorded_after_the_shutdown_is_dropped() {
    let collector = collector();
    let (pipeline, registry) = pipeline("grpc", &collector.grpc_endpoint(), &[]);
    let tracer = pipeline.tracer("app");
    pipeline.shutdown(LONG).unwrap();
    tracer.start("late").end();
    drop(pipeline);
    assert_eq!(collector.received().requests(), 0);
    assert_eq!(count(&registry, SPANS, ""), 0);
}
