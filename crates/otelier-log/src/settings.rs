use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::levels::{self, Levels};
use crate::schema::Preset;

const FORMAT: &str = "OTELIER_LOG_FORMAT";
const PRESET: &str = "OTELIER_LOG_PRESET";
const LEVEL: &str = "OTELIER_LOG";
const LEVEL_OF_OTHERS: &str = "RUST_LOG";
const NO_COLOR: &str = "NO_COLOR";

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For a person at a terminal.
    Human,
    /// No lines; an OpenTelemetry logger still gets all events.
    None,
}

/// What the environment says about logs.
///
/// | variable | value | unset or empty |
/// | --- | --- | --- |
/// | `OTELIER_LOG_FORMAT` | `json`, `human` or `none` | `human` if stdout is a terminal, else `json` |
/// | `OTELIER_LOG_PRESET` | `otelier`, `otel`, `ecs`, `gcp` or `datadog` | `otelier` |
/// | `OTELIER_LOG`, else `RUST_LOG` | `warn,my_crate::db=debug`; what it does not name: `info` | `info` |
/// | `NO_COLOR` | anything: no colour | colour if stdout is a terminal |
///
/// A value that cannot be read is a warning and the default is used.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// How lines look.
    pub format: Format,
    /// What the keys of JSON are called.
    pub preset: Preset,
    /// Whether lines for people are coloured.
    pub ansi: bool,
    /// Which targets are logged from which level on, at first.
    pub filter: Targets,
    warnings: Vec<Warning>,
}

impl Settings {
    /// Reads the process's environment and looks whether stdout is a terminal.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var_os(name), io::stdout().is_terminal())
    }

    /// Reads variables from `lookup`; `terminal` says whether the lines go to a terminal.
    ///
    /// ```
    /// use otelier_log::{Format, Settings};
    ///
    /// let settings = Settings::from_lookup(
    ///     |name| (name == "OTELIER_LOG_FORMAT").then(|| "yaml".into()),
    ///     false,
    /// );
    /// assert_eq!(settings.format, Format::Json);
    /// assert_eq!(settings.warnings()[0].variable(), "OTELIER_LOG_FORMAT");
    /// ```
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>, terminal: bool) -> Self {
        let set = |name| lookup(name).filter(|value| !value.is_empty());
        let mut warnings = Vec::new();

        let word = |variable, expected| {
            let value = set(variable)?;
            let value = value.to_str().map(str::to_ascii_lowercase);
            Some((value.unwrap_or_default(), Warning { variable, expected }))
        };
        let format = word(FORMAT, "json, human or none").and_then(|(value, warning)| {
            match value.as_str() {
                "json" => return Some(Format::Json),
                "human" => return Some(Format::Human),
                "none" => return Some(Format::None),
                _ => warnings.push(warning),
            }
            None
        });
        let presets = "otelier, otel, ecs, gcp or datadog";
        let preset = word(PRESET, presets).and_then(|(value, warning)| {
            match value.as_str() {
                "otelier" => return Some(Preset::Otelier),
                "otel" => return Some(Preset::Otel),
                "ecs" => return Some(Preset::Ecs),
                "gcp" => return Some(Preset::Gcp),
                "datadog" => return Some(Preset::Datadog),
                _ => warnings.push(warning),
            }
            None
        });

        let level = [LEVEL, LEVEL_OF_OTHERS]
            .into_iter()
            .find_map(|variable| Some((variable, set(variable)?)));
        let filter = level.and_then(|(variable, value)| {
            let filter = value.to_str().and_then(|list| levels::parse(list).ok());
            if filter.is_none() {
                warnings.push(Warning {
                    variable,
                    expected: "a level, or a list such as info,my_crate::db=debug",
                });
            }
            filter
        });

        Self {
            format: format.unwrap_or(if terminal {
                Format::Human
            } else {
                Format::Json
            }),
            preset: preset.unwrap_or_default(),
            ansi: terminal && set(NO_COLOR).is_none(),
            filter: filter.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO)),
            warnings,
        }
    }

    /// A handle to levels that start with [`filter`](Self::filter), for a layer and its access log. Each
    /// call makes one of its own: clone it where several share their levels.
    pub fn levels(&self) -> Levels {
        Levels::new(self.filter.clone())
    }

    /// The values that could not be read.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// A variable whose value could not be read, so that the default is used.
///
/// It does not repeat the value, which may be hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    variable: &'static str,
    expected: &'static str,
}

impl Warning {
    /// The variable's name.
    pub fn variable(&self) -> &'static str {
        self.variable
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, expected } = self;
        write!(
            f,
            "{variable} cannot be read, the default is used: set it to {expected}"
        )
    }
}

impl std::error::Error for Warning {}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_core::Level;

    fn settings(variables: &[(&str, &str)], terminal: bool) -> Settings {
        let lookup = |name: &str| {
            let (_, value) = variables.iter().find(|(variable, _)| *variable == name)?;
            Some(OsString::from(value))
        };
        Settings::from_lookup(lookup, terminal)
    }

    #[test]
    fn the_default_is_for_people_on_a_terminal_and_json_elsewhere() {
        let terminal = settings(&[], true);
        assert_eq!((terminal.format, terminal.ansi), (Format::Human, true));
        let pipe = settings(&[], false);
        assert_eq!((pipe.format, pipe.ansi), (Format::Json, false));
        assert!(pipe.filter.would_enable("any", &Level::INFO));
        assert!(!pipe.filter.would_enable("any", &Level::DEBUG));
        assert!(terminal.warnings().is_empty() && pipe.warnings().is_empty());
    }

    #[test]
    fn what_is_set_counts() {
        for (value, format) in [
            ("json", Format::Json),
            ("human", Format::Human),
            ("none", Format::None),
            ("JSON", Format::Json),
        ] {
            assert_eq!(settings(&[(FORMAT, value)], true).format, format);
        }
        for (value, preset) in [
            ("otel", Preset::Otel),
            ("ECS", Preset::Ecs),
            ("gcp", Preset::Gcp),
            ("datadog", Preset::Datadog),
            ("otelier", Preset::Otelier),
            ("", Preset::Otelier),
        ] {
            assert_eq!(settings(&[(PRESET, value)], true).preset, preset);
        }
        assert!(!settings(&[(NO_COLOR, "1")], true).ansi);
        assert!(settings(&[(NO_COLOR, "")], true).ansi);
    }

    #[test]
    fn our_own_level_variable_comes_before_the_general_one() {
        let both = settings(
            &[(LEVEL, "warn,db=trace"), (LEVEL_OF_OTHERS, "debug")],
            false,
        );
        assert!(!both.filter.would_enable("app", &Level::INFO));
        assert!(both.filter.would_enable("db::pool", &Level::TRACE));
        let general = settings(&[(LEVEL, ""), (LEVEL_OF_OTHERS, "debug")], false);
        assert!(general.filter.would_enable("app", &Level::DEBUG));
    }

    #[test]
    fn the_levels_of_the_layer_are_those_that_were_read() {
        let settings = settings(&[(LEVEL, "warn,db=trace")], false);
        assert_eq!(settings.levels().targets(), settings.filter);
    }

    #[test]
    fn no_typing_error_silences_a_service() {
        for value in [
            "warning",
            "inof",
            "info ",
            " info",
            "my_crate",
            "debug, hyper=off",
            "INFO",
            "info,",
            ",info,,",
        ] {
            let settings = settings(&[(LEVEL, value)], false);
            assert!(
                settings.filter.would_enable("app", &Level::INFO),
                "{value:?}"
            );
            assert!(settings.warnings().is_empty(), "{value:?}");
        }
        let spaced = settings(&[(LEVEL, "debug, hyper=off")], false);
        assert!(!spaced.filter.would_enable("hyper", &Level::ERROR));
        let syntax_of_another = settings(&[(LEVEL, "my_crate[span]=debug")], false);
        assert!(syntax_of_another.filter.would_enable("app", &Level::INFO));
        assert_eq!(syntax_of_another.warnings().len(), 1);
        for value in [",", "=", "=off", "info,=off", "my_crate=", "info,my_crate="] {
            let settings = settings(&[(LEVEL, value)], false);
            assert!(
                settings.filter.would_enable("my_crate", &Level::INFO),
                "{value:?}"
            );
            assert_eq!(settings.warnings().len(), 1, "{value:?}");
        }
        let alone = settings(&[(LEVEL, "off,my_crate=debug")], false);
        assert!(!alone.filter.would_enable("app", &Level::ERROR));
    }

    #[test]
    fn an_unreadable_value_is_a_warning_that_names_the_variable_and_the_default_is_used() {
        let settings = settings(
            &[
                (FORMAT, "JSON\x1b[2J"),
                (PRESET, "elastic"),
                (LEVEL, "db=loud"),
                (LEVEL_OF_OTHERS, "debug"),
            ],
            false,
        );
        assert_eq!(settings.format, Format::Json);
        assert!(settings.filter.would_enable("app", &Level::INFO));
        assert!(!settings.filter.would_enable("app", &Level::DEBUG));
        let warnings: Vec<_> = settings.warnings().iter().map(Warning::to_string).collect();
        assert_eq!(
            warnings,
            [
                "OTELIER_LOG_FORMAT cannot be read, the default is used: set it to json, human or none",
                "OTELIER_LOG_PRESET cannot be read, the default is used: set it to otelier, otel, ecs, gcp or datadog",
                "OTELIER_LOG cannot be read, the default is used: set it to a level, or a list such as info,my_crate::db=debug",
            ]
        );
    }
}
