use std::env;
use std::path::PathBuf;
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::Process;
use crate::tool::workspace;
use crate::{DEADLINE, Protocol, Response, free_port, get, get_with, until};

/// The service of `examples/quickstart`, writing JSON lines to standard output.
#[derive(Debug)]
pub struct Quickstart {
    process: Process,
    /// The port of the application.
    pub port: u16,
    /// The port of `/metrics`, `/livez` and `/readyz`.
    pub ops_port: u16,
}

impl Quickstart {
    /// Builds it, starts it with `variables` as its only `OTEL` settings and waits until it is ready.
    ///
    /// # Panics
    /// If it does not build, or is not ready within [`DEADLINE`].
    pub async fn start(variables: &[(&str, &str)]) -> Self {
        let ports = [free_port(), free_port()];
        let process = Process::start("quickstart", dir(), &mut command(ports, variables));
        Self::ready(process, ports).await
    }

    /// [`start`](Self::start) with a pipe as its standard output, which it is for the caller to read.
    ///
    /// # Panics
    /// As `start`.
    pub async fn piped(variables: &[(&str, &str)]) -> (Self, ChildStdout) {
        let ports = [free_port(), free_port()];
        let (process, stdout) = Process::piped("quickstart", dir(), &mut command(ports, variables));
        (Self::ready(process, ports).await, stdout)
    }

    /// How it ends, and its standard output, where it ends by itself.
    ///
    /// # Panics
    /// If it does not build, or does not end within [`DEADLINE`].
    pub async fn run(variables: &[(&str, &str)]) -> (ExitStatus, String) {
        let mut command = command([free_port(), free_port()], variables);
        let mut process = Process::start("quickstart", dir(), &mut command);
        (process.exit(DEADLINE).await, process.stdout())
    }

    /// [`start`](Self::start) with an exporter that sends to `endpoint`.
    ///
    /// # Panics
    /// As `start`.
    pub async fn exporting_to(
        endpoint: &str,
        protocol: Protocol,
        variables: &[(&str, &str)],
    ) -> Self {
        let exporter = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.as_str()),
        ];
        Self::start(&[&exporter, variables].concat()).await
    }

    async fn ready(mut process: Process, [port, ops_port]: [u16; 2]) -> Self {
        let ready = format!("http://127.0.0.1:{ops_port}/readyz");
        process
            .ready(async || {
                get(&ready)
                    .await
                    .is_some_and(|response| response.status == 200)
            })
            .await;
        Self {
            process,
            port,
            ops_port,
        }
    }

    /// Sends `GET path` to the application.
    ///
    /// # Panics
    /// If there is no whole response.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        get_with(&url, headers)
            .await
            .unwrap_or_else(|| panic!("no response to GET {path}"))
    }

    /// Sends `GET path` to the ops listener.
    ///
    /// # Panics
    /// If there is no whole response.
    pub async fn ops(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let url = format!("http://127.0.0.1:{}{path}", self.ops_port);
        get_with(&url, headers)
            .await
            .unwrap_or_else(|| panic!("no response to GET {path} of the ops listener"))
    }

    /// Waits for a log line whose fields satisfy `is_wanted`.
    ///
    /// # Panics
    /// If there is none within [`DEADLINE`], naming `what`.
    pub async fn log_line(&self, what: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        until(what, DEADLINE, async || {
            let stdout = self.process.stdout();
            let lines = stdout
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            lines.into_iter().find(&is_wanted)
        })
        .await
    }

    /// Sends SIGTERM.
    ///
    /// # Panics
    /// If the service has been seen to end before.
    pub fn terminate(&self) {
        self.process.terminate();
    }

    /// Waits for the service to end.
    ///
    /// # Panics
    /// If it has not after `within`.
    pub async fn exit(&mut self, within: Duration) -> ExitStatus {
        self.process.exit(within).await
    }
}

fn dir() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn command([port, ops_port]: [u16; 2], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(&*BINARY);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL")) {
        command.env_remove(name);
    }
    command
        .env("PORT", port.to_string())
        .env("OPS_PORT", ops_port.to_string())
        .env("OTELIER_LOG", "info")
        .env("OTELIER_LOG_FORMAT", "json")
        .envs(variables.iter().copied());
    command
}

static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let profile = if cfg!(debug_assertions) {
        "dev"
    } else {
        "release"
    };
    let build = Command::new(env!("CARGO"))
        .args([
            "build",
            "--package",
            "quickstart",
            "--message-format",
            "json-render-diagnostics",
            "--profile",
            profile,
        ])
        .current_dir(workspace())
        .stderr(Stdio::piped())
        .output()
        .expect("run cargo");
    assert!(
        build.status.success(),
        "quickstart does not build: {}",
        String::from_utf8_lossy(&build.stderr)
    );
    String::from_utf8_lossy(&build.stdout)
        .lines()
        .filter_map(|message| serde_json::from_str::<Value>(message).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the executable it built")
});
