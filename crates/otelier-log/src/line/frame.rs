use std::thread;
use std::time::SystemTime;

use otelier_sanitize::json_str;

use super::request::RequestIds;
use super::{Line, hex};
use crate::ids::TraceIds;
use crate::schema::{Callsite, Layout, MAX_THREAD, Schema, TraceForm};

impl Line {
    /// Writes what stands before the message.
    pub(crate) fn head(&mut self, schema: &Schema, callsite: &Callsite, time: SystemTime) {
        let time = self.timestamps.render(time);
        match schema.layout {
            Layout::Json => {
                schema.open.append_to(&mut self.bytes);
                self.put(&time);
                callsite.level.append_to(&mut self.bytes);
            }
            Layout::Human { .. } => {
                self.put(&time[11..23]);
                self.put(b"Z ");
                callsite.level.append_to(&mut self.bytes);
                callsite.target.append_to(&mut self.bytes);
            }
        }
    }

    /// Writes what stands between the message and the fields.
    pub(crate) fn context(&mut self, schema: &Schema, callsite: &Callsite) {
        if let Layout::Human { .. } = schema.layout {
            return;
        }
        callsite.target.append_to(&mut self.bytes);
        if let Some(trace) = self.ids.trace {
            self.trace(schema, &trace);
        }
        match &schema.nest {
            None => self.request(schema),
            Some(nest) if schema.nests_own => {
                self.open_nest(nest);
                self.request(schema);
            }
            Some(nest) => {
                self.request(schema);
                self.open_nest(nest);
            }
        }
    }

    /// Writes all that stands after the fields.
    pub(crate) fn end(&mut self, schema: &Schema, callsite: &Callsite) {
        let truncated: &[u8] = match schema.layout {
            Layout::Json => {
                if schema.nests_own {
                    self.end_fingerprint(schema);
                    self.source(schema, callsite);
                    self.close_nest();
                    schema.statics.append_to(&mut self.bytes);
                } else {
                    self.close_nest();
                    self.end_fingerprint(schema);
                    schema.statics.append_to(&mut self.bytes);
                    self.source(schema, callsite);
                }
                &schema.truncated
            }
            Layout::Human { .. } => {
                self.end_fingerprint(schema);
                self.human_ids();
                b" truncated_bytes="
            }
        };
        if self.lost > 0 {
            self.put(truncated);
            self.put(itoa::Buffer::new().format(self.lost).as_bytes());
            if self.typed {
                let lost = i64::try_from(self.lost).unwrap_or(i64::MAX);
                self.attributes
                    .push(("truncated_bytes".into(), lost.into()));
            }
        }
        self.put(match schema.layout {
            Layout::Json => b"}\n",
            Layout::Human { .. } => b"\n",
        });
    }

    fn trace(&mut self, schema: &Schema, trace: &TraceIds) {
        let [before_trace, before_span, before_flags] = &schema.trace;
        let (trace_id, span_id) = (trace.trace_id.to_bytes(), trace.span_id.to_bytes());
        self.put(before_trace);
        if schema.trace_form == TraceForm::Datadog {
            let [.., a, b, c, d, e, f, g, h] = trace_id;
            let lower = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            self.put(itoa::Buffer::new().format(lower).as_bytes());
            self.put(b"\"");
            self.put(before_span);
            let span_id = u64::from_be_bytes(span_id);
            self.put(itoa::Buffer::new().format(span_id).as_bytes());
        } else {
            self.put(hex(trace_id).as_flattened());
            self.put(b"\"");
            self.put(before_span);
            self.put(hex(span_id).as_flattened());
        }
        self.put(b"\"");
        if before_flags.is_empty() {
            return;
        }
        self.put(before_flags);
        if schema.trace_form == TraceForm::Gcp {
            self.put(if trace.flags.is_sampled() {
                b"true"
            } else {
                b"false"
            });
        } else {
            self.put(&hex([trace.flags.to_u8()])[0]);
            self.put(b"\"");
        }
    }

    /// Lines of one request follow one another on a thread: its ids are encoded for the first of them.
    fn request(&mut self, schema: &Schema) {
        let Some(request) = &self.ids.request else {
            return;
        };
        let known = self.request.as_ref();
        if known.is_none_or(|known| !known.is(schema, request)) {
            let before = self.request.take();
            self.request = Some(RequestIds::new(before, schema, request));
        }
        if let Some(ids) = &self.request {
            self.bytes.extend_from_slice(&ids.bytes);
        }
    }

    fn open_nest(&mut self, nest: &[u8]) {
        self.put(nest);
        self.nest = Some(self.bytes.len());
    }

    /// Each member begins with a comma, also the first one, which is made a space then.
    fn close_nest(&mut self) {
        let Some(start) = self.nest.take() else {
            return;
        };
        if let Some(comma) = self.bytes.get_mut(start) {
            *comma = b' ';
        }
        self.put(b"}");
    }

    fn source(&mut self, schema: &Schema, callsite: &Callsite) {
        callsite.source.append_to(&mut self.bytes);
        if let Some(before) = &schema.thread {
            let thread = self.thread.get_or_insert_with(|| {
                let mut name = Vec::new();
                json_str(
                    &mut name,
                    thread::current().name().unwrap_or_default(),
                    MAX_THREAD,
                );
                name
            });
            if !thread.is_empty() {
                self.bytes.extend_from_slice(before);
                self.bytes.extend_from_slice(thread);
                self.put(b"\"");
            }
        }
    }

    /// The ids shortened: a trace's first eight digits, and the random end of a request's.
    fn human_ids(&mut self) {
        if let Some(trace) = self.ids.trace {
            self.put(b" trace=");
            self.put(&hex(trace.trace_id.to_bytes()).as_flattened()[..8]);
        }
        if let Some(request) = &self.ids.request {
            let mut buffer = [0; 36];
            let id = request.id().encode(&mut buffer).as_bytes();
            self.bytes.extend_from_slice(b" request=");
            self.bytes
                .extend_from_slice(&id[id.len().saturating_sub(12)..]);
        }
    }
}
