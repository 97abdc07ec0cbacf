use std::fmt;

use crate::registry::{MAX_CHECKS, MAX_NAME_LEN};
use crate::text::bounded;

/// A check that could not be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterError {
    name: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    InvalidName,
    Taken,
    Full,
}

impl RegisterError {
    pub(crate) fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: bounded(name),
            kind,
        }
    }

    /// Whether the name is empty, too long, or has a control character in it.
    pub fn is_invalid_name(&self) -> bool {
        self.kind == Kind::InvalidName
    }

    /// Whether a check of this name is registered already.
    pub fn is_taken(&self) -> bool {
        self.kind == Kind::Taken
    }

    /// Whether there are [`MAX_CHECKS`] already.
    pub fn is_full(&self) -> bool {
        self.kind == Kind::Full
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.kind {
            Kind::InvalidName => write!(
                f,
                "{name:?} is not a check's name: use 1 to {MAX_NAME_LEN} characters, none of them a control character"
            ),
            Kind::Taken => write!(
                f,
                "the check {name:?} is registered already: give each its own name"
            ),
            Kind::Full => write!(
                f,
                "no room for the check {name:?} beside {MAX_CHECKS} others: let one check cover several things"
            ),
        }
    }
}

impl std::error::Error for RegisterError {}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use crate::{Health, MAX_NAME_LEN};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_bad_name_is_refused() {
        let health = Health::new();
        let reserved = health.try_ready("otelier:registration", SECOND, passing);
        assert!(reserved.unwrap_err().is_taken());
        let longest = "é".repeat(MAX_NAME_LEN);
        for name in ["db", "db:latency", "a \"b\" \\ {c}", &longest] {
            health.try_ready(name, SECOND, passing).unwrap();
            let error = health.try_ready(name, SECOND, passing).unwrap_err();
            assert!(error.is_taken(), "{name}");
        }
        let huge = "x".repeat(1 << 20);
        for name in [
            "",
            "a\nb",
            "a\0",
            "\u{1b}[2J",
            "\u{85}",
            "\u{2028}",
            "xx".repeat(33).as_str(),
            &huge,
        ] {
            let error = health.try_ready(name, SECOND, passing).unwrap_err();
            assert!(error.is_invalid_name(), "{name:?}");
            let text = error.to_string();
            assert!(
                text.len() < 512 && !text.contains(char::is_control),
                "{text}"
            );
        }
        assert_eq!(health.checks().len(), 4);
    }

    async fn passing() -> Result<(), Infallible> {
        Ok(())
    }
}
