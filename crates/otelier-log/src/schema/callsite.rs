use opentelemetry::Key as OtlpKey;
use otelier_sanitize::Policy;
use tracing_core::{Level, Metadata};

use crate::category::{Category, category};
use crate::fingerprint::Fingerprint;
use crate::ids::may_read_context;
use crate::volume::Bucket;

use super::preset::{Part, severity_number};
use super::{Fragment, Layout, Schema, encode};

/// The longest target and the longest file name in bytes as written; a path of modules is shorter.
const MAX_NAME: usize = 256;

/// The targets of people's lines are filled up to this width.
const TARGET_WIDTH: usize = 20;

const MESSAGE: &str = "message";

/// A key that is ready to be written.
#[derive(Debug)]
pub(crate) struct Key {
    /// The same for all keys of one text.
    pub(crate) id: u32,
    /// `,"key":`, or ` key=` for people.
    pub(crate) text: Fragment,
    pub(crate) otlp: OtlpKey,
    /// Whether its text is that of an error.
    pub(crate) is_error: bool,
}

/// What all events or spans of one place in the program's text have in common, ready to be written.
#[derive(Debug)]
pub(crate) struct Callsite {
    /// What stands between time and message: the level.
    pub(crate) level: Fragment,
    pub(crate) target: Fragment,
    /// File and line, if they are wanted and known.
    pub(crate) source: Fragment,
    /// The fields' keys in their order.
    pub(crate) keys: Box<[Key]>,
    /// Which field is the message.
    pub(crate) message: Option<usize>,
    pub(crate) category: Option<Category>,
    /// Whether sampling applies: not to what must be told, nor to what otelier says of itself.
    pub(crate) is_sampled: bool,
    /// Whether the rate limit applies: not to these either, nor to access lines, of which there is one
    /// for each request.
    pub(crate) is_limited: bool,
    pub(crate) bucket: Bucket,
    pub(crate) may_read_context: bool,
    /// The beginning of the fingerprint of an error's line.
    pub(crate) fingerprint: Option<Fingerprint>,
}

impl Callsite {
    pub(super) fn new(schema: &Schema, metadata: &Metadata<'_>) -> Self {
        let fields = || metadata.fields().iter().map(|field| field.name());
        let is_own = metadata.target().split("::").next() == Some("otelier");
        let (level, target, source) = match schema.layout {
            Layout::Json => (
                json_level(schema, *metadata.level()),
                json_target(schema, metadata.target()),
                json_source(schema, metadata.file().zip(metadata.line())),
            ),
            Layout::Human { ansi } => (
                human_level(*metadata.level(), ansi).into(),
                human_target(metadata.target()),
                Vec::new(),
            ),
        };
        Self {
            level: level.into(),
            target: target.into(),
            source: source.into(),
            keys: fields().map(|name| schema.make_key(name)).collect(),
            message: fields().position(|name| name == MESSAGE),
            category: category(metadata),
            is_sampled: !is_own || metadata.target() == "otelier::access",
            is_limited: !is_own,
            bucket: Bucket::new(),
            may_read_context: may_read_context(metadata),
            fingerprint: (*metadata.level() == Level::ERROR).then(|| fingerprint(metadata)),
        }
    }
}

fn fingerprint(metadata: &Metadata<'_>) -> Fingerprint {
    let mut fingerprint = Fingerprint::new();
    fingerprint.part(metadata.target().as_bytes());
    fingerprint.part(metadata.level().as_str().as_bytes());
    for field in metadata.fields() {
        fingerprint.part(field.name().as_bytes());
    }
    fingerprint
}

fn json_level(schema: &Schema, level: Level) -> Vec<u8> {
    let mut out = b"\"".to_vec();
    encode::text(
        &mut out,
        schema.part(Part::Level),
        schema.preset().level(level),
    );
    encode::number(
        &mut out,
        schema.part(Part::Severity),
        severity_number(level),
    );
    out
}

fn json_target(schema: &Schema, target: &str) -> Vec<u8> {
    let mut out = Vec::new();
    encode::text_within(&mut out, schema.part(Part::Target), target, MAX_NAME);
    out
}

fn json_source(schema: &Schema, source: Option<(&str, u32)>) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some((file, line)) = source.filter(|_| schema.source) {
        encode::text_within(&mut out, schema.part(Part::File), file, MAX_NAME);
        encode::number(&mut out, schema.part(Part::Line), line);
    }
    encode::wrapped(schema.preset().source(), out)
}

fn human_level(level: Level, ansi: bool) -> &'static [u8] {
    match (level, ansi) {
        (Level::ERROR, false) => b"ERROR ",
        (Level::WARN, false) => b" WARN ",
        (Level::INFO, false) => b" INFO ",
        (Level::DEBUG, false) => b"DEBUG ",
        (Level::TRACE, false) => b"TRACE ",
        (Level::ERROR, true) => b"\x1b[31mERROR\x1b[0m ",
        (Level::WARN, true) => b"\x1b[33m WARN\x1b[0m ",
        (Level::INFO, true) => b"\x1b[32m INFO\x1b[0m ",
        (Level::DEBUG, true) => b"\x1b[34mDEBUG\x1b[0m ",
        (Level::TRACE, true) => b"\x1b[35mTRACE\x1b[0m ",
    }
}

fn human_target(target: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Policy::escape().append(&mut out, target, MAX_NAME);
    out.push(b':');
    let width = out.len().max(TARGET_WIDTH);
    out.resize(width, b' ');
    out
}
