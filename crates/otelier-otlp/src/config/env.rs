use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A setting that could not be read, and what is used in its place.
///
/// It names the variable and never repeats its value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    variable: String,
    problem: String,
}

impl Warning {
    pub(crate) fn new(variable: &str, problem: impl Into<String>) -> Self {
        Self {
            variable: variable.to_owned(),
            problem: problem.into(),
        }
    }

    /// Says each thing once, however many signals read the variable.
    pub(crate) fn add_to(self, warnings: &mut Vec<Self>) {
        if !warnings.contains(&self) {
            warnings.push(self);
        }
    }

    /// The name of the variable, or of the setting in code.
    pub fn variable(&self) -> &str {
        &self.variable
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.variable, self.problem)
    }
}

/// The variables by name, and what was wrong with those that were read.
///
/// A value is trimmed, an empty one counts as unset, and words are matched without regard to case
/// (specification, configuration/sdk-environment-variables.md). Where several names are given, the
/// first that is set and can be read wins.
pub(crate) struct Env<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) warnings: Vec<Warning>,
}

impl<'a> Env<'a> {
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            lookup,
            warnings: Vec::new(),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let value = (self.lookup)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The first of `names` that is set, and its text.
    pub(crate) fn first<N: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = N>,
    ) -> Option<(N, String)> {
        let mut set = names
            .into_iter()
            .map(|name| (self.text(name.as_ref()), name));
        set.find_map(|(text, name)| Some((name, text?)))
    }

    /// What `read` makes of the first of `names` that it can read, and which one that is.
    pub(crate) fn read<T>(
        &mut self,
        names: &[impl AsRef<str>],
        expected: &str,
        default: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<(usize, T)> {
        for (at, name) in names.iter().enumerate() {
            let Some(text) = self.text(name.as_ref()) else {
                continue;
            };
            if let Some(value) = read(&text) {
                return Some((at, value));
            }
            let next = names
                .get(at + 1)
                .map(|next| format!("{} or ", next.as_ref()));
            let next = next.unwrap_or_default();
            let problem = format!("is not {expected}: {next}the default, {default}, is used");
            self.warn(name.as_ref(), problem);
        }
        None
    }

    pub(crate) fn number(
        &mut self,
        names: &[impl AsRef<str>],
        range: RangeInclusive<u32>,
        default: u32,
    ) -> u32 {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(names, &expected, &default.to_string(), |text| {
            text.parse().ok().filter(|number| range.contains(number))
        })
        .map_or(default, |(_, number)| number)
    }

    pub(crate) fn millis(&mut self, names: &[impl AsRef<str>], default: u32) -> Duration {
        Duration::from_millis(self.number(names, 1..=u32::MAX, default).into())
    }

    pub(crate) fn flag(&mut self, names: &[impl AsRef<str>]) -> bool {
        self.choice(names, [("false", false), ("true", true)])
    }

    /// The value of one of these words; the first word is the default.
    pub(crate) fn choice<T: Copy, const N: usize>(
        &mut self,
        names: &[impl AsRef<str>],
        words: [(&str, T); N],
    ) -> T {
        let (default, value) = words[0];
        self.word(names, default, words).unwrap_or(value)
    }

    /// The value of one of these words.
    pub(crate) fn word<T: Copy, const N: usize>(
        &mut self,
        names: &[impl AsRef<str>],
        default: &str,
        words: [(&str, T); N],
    ) -> Option<T> {
        let expected = format!("one of {}", words.map(|(word, _)| word).join(", "));
        let read = |text: &str| {
            let word = words.iter().find(|(w, _)| w.eq_ignore_ascii_case(text));
            word.map(|(_, value)| *value)
        };
        let (_, value) = self.read(names, &expected, default, read)?;
        Some(value)
    }

    pub(crate) fn warn(&mut self, variable: &str, problem: impl Into<String>) {
        Warning::new(variable, problem).add_to(&mut self.warnings);
    }
}
