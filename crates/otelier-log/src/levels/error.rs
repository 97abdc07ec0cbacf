use std::fmt;

use super::Levels;

/// A change of [`Levels`](super::Levels) that was refused.
///
/// It does not repeat what was given, which may be hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelsError(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Unreadable,
    NoTarget,
    TooManyTargets,
    TooManyTenants,
}

impl LevelsError {
    /// Whether as many targets or tenants as can be have a level already.
    pub fn is_full(&self) -> bool {
        matches!(self.0, Kind::TooManyTargets | Kind::TooManyTenants)
    }

    pub(super) fn unreadable() -> Self {
        Self(Kind::Unreadable)
    }

    pub(super) fn no_target() -> Self {
        Self(Kind::NoTarget)
    }

    pub(super) fn too_many_targets() -> Self {
        Self(Kind::TooManyTargets)
    }

    pub(super) fn too_many_tenants() -> Self {
        Self(Kind::TooManyTenants)
    }
}

impl fmt::Display for LevelsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Unreadable => f.write_str(
                "levels cannot be read: give a level, or a list such as info,my_crate::db=debug",
            ),
            Kind::NoTarget => {
                f.write_str("invalid target: it must be 1 to 256 characters of A-Z a-z 0-9 _ : - .")
            }
            Kind::TooManyTargets => write!(
                f,
                "too many targets have a level: {} can, clear others first",
                Levels::MAX_TARGETS
            ),
            Kind::TooManyTenants => write!(
                f,
                "too many tenants have a level: {} can, clear others first",
                Levels::MAX_TENANTS
            ),
        }
    }
}

impl std::error::Error for LevelsError {}
