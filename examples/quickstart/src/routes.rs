use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http_body_util::Channel;
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(index))
        .route("/orders/{id}", get(order))
        .route("/slow", get(slow))
        .route("/fail", get(fail))
        .route("/panic", get(panics))
        .route("/stream", get(stream))
        .route("/echo", post(echo))
}

async fn index() -> &'static str {
    "otelier quickstart: try /orders/42 /slow?ms=250 /fail /panic /stream?frames=5&ms=100 and POST /echo\n"
}

async fn order(Path(id): Path<u32>) -> Json<Value> {
    Json(load_order(id).await)
}

#[tracing::instrument(skip_all, fields(db = "orders"))]
async fn load_order(id: u32) -> Value {
    tokio::time::sleep(Duration::from_millis(2)).await; // the database
    tracing::info!(order_id = id, "order loaded");
    json!({ "id": id, "total": 1999 })
}

#[derive(Deserialize)]
struct Slow {
    ms: Option<u64>,
}

async fn slow(Query(slow): Query<Slow>) -> String {
    let ms = slow.ms.unwrap_or(1_000).min(5_000);
    tokio::time::sleep(Duration::from_millis(ms)).await;
    format!("slept {ms} ms\n")
}

async fn fail() -> (StatusCode, &'static str) {
    tracing::error!("the stock service does not answer");
    (StatusCode::INTERNAL_SERVER_ERROR, "failed\n")
}

async fn panics() {
    panic!("a handler's panic");
}

#[derive(Deserialize)]
struct Stream {
    frames: Option<u32>,
    ms: Option<u64>,
}

async fn stream(Query(stream): Query<Stream>) -> Body {
    let frames = stream.frames.unwrap_or(5).min(1_000);
    let pause = Duration::from_millis(stream.ms.unwrap_or(100).min(5_000));
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    tokio::spawn(async move {
        for frame in 0..frames {
            let line = Bytes::from(format!("frame {frame}\n"));
            if sender.send_data(line).await.is_err() {
                break; // the client has gone
            }
            tokio::time::sleep(pause).await;
        }
    });
    Body::new(body)
}

async fn echo(Json(value): Json<Value>) -> Json<Value> {
    Json(value)
}
