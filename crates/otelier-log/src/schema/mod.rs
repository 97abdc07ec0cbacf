//! What a line's keys are called, and all of a line that can be written before there is one.

mod callsite;
mod encode;
mod fragment;
mod keys;
mod preset;
mod table;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use opentelemetry::Key as OtlpKey;
use tracing_core::Metadata;

pub(crate) use callsite::{Callsite, Key};
pub(crate) use fragment::Fragment;
pub use keys::{InvalidKeys, Keys};
use preset::Part;
pub use preset::Preset;
pub(crate) use preset::TraceForm;
use table::Table;

/// The longest service name and environment in bytes as written.
const MAX_STATIC: usize = 256;

/// The longest name of a thread in bytes as written.
pub(crate) const MAX_THREAD: usize = 64;

/// The largest number, and what closes the objects.
const MAX_END: usize = 24;

/// ` trace=` and ` request=` with their shortened ids, ` truncated_bytes=` and the end of what is dimmed.
const MAX_HUMAN_END: usize = 64;

static SCHEMAS: AtomicU64 = AtomicU64::new(0);

/// How a line is put together; values are the same in all layouts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Layout {
    #[default]
    Json,
    Human {
        ansi: bool,
    },
}

/// Settings of a [`Schema`].
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub(crate) layout: Layout,
    pub(crate) keys: Keys,
    pub(crate) service: Option<String>,
    pub(crate) environment: Option<String>,
    /// Whether lines say file and line.
    pub(crate) source: bool,
    /// Whether lines say the thread's name.
    pub(crate) thread: bool,
}

/// The parts of all lines of one output, ready to be written.
#[derive(Debug)]
pub(crate) struct Schema {
    /// Of this schema alone in the process.
    pub(crate) id: u64,
    pub(crate) layout: Layout,
    keys: Keys,
    source: bool,
    /// What stands before the time.
    pub(crate) open: Fragment,
    /// What stands before the message.
    pub(crate) message: Fragment,
    pub(crate) trace_form: TraceForm,
    /// What stands before the ids of trace and span and before the flags, which may be unwanted.
    pub(crate) trace: [Vec<u8>; 3],
    /// What stands before the ids of request, tenant and user.
    pub(crate) ids: [Vec<u8>; 3],
    /// What opens the object of the fields, if they are in one.
    pub(crate) nest: Option<Vec<u8>>,
    /// Whether ids and sources are in it too.
    pub(crate) nests_own: bool,
    /// What stands before an error's fingerprint.
    pub(crate) fingerprint: Vec<u8>,
    /// What each line ends with.
    pub(crate) statics: Fragment,
    /// What stands before the thread's name, if that is wanted.
    pub(crate) thread: Option<Vec<u8>>,
    pub(crate) truncated: Vec<u8>,
    /// What stands after the fields of a line at most, besides its source.
    pub(crate) reserved: usize,
    callsites: Table<Callsite>,
    /// Keys that are part of no callsite.
    names: Table<Key>,
    ids_of_keys: Mutex<HashMap<String, u32>>,
}

impl Schema {
    pub(crate) fn new(shape: Shape) -> Self {
        let keys = &shape.keys;
        let [before_trace, before_flags] = match keys.preset.trace_form() {
            TraceForm::Hex | TraceForm::Datadog => [b"\"".to_vec(), b"\"".to_vec()],
            TraceForm::Gcp => [gcp_trace(keys.gcp_project.as_deref()), Vec::new()],
        };
        let quoted = |part| before(keys, part, b"\"");
        let mut open = quoted(Part::Timestamp);
        open[0] = b'{';
        let statics = statics(&shape);
        let thread = shape.thread.then(|| quoted(Part::Thread));
        let fingerprint = quoted(Part::Fingerprint);
        let truncated = before(keys, Part::Truncated, b"");
        let parts = [&statics, &fingerprint, &truncated].map(Vec::len);
        let thread_len = thread.as_ref().map_or(0, |key| key.len() + MAX_THREAD + 1);
        let reserved = parts.iter().sum::<usize>() + 17 + thread_len;
        let nest = keys
            .nest()
            .map(|name| [&encode::key(name)[..], b"{"].concat());
        Self {
            id: SCHEMAS.fetch_add(1, Ordering::Relaxed),
            layout: shape.layout,
            source: shape.source,
            open: open.into(),
            message: quoted(Part::Message).into(),
            trace_form: keys.preset.trace_form(),
            trace: [
                before(keys, Part::TraceId, &before_trace),
                quoted(Part::SpanId),
                before(keys, Part::TraceFlags, &before_flags),
            ],
            ids: [Part::RequestId, Part::TenantId, Part::UserId].map(quoted),
            nests_own: keys.preset.nests_own() && nest.is_some(),
            nest,
            fingerprint,
            statics: statics.into(),
            thread,
            truncated,
            reserved: reserved.max(MAX_HUMAN_END) + MAX_END,
            callsites: Table::new(512),
            names: Table::new(16),
            ids_of_keys: Mutex::default(),
            keys: shape.keys,
        }
    }

    #[inline]
    pub(crate) fn callsite(&self, metadata: &'static Metadata<'static>) -> &Callsite {
        let place = (std::ptr::from_ref(metadata).addr(), 0);
        self.callsites
            .get_or_init(place, || Callsite::new(self, metadata))
    }

    /// The key of a field that belongs to no callsite.
    pub(crate) fn key(&self, name: &'static str) -> &Key {
        let place = (name.as_ptr().addr(), name.len());
        self.names.get_or_init(place, || self.make_key(name))
    }

    fn make_key(&self, name: &'static str) -> Key {
        let written = self.keys.field(name);
        let text = match self.layout {
            Layout::Json => encode::key(&written),
            Layout::Human { .. } => encode::human_key(&written),
        };
        let mut ids = self
            .ids_of_keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let next = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        Key {
            id: *ids.entry(written).or_insert(next),
            text: text.into(),
            otlp: otlp_key(name),
            is_error: matches!(name, "error" | "err"),
        }
    }

    fn part(&self, part: Part) -> &str {
        self.keys.part(part)
    }

    fn preset(&self) -> Preset {
        self.keys.preset
    }
}

/// A part's key and what follows it, or nothing if the part has none.
fn before(keys: &Keys, part: Part, value: &[u8]) -> Vec<u8> {
    match keys.part(part) {
        "" => Vec::new(),
        name => [&encode::key(name), value].concat(),
    }
}

fn gcp_trace(project: Option<&str>) -> Vec<u8> {
    let mut out = b"\"".to_vec();
    if let Some(project) = project {
        out.extend_from_slice(b"projects/");
        otelier_sanitize::json_str(&mut out, project, MAX_STATIC);
        out.extend_from_slice(b"/traces/");
    }
    out
}

fn statics(shape: &Shape) -> Vec<u8> {
    let (keys, preset) = (&shape.keys, shape.keys.preset);
    let mut out = Vec::new();
    for (part, value) in [
        (Part::Service, &shape.service),
        (Part::Environment, &shape.environment),
    ] {
        if let Some(value) = value {
            encode::text_within(&mut out, keys.part(part), value, MAX_STATIC);
        }
    }
    let mut out = encode::wrapped(preset.resource(), out);
    if let Some((key, value)) = preset.constant() {
        encode::text(&mut out, key, value);
    }
    out
}

/// The key of a field in an OTLP record: the same as in a line of the default preset.
fn otlp_key(name: &'static str) -> OtlpKey {
    let key = Keys::default().field(name);
    if key == name { name.into() } else { key.into() }
}
