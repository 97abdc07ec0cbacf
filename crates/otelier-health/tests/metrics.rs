//! The checks as metrics.
#![cfg(feature = "metrics")]

use std::convert::Infallible;
use std::time::Duration;

use otelier_health::Health;
use otelier_metrics::Registry;
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn a_scrape_reads_status_and_duration_of_each_check() {
    let registry = Registry::new("test");
    let health = Health::new();
    health.register(&registry);
    health.ready("db:\"x\"", Duration::from_secs(60), async || {
        advance(Duration::from_millis(250)).await;
        Ok::<(), Infallible>(())
    });
    health.ready("cache", Duration::from_secs(60), async || Err("refused"));
    let body = registry.expose(None).unwrap().body;
    assert!(body.contains("otelier_health_status{check=\"cache\"} 0\n"));
    assert!(!body.contains("otelier_health_check_duration_seconds{"));

    for _ in 0..1_000 {
        advance(Duration::from_millis(1)).await;
    }
    assert!(health.is_started());
    let body = registry.expose(None).unwrap().body;
    for line in [
        "# TYPE otelier_health_status gauge",
        r#"otelier_health_status{check="db:\"x\""} 1"#,
        r#"otelier_health_status{check="cache"} 0"#,
        "# TYPE otelier_health_check_duration_seconds gauge",
        "# UNIT otelier_health_check_duration_seconds seconds",
    ] {
        assert!(body.lines().any(|other| other == line), "{line}\n{body}");
    }
    let db = r#"otelier_health_check_duration_seconds{check="db:\"x\""} "#;
    let took = body.lines().find_map(|line| line.strip_prefix(db));
    let took: f64 = took.unwrap().parse().unwrap();
    assert!((0.25..0.26).contains(&took), "{took}");

    drop(health);
    let body = registry.expose(None).unwrap().body;
    assert!(!body.contains("otelier_health"), "{body}");
}
