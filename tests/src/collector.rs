use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::process::{Process, read};
use crate::received::{self, LogRecord, Span};
use crate::tool::workspace;
use crate::{DEADLINE, free_port, until};

/// The OpenTelemetry Collector with the configuration of `deploy/`.
#[derive(Debug)]
pub struct Collector {
    process: Process,
    grpc: u16,
    http: u16,
}

/// The transports of OTLP.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Protocol {
    /// `grpc`
    Grpc,
    /// `http/protobuf`
    HttpProtobuf,
}

impl Protocol {
    /// The value of `OTEL_EXPORTER_OTLP_PROTOCOL`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
        }
    }
}

impl Collector {
    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// If it does not within [`DEADLINE`].
    pub async fn start(otelcol: &Path) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (grpc, http) = (free_port(), free_port());
        let mut command = Command::new(otelcol);
        command
            .arg("--config")
            .arg(workspace().join("deploy/collector/config.yaml"))
            .env("OTELIER_OTLP_GRPC", format!("127.0.0.1:{grpc}"))
            .env("OTELIER_OTLP_HTTP", format!("127.0.0.1:{http}"))
            .env("OTELIER_OTLP_FILE", dir.path().join(FILE));
        let mut process = Process::start("otelcol", dir, &mut command);
        process.ready(async || listens(grpc) && listens(http)).await;
        Self {
            process,
            grpc,
            http,
        }
    }

    /// The value of `OTEL_EXPORTER_OTLP_ENDPOINT` for `protocol`.
    #[must_use]
    pub fn endpoint(&self, protocol: Protocol) -> String {
        let port = match protocol {
            Protocol::Grpc => self.grpc,
            Protocol::HttpProtobuf => self.http,
        };
        format!("http://127.0.0.1:{port}")
    }

    /// Waits for the server span of the request with this `x-request-id`.
    ///
    /// # Panics
    /// If there is none within [`DEADLINE`].
    pub async fn server_span(&self, request_id: &str) -> Span {
        let request_id = json!({ "stringValue": request_id });
        self.span("the server span", |span| {
            span.kind == SERVER && span.attributes.get("request.id") == Some(&request_id)
        })
        .await
    }

    /// Waits for a span that satisfies `is_wanted`.
    ///
    /// # Panics
    /// If there is none within [`DEADLINE`], naming `what`.
    pub async fn span(&self, what: &str, is_wanted: impl Fn(&Span) -> bool) -> Span {
        until(what, DEADLINE, async || {
            received::spans(&self.written())
                .into_iter()
                .find(&is_wanted)
        })
        .await
    }

    /// Waits for a log record that satisfies `is_wanted`.
    ///
    /// # Panics
    /// If there is none within [`DEADLINE`], naming `what`.
    pub async fn log(&self, what: &str, is_wanted: impl Fn(&LogRecord) -> bool) -> LogRecord {
        until(what, DEADLINE, async || {
            received::logs(&self.written()).into_iter().find(&is_wanted)
        })
        .await
    }

    fn written(&self) -> String {
        read(&self.process.file(FILE))
    }
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// `SPAN_KIND_SERVER`
const SERVER: u64 = 2;

const FILE: &str = "otlp.jsonl";
