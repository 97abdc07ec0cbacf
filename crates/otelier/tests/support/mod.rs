//! A service on free ports, exporting to a collector inside the test.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::net::SocketAddr;
use std::time::Duration;

use axum::{Router, routing};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use otelier::{Phase, Serve, Stopped, Telemetry};
use otelier_testing::{Behaviour, Collector};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) struct Service {
    pub(crate) app: SocketAddr,
    pub(crate) ops: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<Stopped, otelier::Error>>,
}

/// Installs the telemetry: once a process, so once a test file.
pub(crate) fn install(collector: &Collector) -> Telemetry {
    Telemetry::from_env("shop")
        .unwrap()
        .otlp_endpoint(&collector.http_endpoint())
        .install()
        .unwrap()
}

pub(crate) fn serve(telemetry: Telemetry, app: Router) -> Serve {
    let app = app.layer(telemetry.http());
    telemetry
        .serve(app)
        .address("127.0.0.1", 0)
        .ops_address("127.0.0.1", 0)
}

impl Service {
    pub(crate) async fn start(serve: Serve) -> Self {
        let bound = serve.bind().await.unwrap();
        let (app, ops) = (bound.address(), bound.ops_address());
        let (stop, stopping) = oneshot::channel();
        let serving = tokio::spawn(bound.run_until(async {
            stopping.await.unwrap();
        }));
        Self {
            app,
            ops,
            stop,
            serving,
        }
    }

    pub(crate) async fn stop(self) -> Stopped {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap().unwrap()
    }
}

/// Stops a service whose collector never answers.
pub(crate) async fn stop_with_a_hung_collector() {
    const BUDGET: Duration = Duration::from_secs(12);
    let collector = Collector::start().await.unwrap();
    collector.behave(Behaviour::Hang);
    let telemetry = install(&collector);
    let routes = Router::new().route("/", routing::get(|| async {}));
    let serve = serve(telemetry, routes).shutdown_budget(BUDGET);
    let service = Service::start(serve).await;
    get(service.app, "/").await;

    let stopped = tokio::time::timeout(BUDGET, service.stop()).await;
    let stopped = stopped.expect("the stop ends within its budget");
    assert_eq!(stopped.overran(), Some(Phase::Flush));
    assert_eq!(stopped.code(), 12);
}

pub(crate) async fn get(at: SocketAddr, path: &str) -> Response<String> {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(format!("http://{at}{path}")).body(Empty::new());
    let response = client.request(request.unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, String::from_utf8(body.into()).unwrap())
}
