//! What sampling and rate limits leave out, and what they never do.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, ContextGuard};
use otelier_log::{DropReason, JsonLayer, JsonLayerBuilder, RateLimit, Sampling, Stats};
use otelier_log::{alert, audit, security};
use support::Sink;
use tracing::{Level, error, info, warn};
use tracing_subscriber::prelude::*;

fn thinned(builder: JsonLayerBuilder, work: impl FnOnce()) -> (Sink, Stats) {
    let sink = Sink::default();
    let layer = builder.writer(sink.clone()).build();
    let stats = layer.stats();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    (sink, stats)
}

fn trace(random: u64) -> ContextGuard {
    let span = SpanContext::new(
        TraceId::from(u128::from(random) | 1 << 127),
        SpanId::from(1),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    Context::new().with_remote_span_context(span).attach()
}

fn dropped(stats: &Stats, level: Level, reason: DropReason) -> u64 {
    let mut all = stats.lines_dropped();
    all.find(|(of, why, _)| (*of, *why) == (level, reason))
        .map_or(0, |(.., count)| count)
}

fn messages(sink: &Sink) -> Vec<String> {
    let lines = sink.json();
    let message =
        |line: &serde_json::Map<_, serde_json::Value>| line["message"].as_str().unwrap().to_owned();
    lines.iter().map(message).collect()
}

#[test]
fn the_lines_of_a_trace_are_kept_or_dropped_together_and_errors_always_kept() {
    let half = Sampling::new(0.5).unwrap();
    let (sink, stats) = thinned(JsonLayer::builder().sampling(half), || {
        for random in [0x0080_0000_0000_0000, 0x007f_ffff_ffff_ffff] {
            let _trace = trace(random);
            info!("first of {random:x}");
            warn!("second of {random:x}");
            error!("error of {random:x}");
        }
    });
    assert_eq!(
        messages(&sink),
        [
            "first of 80000000000000",
            "second of 80000000000000",
            "error of 80000000000000",
            "error of 7fffffffffffff",
        ]
    );
    assert_eq!(dropped(&stats, Level::INFO, DropReason::Sampled), 1);
    assert_eq!(dropped(&stats, Level::WARN, DropReason::Sampled), 1);
    assert_eq!(stats.lines_written(), 4);
}

#[test]
fn a_place_that_logs_too_much_is_limited_and_no_other() {
    let limit = RateLimit::new(1, 3).unwrap();
    let (sink, stats) = thinned(JsonLayer::builder().rate_limit(limit), || {
        for n in 0..100 {
            info!("flood");
            if n % 50 == 0 {
                info!("drop");
            }
        }
    });
    let written = messages(&sink);
    let floods = written.iter().filter(|message| *message == "flood").count();
    // One more for each second that the loop took on a busy machine.
    assert!((3..50).contains(&floods), "{floods}");
    assert_eq!(written.len() - floods, 2);
    let limited = dropped(&stats, Level::INFO, DropReason::RateLimited);
    assert_eq!(floods as u64 + limited, 100);
}

#[test]
fn what_must_be_told_is_neither_sampled_nor_limited() {
    let builder = JsonLayer::builder()
        .sampling(Sampling::new(0.0).unwrap())
        .rate_limit(RateLimit::new(1, 1).unwrap());
    let (sink, stats) = thinned(builder, || {
        for _ in 0..10 {
            security!(Level::INFO, "login");
            audit!("user_deleted", otelier_log::Outcome::Success);
            alert!("backlog", info);
            warn!(target: "otelier::otlp", "telemetry could not be exported");
            info!("application");
        }
    });
    assert_eq!(sink.lines().len(), 40);
    assert_eq!(dropped(&stats, Level::INFO, DropReason::Sampled), 10);
    let counted: u64 = stats.events().map(|event| event.count).sum();
    assert_eq!(counted, 30);
}

#[test]
fn what_is_left_out_makes_no_record_either() {
    let exporter = opentelemetry_sdk::logs::InMemoryLogExporter::default();
    let provider = opentelemetry_sdk::logs::SdkLoggerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let logger = opentelemetry::logs::LoggerProvider::logger(&provider, "test");
    let builder = JsonLayer::builder()
        .sampling(Sampling::new(0.0).unwrap())
        .logger(logger);
    thinned(builder, || {
        info!("left out");
        error!("kept");
    });
    assert_eq!(exporter.get_emitted_logs().unwrap().len(), 1);
}
