//! Which key a field is promised to have: a second, plain statement of the rules.

use otelier_log::{Keys, Preset};

pub(crate) const PRESETS: [Preset; 5] = [
    Preset::Otelier,
    Preset::Otel,
    Preset::Ecs,
    Preset::Gcp,
    Preset::Datadog,
];

/// Keys under other names, as a [`Keys`] has them, and as it promises to write them.
#[derive(Debug, Clone)]
pub(crate) struct Naming {
    pub(crate) keys: Keys,
    preset: Preset,
    renamed: Vec<(String, String)>,
    pub(crate) nest: Option<String>,
}

impl Naming {
    pub(crate) fn new(preset: Preset) -> Self {
        Self {
            keys: preset.into(),
            preset,
            renamed: Vec::new(),
            nest: (preset == Preset::Otel).then(|| "attributes".to_owned()),
        }
    }

    /// Renames if that is allowed.
    pub(crate) fn rename(mut self, from: &str, to: &str) -> Self {
        if let Ok(keys) = self.keys.clone().rename(from, to) {
            self.keys = keys;
            self.renamed.retain(|(known, _)| known != from);
            self.renamed.push((from.to_owned(), to.to_owned()));
        }
        self
    }

    /// Nests under a key if that is allowed, or under none.
    pub(crate) fn nest(mut self, key: Option<&str>) -> Self {
        match key {
            None => {
                self.keys = self.keys.flatten_fields();
                self.nest = None;
            }
            Some(key) => {
                if let Ok(keys) = self.keys.clone().nest_fields(key) {
                    self.keys = keys;
                    self.nest = Some(key.to_owned());
                }
            }
        }
        self
    }

    /// The key of a field.
    pub(crate) fn key(&self, name: &str) -> String {
        let to = self.renamed.iter().find(|(from, _)| from == name);
        let name = match to {
            Some((_, to)) if !parts(self.preset).contains(&name) => to,
            _ => name,
        };
        let bare = name.trim_start_matches("field.");
        let is_within = |inner: &str, outer: &str| inner.starts_with(&format!("{outer}."));
        let is_taken = |key: &String| {
            let dotted = is_within(key, bare) || is_within(bare, key);
            key == bare || self.preset == Preset::Ecs && dotted
        };
        let of_record = ["request.id", "tenant.id", "user.id", "error.fingerprint"];
        if self.own().iter().any(is_taken) || of_record.contains(&bare) {
            format!("field.{name}")
        } else {
            name.to_owned()
        }
    }

    /// The key of what the preset calls by this name.
    pub(crate) fn part(&self, name: &str) -> String {
        let to = self.renamed.iter().find(|(from, _)| from == name);
        to.map_or(name, |(_, to)| to).to_owned()
    }

    /// The message's key.
    pub(crate) fn message(&self) -> String {
        self.part(match self.preset {
            Preset::Otel => "body",
            _ => "message",
        })
    }

    /// All keys that are not those of fields.
    pub(crate) fn own(&self) -> Vec<String> {
        let others = match self.preset {
            Preset::Otel => &["resource"][..],
            Preset::Ecs => &["ecs.version"],
            Preset::Gcp => &["logging.googleapis.com/sourceLocation"],
            _ => &[],
        };
        let parts = parts(self.preset).iter().map(|name| self.part(name));
        let others = others.iter().map(|&name| name.to_owned());
        parts.chain(others).chain(self.nest.clone()).collect()
    }
}

#[rustfmt::skip]
fn parts(preset: Preset) -> &'static [&'static str] {
    match preset {
        Preset::Otel => &[
            "timestamp", "severity_text", "severity_number", "body", "scope", "trace_id", "span_id", "trace_flags",
            "request.id", "tenant.id", "user.id", "error.fingerprint", "service.name", "deployment.environment.name",
            "code.file.path", "code.line.number", "thread.name", "truncated_bytes",
        ],
        Preset::Ecs => &[
            "@timestamp", "log.level", "message", "log.logger", "trace.id", "span.id", "request.id", "tenant.id",
            "user.id", "error_fingerprint", "service.name", "service.environment", "log.origin.file.name",
            "log.origin.file.line", "process.thread.name", "truncated_bytes",
        ],
        Preset::Gcp => &[
            "time", "severity", "message", "target", "logging.googleapis.com/trace", "logging.googleapis.com/spanId",
            "logging.googleapis.com/trace_sampled", "request_id", "tenant_id", "user_id", "error.fingerprint",
            "service", "environment", "file", "line", "thread", "truncated_bytes",
        ],
        Preset::Datadog => &[
            "timestamp", "status", "message", "logger.name", "dd.trace_id", "dd.span_id", "request_id", "tenant_id",
            "usr.id", "error.fingerprint", "dd.service", "dd.env", "file", "line", "logger.thread_name",
            "truncated_bytes",
        ],
        _ => &[
            "timestamp", "level", "message", "target", "trace_id", "span_id", "trace_flags", "request_id", "tenant_id",
            "user_id", "error.fingerprint", "service", "environment", "file", "line", "thread", "truncated_bytes",
        ],
    }
}
