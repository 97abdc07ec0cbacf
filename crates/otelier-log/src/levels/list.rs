//! Levels as text.

use tracing_subscriber::filter::{LevelFilter, Targets};

use super::{Levels, LevelsError};

const MAX_TARGET_LEN: usize = 256;

/// A list of levels and targets. What it does not name is logged from INFO on, so that a misspelt level,
/// which reads as a target, silences nothing.
pub(crate) fn parse(list: &str) -> Result<Targets, LevelsError> {
    let entries: Vec<_> = list.split(',').map(str::trim).collect();
    if entries.len() > Levels::MAX_TARGETS {
        return Err(LevelsError::too_many_targets());
    }
    let legal = |c| is_legal(c) || c == '=';
    if !entries.iter().all(|entry| entry.chars().all(legal)) {
        return Err(LevelsError::unreadable());
    }
    let targets: Targets = entries
        .join(",")
        .parse()
        .map_err(|_| LevelsError::unreadable())?;
    Ok(match targets.default_level() {
        Some(_) => targets,
        None => targets.with_default(LevelFilter::INFO),
    })
}

pub(super) fn check_target(target: &str) -> Result<(), LevelsError> {
    if (1..=MAX_TARGET_LEN).contains(&target.len()) && target.chars().all(is_legal) {
        Ok(())
    } else {
        Err(LevelsError::no_target())
    }
}

fn is_legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-' | '.')
}
