//! The lines of events of a category: what they carry, and that nothing takes their names from them.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::error::Error;
use std::sync::{Arc, Mutex};

use otelier_log::{JsonLayer, Level, Outcome, alert, audit, security, timed};
use serde_json::{Map, Value};
use support::{Sink, logged, masked};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::writer::MakeWriterExt as _;
use tracing_subscriber::prelude::*;

/// The lines of `work` as text, with the time masked.
fn lines(work: impl FnOnce()) -> String {
    let lines = logged(work).lines();
    let lines: Vec<_> = lines.iter().map(|line| masked(line)).collect();
    lines.join("\n")
}

#[test]
fn a_security_event_is_a_warning_unless_it_says_otherwise() {
    let lines = lines(|| {
        let user = "ann";
        security!("login_failed", user, attempts = 3, "client.address" = %"::1", reason = ?Some(1));
        security!(Level::INFO, "login", user,);
        security!("brute_force");
    });
    insta::assert_snapshot!(lines, @r#"
    {"timestamp":"<time>","level":"WARN","message":"login_failed","target":"otelier::security","category":"security","name":"login_failed","user":"ann","attempts":3,"client.address":"::1","reason":"Some(1)"}
    {"timestamp":"<time>","level":"INFO","message":"login","target":"otelier::security","category":"security","name":"login","user":"ann"}
    {"timestamp":"<time>","level":"WARN","message":"brute_force","target":"otelier::security","category":"security","name":"brute_force"}
    "#);
}

#[test]
fn an_audit_event_tells_who_did_what_and_how_it_ended() {
    let lines = lines(|| {
        let error = std::io::Error::other("disk full");
        audit!(
            "report_exported",
            Outcome::Error,
            actor.id = "u-7",
            actor.name = "Ann",
            actor.roles = "admin,billing",
            resource = "reports/2026",
            client.address = %std::net::Ipv4Addr::LOCALHOST,
            user_agent.original = "curl/8",
            http.response.status_code = 500,
            duration_ms = 12.5,
            error = &error as &dyn Error,
        );
    });
    insta::assert_snapshot!(lines, @r#"{"timestamp":"<time>","level":"WARN","message":"report_exported","target":"otelier::audit","category":"audit","name":"report_exported","action":"report_exported","outcome":"error","actor.id":"u-7","actor.name":"Ann","actor.roles":"admin,billing","resource":"reports/2026","client.address":"127.0.0.1","user_agent.original":"curl/8","http.response.status_code":500,"duration_ms":12.5,"error":{"message":"disk full"}}"#);
}

#[test]
fn an_audit_event_is_a_warning_unless_it_tells_of_a_success() {
    let lines = lines(|| {
        for outcome in [Outcome::Success, Outcome::Error, Outcome::PermissionDenied] {
            audit!("user_deleted", outcome, error = None::<&dyn Error>);
        }
    });
    insta::assert_snapshot!(lines, @r#"
    {"timestamp":"<time>","level":"INFO","message":"user_deleted","target":"otelier::audit","category":"audit","name":"user_deleted","action":"user_deleted","outcome":"success"}
    {"timestamp":"<time>","level":"WARN","message":"user_deleted","target":"otelier::audit","category":"audit","name":"user_deleted","action":"user_deleted","outcome":"error"}
    {"timestamp":"<time>","level":"WARN","message":"user_deleted","target":"otelier::audit","category":"audit","name":"user_deleted","action":"user_deleted","outcome":"permission_denied"}
    "#);
}

#[test]
fn an_alert_has_the_level_of_its_severity() {
    let lines = lines(|| {
        alert!("backlog", critical, queued = 12_000);
        alert!("backlog", warning);
        alert!("backlog", info,);
    });
    insta::assert_snapshot!(lines, @r#"
    {"timestamp":"<time>","level":"ERROR","message":"backlog","target":"otelier::alert","category":"alert","name":"backlog","severity":"critical","queued":12000,"error.fingerprint":"3f95943ea918ffbc"}
    {"timestamp":"<time>","level":"WARN","message":"backlog","target":"otelier::alert","category":"alert","name":"backlog","severity":"warning"}
    {"timestamp":"<time>","level":"INFO","message":"backlog","target":"otelier::alert","category":"alert","name":"backlog","severity":"info"}
    "#);
}

#[test]
fn no_field_of_the_caller_or_of_a_span_takes_the_place_of_ours() {
    let sink = logged(|| {
        let _span =
            tracing::info_span!("s", category = "audit", name = "span", action = "span").entered();
        security!(
            "login_failed",
            category = "none",
            name = "other",
            message = "mine",
            target = "t"
        );
        audit!(
            "user_deleted",
            Outcome::Error,
            action = "none",
            outcome = "success"
        );
        alert!("backlog", critical, severity = "info");
    });
    let lines = sink.json();
    let has = |line: &Map<String, Value>, fields: &[(&str, &str)]| {
        for (key, value) in fields {
            assert_eq!(line[*key], *value, "{key} of {line:?}");
        }
    };
    has(
        &lines[0],
        &[
            ("category", "security"),
            ("name", "login_failed"),
            ("message", "login_failed"),
            ("target", "otelier::security"),
            ("field.message", "mine"),
            ("field.target", "t"),
        ],
    );
    has(
        &lines[1],
        &[
            ("category", "audit"),
            ("action", "user_deleted"),
            ("outcome", "error"),
        ],
    );
    has(
        &lines[2],
        &[("category", "alert"), ("severity", "critical")],
    );
}

#[test]
fn a_format_string_at_the_end_is_the_message_and_loses_no_name() {
    let line = logged(|| security!("login_failed", attempts = 3, "wrong {}", "password")).line();
    assert_eq!(line["message"], "wrong password");
    assert_eq!([&line["name"], &line["field.message"]], ["login_failed"; 2]);
    assert_eq!(line["attempts"], 3);
}

#[test]
fn a_name_with_braces_is_no_format_string() {
    let line = logged(|| security!("{user}")).line();
    assert_eq!([&line["name"], &line["message"]], ["{user}"; 2]);
}

#[test]
fn the_name_of_the_callsite_is_the_name_of_the_event() {
    #[derive(Clone, Default)]
    struct Names(Arc<Mutex<Vec<(&'static str, &'static str)>>>);
    impl<S: tracing::Subscriber> Layer<S> for Names {
        fn on_event(
            &self,
            event: &tracing::Event<'_>,
            _: tracing_subscriber::layer::Context<'_, S>,
        ) {
            let metadata = event.metadata();
            let name = (metadata.target(), metadata.name());
            self.0.lock().unwrap().push(name);
        }
    }
    let names = Names::default();
    let subscriber = tracing_subscriber::registry().with(names.clone());
    tracing::subscriber::with_default(subscriber, || {
        security!(Level::ERROR, "a");
        audit!("b", Outcome::Success);
        alert!("c", info);
        drop(timed!("d"));
    });
    assert_eq!(
        *names.0.lock().unwrap(),
        [
            ("otelier::security", "a"),
            ("otelier::audit", "b"),
            ("otelier::alert", "c"),
            ("otelier::performance", "d"),
        ]
    );
}

#[test]
fn audit_events_can_have_a_writer_of_their_own() {
    let (audits, others) = (Sink::default(), Sink::default());
    let writer = audits
        .clone()
        .with_filter(|event| event.target() == "otelier::audit")
        .or_else(others.clone());
    let layer = JsonLayer::builder().writer(writer).build();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        audit!("user_deleted", Outcome::Success);
        security!("login_failed");
    });
    assert_eq!(audits.line()["category"], "audit");
    assert_eq!(others.line()["category"], "security");
}
