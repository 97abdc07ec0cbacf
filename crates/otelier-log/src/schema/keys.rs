use std::error::Error;
use std::fmt;

use super::encode;
use super::preset::{Part, Preset};

/// What a field with a reserved name is written under: `field.message`.
pub(super) const PREFIX: &str = "field.";

/// The longest key of one's own as written, with comma, quotes and colon: 18 of them leave room for a line.
const MAX_KEY: usize = 256 + r#","":"#.len();

/// The names that a line's keys have: those of a [`Preset`], some of them renamed, and the fields beside
/// them or under a key of their own.
///
/// They are for lines: an OpenTelemetry record has the names of [`Preset::Otelier`], but `request.id`,
/// `tenant.id` and `user.id`.
///
/// ```
/// use otelier_log::{JsonLayer, Keys, Preset};
///
/// let keys = Keys::from(Preset::Ecs).rename("tenant.id", "organization.id")?.nest_fields("labels")?;
/// let layer = JsonLayer::builder().keys(keys).service("checkout").build();
/// # Ok::<(), otelier_log::InvalidKeys>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Keys {
    pub(super) preset: Preset,
    renamed: Vec<(String, String)>,
    /// `None` is the preset's, an empty one the top.
    nest: Option<String>,
    pub(super) gcp_project: Option<String>,
}

impl From<Preset> for Keys {
    fn from(preset: Preset) -> Self {
        Self {
            preset,
            ..Self::default()
        }
    }
}

impl Keys {
    /// Writes what the preset writes under `from`, or else fields of this name, under `to`. Of two
    /// fields that have one key then, the first in the line is written.
    ///
    /// # Errors
    ///
    /// If `to` is a key of the line itself, is empty or longer than 256 bytes as written.
    pub fn rename(mut self, from: &str, to: &str) -> Result<Self, InvalidKeys> {
        self.check(to)?;
        self.renamed.retain(|(known, _)| known != from);
        self.renamed.push((from.to_owned(), to.to_owned()));
        Ok(self)
    }

    /// Writes fields as an object under this key.
    ///
    /// # Errors
    ///
    /// If `key` is a key of the line itself, is empty or longer than 256 bytes as written.
    pub fn nest_fields(mut self, key: &str) -> Result<Self, InvalidKeys> {
        self.check(key)?;
        self.nest = Some(key.to_owned());
        Ok(self)
    }

    /// Writes fields beside what is the line's own, also where the preset does not.
    pub fn flatten_fields(mut self) -> Self {
        self.nest = Some(String::new());
        self
    }

    /// The project of Google Cloud that traces go to, such as `shop-prod`, which links lines to them. It
    /// counts for [`Preset::Gcp`] only, and is cut after 256 bytes.
    pub fn gcp_project(mut self, project: &str) -> Self {
        self.gcp_project = Some(project.to_owned());
        self
    }

    /// A part's key; empty if the preset has none.
    pub(super) fn part(&self, part: Part) -> &str {
        let name = self.preset.names()[part as usize];
        if name.is_empty() {
            return name;
        }
        self.renamed_to(name).unwrap_or(name)
    }

    pub(super) fn nest(&self) -> Option<&str> {
        let nest = self.nest.as_deref().or(self.preset.nest());
        nest.filter(|key| !key.is_empty())
    }

    /// What a field of this name is written under.
    ///
    /// A name that already begins with the prefix before a reserved one gets it once more, so no two
    /// names ever become the same key unless one was renamed, and none becomes a reserved one.
    pub(super) fn field(&self, name: &str) -> String {
        // The parts that a preset does not have are empty names.
        let is_part = |name: &str| !name.is_empty() && self.preset.names().contains(&name);
        let name = match self.renamed_to(name) {
            Some(renamed) if !is_part(name) => renamed,
            _ => name,
        };
        let mut base = name;
        while let Some(rest) = base.strip_prefix(PREFIX) {
            base = rest;
        }
        if self.is_reserved(base) {
            format!("{PREFIX}{name}")
        } else {
            name.to_owned()
        }
    }

    fn is_reserved(&self, name: &str) -> bool {
        let dots = self.preset.dots_are_objects();
        let is_within = |inner: &str, outer: &str| {
            let rest = inner.strip_prefix(outer);
            rest.is_some_and(|rest| rest.is_empty() || dots && rest.starts_with('.'))
        };
        let is_taken = |key: &str| is_within(key, name) || is_within(name, key);
        // What an OTLP record has of its own.
        let of_record = ["request.id", "tenant.id", "user.id", "error.fingerprint"];
        self.own_keys().any(is_taken) || of_record.contains(&name)
    }

    /// All keys that are not those of fields.
    fn own_keys(&self) -> impl Iterator<Item = &str> {
        let names = self.preset.names();
        let parts = names.into_iter().filter(|name| !name.is_empty());
        let constant = self.preset.constant().map(|(key, _)| key);
        parts
            .map(|name| self.renamed_to(name).unwrap_or(name))
            .chain(constant)
            .chain(self.preset.resource())
            .chain(self.preset.source())
            .chain(self.nest())
    }

    fn renamed_to(&self, name: &str) -> Option<&str> {
        let renamed = self.renamed.iter().find(|(from, _)| from == name);
        renamed.map(|(_, to)| to.as_str())
    }

    fn check(&self, key: &str) -> Result<(), InvalidKeys> {
        let reason = if key.is_empty() {
            Reason::Empty
        } else if encode::key(key).len() > MAX_KEY {
            Reason::TooLong
        } else if self.is_reserved(key) || key.starts_with(PREFIX) {
            Reason::Reserved
        } else {
            return Ok(());
        };
        let shown = otelier_sanitize::Policy::escape().max_len(64);
        Err(InvalidKeys {
            key: shown.sanitize(key).into_owned(),
            reason,
        })
    }
}

/// A key that a line cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidKeys {
    key: String,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Empty,
    TooLong,
    Reserved,
}

impl fmt::Display for InvalidKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason {
            Reason::Empty => "it is empty",
            Reason::TooLong => "it is longer than 256 bytes as written",
            Reason::Reserved => "the line has that key already, or keeps it for itself",
        };
        write!(
            f,
            "{:?} cannot be a key, choose another: {reason}",
            self.key
        )
    }
}

impl Error for InvalidKeys {}

#[cfg(test)]
mod tests {
    use super::*;

    const PRESETS: [Preset; 5] = [
        Preset::Otelier,
        Preset::Otel,
        Preset::Ecs,
        Preset::Gcp,
        Preset::Datadog,
    ];

    fn written(name: &str) -> String {
        Keys::default().field(name)
    }

    #[test]
    fn a_reserved_key_cannot_be_forged() {
        assert_eq!(written("message"), "field.message");
        assert_eq!(written("field.message"), "field.field.message");
        assert_eq!(written("field.order"), "field.order");
        assert_eq!(written("messages"), "messages");
        assert_eq!(written(""), "");
        for preset in PRESETS {
            let keys = Keys::from(preset);
            for own in keys.own_keys() {
                assert_eq!(keys.field(own), format!("field.{own}"), "{preset:?}");
            }
        }
    }

    #[test]
    fn different_names_stay_different_keys() {
        let bases = ["", "message", "tenant_id", "user.id", "order", "field"];
        let names: Vec<_> = (0..4)
            .flat_map(|n| bases.map(|base| PREFIX.repeat(n) + base))
            .collect();
        for keys in PRESETS.map(Keys::from) {
            let own: Vec<_> = keys.own_keys().collect();
            let written: std::collections::HashSet<_> =
                names.iter().map(|name| keys.field(name)).collect();
            assert_eq!(written.len(), names.len());
            assert!(!own.iter().any(|own| written.contains(*own)));
        }
    }

    #[test]
    fn no_preset_has_a_key_twice() {
        for keys in PRESETS.map(Keys::from) {
            let own: Vec<_> = keys.own_keys().collect();
            let unique: std::collections::HashSet<_> = own.iter().collect();
            assert_eq!(unique.len(), own.len(), "{own:?}");
        }
    }

    #[test]
    fn what_is_renamed_leaves_its_name_free_and_reserves_the_new_one() {
        let keys = Keys::default().rename("message", "msg").unwrap();
        assert_eq!(keys.part(Part::Message), "msg");
        assert_eq!(keys.field("msg"), "field.msg");
        assert_eq!(keys.field("message"), "message");
        let keys = keys.rename("status", "code").unwrap();
        assert_eq!(keys.field("status"), "code");
    }

    #[test]
    fn a_key_that_the_line_has_is_refused() {
        for (key, reason) in [
            ("level", "already"),
            ("", "empty"),
            ("field.x", "keeps it"),
            (&*"x".repeat(257), "256"),
        ] {
            let error = Keys::default().rename("message", key).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            assert!(Keys::default().nest_fields(key).is_err());
        }
        let ecs = Keys::from(Preset::Ecs);
        assert!(ecs.rename("status", "log").is_err());
    }

    #[test]
    fn in_ecs_a_field_is_never_beside_an_object_of_its_name() {
        let ecs = Keys::from(Preset::Ecs);
        assert_eq!(ecs.field("service"), "field.service");
        assert_eq!(ecs.field("log.origin"), "field.log.origin");
        assert_eq!(ecs.field("services"), "services");
        assert_eq!(Keys::default().field("error"), "error");
    }
}
