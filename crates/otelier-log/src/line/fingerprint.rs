use std::ops::Range;

use opentelemetry::Key as OtlpKey;
use otelier_sanitize::json_str;

use super::{Line, hex};
use crate::schema::{Layout, Schema};

const KEY: &str = "error.fingerprint";

impl Line {
    /// Has the fingerprint of an error's line count the JSON text that was written there.
    pub(super) fn fold(&mut self, text: Range<usize>) {
        let Some(fingerprint) = &mut self.fingerprint else {
            return;
        };
        self.unescaped.clear();
        let mut rest = &self.bytes[text];
        while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
            // Only quotes count, which stand behind a backslash.
            let (before, after) = rest.split_at(at);
            self.unescaped.extend_from_slice(before);
            self.unescaped.extend(after.get(1));
            rest = after.get(2..).unwrap_or_default();
        }
        self.unescaped.extend_from_slice(rest);
        fingerprint.fold(&self.unescaped);
    }

    /// Has it count a message that was written for people: in the form in which JSON has it.
    pub(super) fn fold_body(&mut self) {
        if self.fingerprint.is_some()
            && let Some(body) = &self.body
        {
            let start = self.bytes.len();
            json_str(&mut self.bytes, body, usize::MAX);
            self.fold(start..self.bytes.len());
            self.bytes.truncate(start);
        }
    }

    pub(super) fn end_fingerprint(&mut self, schema: &Schema) {
        let Some(fingerprint) = self.fingerprint.take() else {
            return;
        };
        let digits = hex(fingerprint.finish().to_be_bytes());
        if schema.layout == Layout::Json {
            self.put(&schema.fingerprint);
            self.put(digits.as_flattened());
            self.put(b"\"");
        }
        if self.typed {
            let text = String::from_utf8_lossy(digits.as_flattened()).into_owned();
            self.attributes.push((OtlpKey::from(KEY), text.into()));
        }
    }
}
