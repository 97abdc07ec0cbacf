//! One axum service, observed: `cargo run -p quickstart`.
//!
//! It serves on 127.0.0.1:8080 (`PORT`) and 127.0.0.1:9464 (`OPS_PORT`), sends itself a few requests
//! and shows one of them as a trace, as log lines and as a metric. `--once` ends it after the show,
//! with the exit code 1 if the three do not agree.
//!
//! With `OTEL_EXPORTER_OTLP_ENDPOINT` it exports there; without, to a collector of its own, whose traces
//! it prints as they come.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a show is printed"
)]

mod client;
mod routes;
mod settings;
mod show;

use std::future::pending;
use std::process::{ExitCode, Termination as _};
use std::time::Duration;

use otelier::Telemetry;
use otelier_testing::Collector;
use tokio::sync::oneshot;

use settings::Settings;

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            let mut message = format!("quickstart: {error}");
            let mut source = error.source();
            while let Some(error) = source {
                message += &format!(": {error}");
                source = error.source();
            }
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode, Error> {
    let settings = Settings::read()?;
    let mut builder = Telemetry::from_env("quickstart")?.version(env!("CARGO_PKG_VERSION"));
    let destination = match settings.endpoint {
        Some(endpoint) => show::Telemetry::Sent(endpoint),
        None => {
            let collector = Collector::start().await?;
            builder = builder.otlp_endpoint(&settings.protocol.endpoint(&collector));
            show::Telemetry::Here(collector)
        }
    };
    let telemetry = builder.install()?;

    let app = routes::router().layer(telemetry.http());
    let service = telemetry
        .serve(app)
        .address("127.0.0.1", settings.port)
        .ops_address("127.0.0.1", settings.ops_port)
        .shutdown_budget(Duration::from_secs(6))
        .bind()
        .await
        .map_err(settings::explain)?;
    let (app, ops) = (service.address(), service.ops_address());

    let (stop, stopping) = oneshot::channel::<()>();
    let serving = tokio::spawn(service.run_until(async {
        // An error is a dropped sender: then only a signal stops the service.
        if stopping.await.is_err() {
            pending::<()>().await;
        }
    }));
    let show = show::show(app, ops, &destination).await?;
    if settings.once {
        // An error is a service that a signal has stopped already.
        let _ = stop.send(());
        let stopped = serving.await??;
        print!("{show}"); // last, after the lines of the stop
        return Ok(if show.agrees() {
            stopped.report()
        } else {
            ExitCode::FAILURE
        });
    }
    drop(stop);
    print!("{show}");
    tokio::select! {
        stopped = serving => Ok(stopped??.report()),
        never = show::follow(&destination) => match never {},
    }
}
