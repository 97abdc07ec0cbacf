//! What a probe is answered.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use otelier_health::{Health, Probes};
use serde_json::{Value, json};
use tokio::time::advance;
use tower::ServiceExt as _;

const SECOND: Duration = Duration::from_secs(1);
const PATHS: [&str; 7] = [
    "/livez",
    "/startupz",
    "/readyz",
    "/healthz",
    "/health",
    "/health/live",
    "/health/ready",
];

#[tokio::test(start_paused = true)]
async fn a_failing_dependency_fails_readiness_alone() {
    let health = Health::new();
    health.ready("db", SECOND, async || Err("refused"));
    let statuses = async || {
        let mut statuses = vec![];
        for path in PATHS {
            statuses.push(get(&health.service(), path).await.status().as_u16());
        }
        statuses
    };
    let (pass, fail) = (200, 503);
    assert_eq!(
        statuses().await,
        [pass, fail, fail, fail, fail, pass, fail],
        "before the first result"
    );
    started(&health).await;
    assert_eq!(statuses().await, [pass, pass, fail, fail, fail, pass, fail]);
}

#[tokio::test(start_paused = true)]
async fn without_checks_all_is_well_until_draining() {
    let health = Health::new();
    for path in PATHS {
        let response = get(&health.service(), path).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/health+json");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(response.body(), r#"{"status":"pass"}"#);
    }
    health.draining("SIGTERM");
    let service = health.service().details(true);
    assert_eq!(get(&service, "/livez").await.status(), StatusCode::OK);
    assert_eq!(get(&service, "/startupz").await.status(), StatusCode::OK);
    let response = get(&service, "/readyz?verbose").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let expected = r#"{"status":"fail","output":"draining: SIGTERM"}"#;
    assert_eq!(response.body(), expected);
}

#[tokio::test(start_paused = true)]
async fn strangers_are_told_the_status_alone() {
    let health = Health::new();
    health.ready("db", SECOND, async || Err("no password for app@10.0.0.7"));
    health.draining("secret plan");
    started(&health).await;
    for path in PATHS {
        for query in ["", "?verbose", "?a=b&verbose=1"] {
            for accept in ["*/*", "text/plain"] {
                let uri = format!("{path}{query}");
                let body = send(&health.service(), "GET", &uri, accept)
                    .await
                    .into_body();
                let bodies = [
                    r#"{"status":"pass"}"#,
                    r#"{"status":"fail"}"#,
                    "pass\n",
                    "fail\n",
                ];
                assert!(bodies.contains(&&*body), "{uri}: {body}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn details_are_valid_json_whatever_names_and_errors_say() {
    let health = Health::new();
    let name = r#"db":[{"status":"pass"}],"\"#;
    let error = "down\"}]},\"status\":\"pass\"\r\n\u{1b}[2J\\";
    health.ready(name, SECOND, move || async move { Err(error) });
    health.ready("cache:latency", SECOND, async || Ok::<(), Infallible>(()));
    started(&health).await;
    let response = get(&health.service().details(true), "/readyz?verbose").await;
    let mut body: Value = serde_json::from_str(response.body()).unwrap();
    for check in [name, "cache:latency"] {
        let time = body["checks"][check][0]["time"].take();
        assert_eq!(
            time.as_str().map(str::len),
            Some("2000-01-01T00:00:00Z".len())
        );
    }
    let output = "down\"}]},\"status\":\"pass\"   [2J\\";
    let expected = json!({
        "status": "fail",
        "checks": {
            name: [{ "status": "fail", "time": null, "output": output }],
            "cache:latency": [{ "status": "pass", "time": null }],
        }
    });
    assert_eq!(body, expected);
}

#[tokio::test(start_paused = true)]
async fn details_as_text_have_a_line_for_each_check() {
    let health = Health::new();
    let service = health.service().details(true);
    health.ready("db", SECOND, async || Err("refused\npass cache"));
    let early = send(&service, "GET", "/startupz?verbose", "text/plain").await;
    assert_eq!(early.body(), "fail\nfail db no result yet\n");

    health.ready("cache", SECOND, async || Ok::<(), Infallible>(()));
    started(&health).await;
    let response = send(&service, "GET", "/healthz?verbose", "text/plain").await;
    assert_eq!(
        response.headers()[CONTENT_TYPE],
        "text/plain; charset=utf-8"
    );
    let expected = "fail\nfail db refused pass cache\npass cache\n";
    assert_eq!(response.body(), expected);
    let brief = send(&service, "GET", "/healthz", "text/plain").await;
    assert_eq!(brief.body(), "fail\n");
}

#[tokio::test]
async fn text_is_for_those_who_ask_for_it() {
    let service = Health::new().service();
    for (accept, text) in [
        ("text/plain", true),
        ("TEXT/Plain;q=0.5, text/html", true),
        ("application/health+json, text/plain", false),
        ("text/plain, application/json", false),
        ("*/*", false),
        ("text/html", false),
        ("", false),
    ] {
        let body = send(&service, "GET", "/livez", accept).await.into_body();
        assert_eq!(body == "pass\n", text, "{accept}: {body}");
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let service = Health::new().service();
    let (get, head) = (
        get(&service, "/readyz").await,
        send(&service, "HEAD", "/readyz", "*/*").await,
    );
    assert_eq!(head.status(), get.status());
    assert_eq!(head.headers()[CONTENT_TYPE], get.headers()[CONTENT_TYPE]);
    let length = get.body().len().to_string();
    assert_eq!(head.headers()[CONTENT_LENGTH], length);
    assert!(head.body().is_empty());
}

#[tokio::test]
async fn other_methods_and_paths_are_refused() {
    let service = Health::new().service();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let response = send(&service, method, "/readyz", "*/*").await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[ALLOW], "GET, HEAD");
    }
    for path in [
        "/",
        "/livez/",
        "/Livez",
        "/health/",
        "/health/live/x",
        "//livez",
    ] {
        let response = get(&service, path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_probes_run_no_check() {
    let runs = Arc::new(AtomicUsize::new(0));
    let health = Health::new();
    let count = Arc::clone(&runs);
    health.ready("db", SECOND, move || {
        count.fetch_add(1, SeqCst);
        async { Ok::<(), Infallible>(()) }
    });
    started(&health).await;
    let service = health.service().details(true);
    for probe in 0..10_000 {
        let path = ["/readyz", "/readyz?verbose"][probe % 2];
        assert_eq!(get(&service, path).await.status(), StatusCode::OK);
    }
    assert_eq!(runs.load(SeqCst), 1);
}

#[tokio::test]
async fn axum_takes_the_service() {
    let app = axum::Router::<()>::new()
        .route("/metrics", axum::routing::get(async || "metrics"))
        .fallback_service(Health::new().service());
    let request = Request::get("/readyz").body(axum::body::Body::empty());
    let response = app.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

async fn started(health: &Health) {
    for _ in 0..1_000 {
        if health.is_started() {
            return;
        }
        advance(Duration::from_millis(1)).await;
    }
    panic!("no result within a second of paused time");
}

async fn get(service: &Probes, uri: &str) -> Response<String> {
    send(service, "GET", uri, "*/*").await
}

async fn send(service: &Probes, method: &str, uri: &str, accept: &str) -> Response<String> {
    let request = Request::builder().method(method).uri(uri);
    let request = request.header(ACCEPT, accept).body(());
    let request = request.expect("a method, a path and a header of the test's own");
    let Ok(response) = service.clone().oneshot(request).await;
    response
}
