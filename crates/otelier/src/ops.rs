use ::axum::Router;
use ::axum::body::Body;
use ::axum::extract::State;
use ::axum::response::{IntoResponse as _, Response};
use ::axum::routing::get;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use otelier_health::Health;
use otelier_metrics::Registry;

/// `/metrics` and the probes, for scrapers, orchestrators and people; not for strangers.
pub(crate) fn router(health: &Health, metrics: Option<Registry>) -> Router {
    let probes = health.service().details(true);
    let mut router = Router::new();
    if let Some(registry) = metrics {
        router = router.route("/metrics", get(expose).with_state(registry));
    }
    router.fallback_service(probes)
}

async fn expose(State(registry): State<Registry>, headers: HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let Ok(page) = registry.expose(accept) else {
        let error = "a collector of this service's own metrics failed\n";
        return (StatusCode::INTERNAL_SERVER_ERROR, error).into_response();
    };
    let mut response = Response::new(Body::from(page.body));
    let content_type = http::HeaderValue::from_static(page.content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
