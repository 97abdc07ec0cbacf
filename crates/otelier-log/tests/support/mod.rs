#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may")]

pub(crate) mod any;
pub(crate) mod case;
pub(crate) mod dynamic;
pub(crate) mod json;
pub(crate) mod naming;

use std::io;
use std::sync::{Arc, Mutex};

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, ContextGuard};
use otelier_context::{ContextExt as _, RequestContext, RequestId};
use otelier_log::{JsonLayer, JsonLayerBuilder};
use serde_json::{Map, Value};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

/// Longer lines are split by container runtimes.
pub(crate) const LINE_LIMIT: usize = 16_384;

/// A writer that keeps each write apart.
#[derive(Clone, Default)]
pub(crate) struct Sink(Arc<Mutex<Vec<Vec<u8>>>>);

impl Sink {
    /// What was written, each write being one line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let writes = self.0.lock().unwrap();
        writes
            .iter()
            .map(|write| {
                let text = std::str::from_utf8(write).unwrap();
                let line = text.strip_suffix('\n').expect("a write ends a line");
                assert!(!line.contains('\n'), "one line a write: {line}");
                assert!(text.len() < LINE_LIMIT, "{} bytes", text.len());
                line.to_owned()
            })
            .collect()
    }

    /// Each line, read strictly.
    pub(crate) fn json(&self) -> Vec<Map<String, Value>> {
        self.lines().iter().map(|line| parse(line)).collect()
    }

    /// The only line.
    pub(crate) fn line(&self) -> Map<String, Value> {
        let [line] = self.json().try_into().expect("one line");
        line
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The context of a request of the tenant `acme` under a server span.
pub(crate) fn attach(request: &str, span: u64) -> ContextGuard {
    let span = SpanContext::new(
        TraceId::from(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736),
        SpanId::from(span),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let request = RequestContext::new(request.parse::<RequestId>().unwrap());
    request.set_tenant("acme".parse().unwrap());
    let cx = Context::new()
        .with_remote_span_context(span)
        .with_request(request);
    cx.attach()
}

/// Runs `work` with a JSON layer and returns what it wrote.
pub(crate) fn logged(work: impl FnOnce()) -> Sink {
    logged_by(JsonLayer::builder(), work)
}

pub(crate) fn logged_by(builder: JsonLayerBuilder, work: impl FnOnce()) -> Sink {
    let sink = Sink::default();
    let layer = builder.writer(sink.clone()).build();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    sink
}

/// A line with the time masked, for snapshots.
pub(crate) fn masked(line: &str) -> String {
    let at = line.find('Z').expect("a timestamp");
    let start = line[..at].rfind('"').map_or(0, |quote| quote + 1);
    format!("{}<time>{}", &line[..start], &line[at + 1..])
}

pub(crate) fn parse(line: &str) -> Map<String, Value> {
    let hidden = ['\u{2028}', '\u{202e}', '\u{200b}', '\u{feff}', '\u{e0041}'];
    let raw = |c: char| c.is_control() || hidden.contains(&c);
    assert!(!line.contains(raw), "not escaped: {line:?}");
    if let Err(error) = json::check(line) {
        panic!("{error}: {line}");
    }
    serde_json::from_str(line).unwrap()
}
