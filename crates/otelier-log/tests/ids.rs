//! Whose ids a line carries.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use opentelemetry::Context;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otelier_context::{ContextExt as _, RequestContext, RequestId};
use otelier_log::JsonLayer;
use serde_json::json;
use support::{Sink, attach, logged};
use tracing::{Dispatch, Subscriber, info, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

#[test]
fn a_made_request_id_is_written_in_full() {
    let request = RequestContext::new(RequestId::make());
    let line = logged(|| {
        let _guard = Context::new().with_request(request.clone()).attach();
        info!("m");
    });
    assert_eq!(line.line()["request_id"], request.id().to_string());
}

#[test]
fn a_tenant_learned_late_is_in_later_lines() {
    let lines = logged(|| {
        let request = RequestContext::new(RequestId::make());
        let _guard = Context::new().with_request(request.clone()).attach();
        info!("before");
        request.set_tenant("acme".parse().unwrap());
        info!("after");
    });
    let [before, after] = &lines.json()[..] else {
        panic!()
    };
    assert_eq!(before.get("tenant_id"), None);
    assert_eq!(after["tenant_id"], "acme");
}

#[test]
fn an_explicit_parent_gives_the_ids_and_the_fields() {
    let lines = logged(|| {
        let first = attach("req-1", 1);
        let span = info_span!("of the first", part = 1);
        drop(first);
        let _second = attach("req-2", 2);
        let child = info_span!(parent: &span, "child", part = 2);
        let _entered = info_span!("of the second", other = 3).entered();
        info!(parent: &span, "of the span's request");
        info!(parent: &child, "of its child's");
        info!("of the current one");
    });
    let ids: Vec<_> = lines
        .json()
        .iter()
        .map(|line| {
            json!([
                line["request_id"],
                line["span_id"],
                line.get("part"),
                line.get("other")
            ])
        })
        .collect();
    assert_eq!(
        ids,
        [
            json!(["req-1", "0000000000000001", 1, null]),
            json!(["req-1", "0000000000000001", 2, null]),
            json!(["req-2", "0000000000000002", null, 3]),
        ]
    );
}

#[test]
fn no_parent_means_no_ids_and_no_span_fields() {
    let lines = logged(|| {
        let _request = attach("req-1", 1);
        let _entered = info_span!("s", a = 1).entered();
        info!(parent: None, "alone");
        info!(parent: &info_span!(parent: None, "root", b = 2), "under a root");
    });
    for line in lines.json() {
        for absent in [
            "trace_id",
            "span_id",
            "trace_flags",
            "request_id",
            "tenant_id",
            "a",
        ] {
            assert_eq!(line.get(absent), None, "{absent}");
        }
    }
}

/// With tracing-opentelemetry spans have ids of their own.
#[test]
fn with_tracing_opentelemetry_a_line_has_the_ids_of_the_span_it_belongs_to() {
    let provider = SdkTracerProvider::builder().build();
    for log_layer_first in [true, false] {
        let sink = Sink::default();
        let log = JsonLayer::builder().writer(sink.clone()).build();
        let run = || {
            let server = attach("req-1", 1);
            let span = info_span!("inner");
            span.in_scope(|| info!("in the span"));
            let never_entered = info_span!("never entered");
            drop(server);
            let _other = attach("req-2", 2);
            info!(parent: &span, "parent entered before");
            info!(parent: &never_entered, "parent never entered");
            info!(parent: None, "alone");
        };
        let registry = tracing_subscriber::registry();
        let dispatch: Dispatch = if log_layer_first {
            registry
                .with(log.with_filter(LevelFilter::INFO))
                .with(spans(&provider))
                .into()
        } else {
            registry
                .with(spans(&provider))
                .with(log.with_filter(LevelFilter::INFO))
                .into()
        };
        tracing::dispatcher::with_default(&dispatch, run);
        let [inside, entered, never, alone] = &sink.json()[..] else {
            panic!()
        };
        for line in [inside, entered, never] {
            assert_eq!(line["request_id"], "req-1");
            assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
            assert_ne!(line["span_id"], "0000000000000001");
        }
        assert_eq!(inside["span_id"], entered["span_id"]);
        assert_ne!(inside["span_id"], never["span_id"]);
        assert_eq!(alone.get("trace_id"), None);
    }
}

/// tracing-opentelemetry as otelier installs it: spans only.
fn spans<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("test"))
        .with_filter(filter_fn(|metadata| !metadata.is_event()))
}
