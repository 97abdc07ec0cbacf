use opentelemetry::Key as OtlpKey;

use super::{Line, hex};
use crate::schema::{Layout, Schema};

const KEY: &str = "error.fingerprint";

impl Line {
    /// Has the fingerprint of an error's line count the text that was written from `start` on.
    pub(super) fn fold(&mut self, start: usize) {
        let Some(fingerprint) = &mut self.fingerprint else {
            return;
        };
        self.unescaped.clear();
        let mut rest = &self.bytes[start..];
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
