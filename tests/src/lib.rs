//! Runs the quickstart service between the real OpenTelemetry Collector, Prometheus and promtool, so that tests read
//! what those made of its output.
//!
//! Each component is a child process on free ports of 127.0.0.1, in a directory of its own, and ends with its handle.
//! Whatever goes wrong here fails the test: the functions panic with what was awaited, and a failing test prints the
//! output of its components.
//!
//! `scripts/install-tools` installs the tools. A test without its tools says `skipped: TEST: TOOL`, or fails if
//! `OTELIER_E2E=require`.

#![forbid(unsafe_code)]

mod collector;
mod http_client;
mod process;
mod prometheus;
mod quickstart;
mod received;
mod tool;
mod wait;

pub use collector::{Collector, Protocol};
pub use http_client::{Response, get, get_with};
pub use process::free_port;
pub use prometheus::Prometheus;
pub use quickstart::Quickstart;
pub use received::{Attributes, LogRecord, Span};
pub use tool::{check_metrics, tools};
pub use wait::{DEADLINE, until};
