//! Which keys belong to the line itself, and what becomes of a field that wants one.

use opentelemetry::Key;

/// What a field with a reserved name is written under: `field.message`.
pub(crate) const PREFIX: &str = "field.";

/// Whether a field of this name is written with [`PREFIX`].
///
/// A name that already begins with the prefix before a reserved one gets it once more, so no two
/// names ever become the same key and none becomes a reserved one.
pub(crate) fn is_reserved(name: &str) -> bool {
    let mut base = name;
    while let Some(rest) = base.strip_prefix(PREFIX) {
        base = rest;
    }
    matches!(
        base,
        "timestamp"
            | "level"
            | "message"
            | "target"
            | "trace_id"
            | "span_id"
            | "trace_flags"
            | "request_id"
            | "tenant_id"
            | "user_id"
            | "service"
            | "environment"
            | "file"
            | "line"
            | "thread"
            | "truncated_bytes"
            // The same ids as attributes of an OTLP record.
            | "request.id"
            | "tenant.id"
            | "user.id"
    )
}

/// The key of a field in an OTLP record: the same as in the line.
pub(crate) fn otlp(name: &'static str) -> Key {
    if is_reserved(name) {
        format!("{PREFIX}{name}").into()
    } else {
        name.into()
    }
}

/// The names that a line has already.
#[derive(Debug, Default)]
pub(crate) struct Names {
    names: Vec<&'static str>,
    /// A bit for each name: a name whose bit is not set is not among them.
    bits: u128,
}

impl Names {
    pub(crate) fn clear(&mut self) {
        self.names.clear();
        self.bits = 0;
    }

    /// Adds names that differ from one another, if their `bits` already tell that none is there.
    pub(crate) fn claim_all(
        &mut self,
        bits: u128,
        names: impl Iterator<Item = &'static str>,
    ) -> bool {
        let free = self.bits & bits == 0;
        if free {
            self.bits |= bits;
            self.names.extend(names);
        }
        free
    }

    /// Adds a name; false if it was there.
    pub(crate) fn claim(&mut self, name: &'static str) -> bool {
        let bit = bit(name);
        if self.bits & bit != 0 && self.names.contains(&name) {
            return false;
        }
        self.bits |= bit;
        self.names.push(name);
        true
    }
}

/// One of 128 bits: names of different bits are different.
pub(crate) fn bit(name: &str) -> u128 {
    let bytes = name.as_bytes();
    let at = |byte: Option<&u8>| byte.map_or(0, |byte| usize::from(*byte));
    let mix = at(bytes.first()) * 7 + at(bytes.last()) * 31 + name.len();
    1 << (mix & 127)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str) -> String {
        let prefix = if is_reserved(name) { PREFIX } else { "" };
        format!("{prefix}{name}")
    }

    #[test]
    fn a_reserved_key_cannot_be_forged() {
        assert_eq!(written("message"), "field.message");
        assert_eq!(written("field.message"), "field.field.message");
        assert_eq!(written("field.order"), "field.order");
        assert_eq!(written("messages"), "messages");
        assert_eq!(written(""), "");
    }

    #[test]
    fn different_names_stay_different_keys() {
        let bases = ["", "message", "tenant_id", "user.id", "order", "field"];
        let names: Vec<_> = (0..4)
            .flat_map(|n| bases.map(|base| PREFIX.repeat(n) + base))
            .collect();
        let keys: std::collections::HashSet<_> = names.iter().map(|name| written(name)).collect();
        assert_eq!(keys.len(), names.len());
        assert!(
            keys.iter()
                .all(|key| !is_reserved(key) || key.starts_with(PREFIX))
        );
    }
}
