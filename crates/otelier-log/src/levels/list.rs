//! Levels as text.

use tracing_subscriber::filter::{LevelFilter, Targets};

use super::{Levels, LevelsError};

const MAX_TARGET_LEN: usize = 256;

/// A list of levels and targets. What it does not name is logged from INFO on, so that a misspelt level,
/// which reads as a target, silences nothing.
pub(crate) fn parse(list: &str) -> Result<Targets, LevelsError> {
    let entries = list.split(',').map(str::trim);
    let entries: Vec<_> = entries.filter(|entry| !entry.is_empty()).collect();
    if entries.len() > Levels::MAX_TARGETS {
        return Err(LevelsError::too_many_targets());
    }
    // An entry without a target or without a level would silence what nobody named.
    let is_whole = |entry: &&str| !entry.starts_with('=') && !entry.ends_with('=');
    let legal = |c| is_legal(c) || c == '=';
    let is_readable = |entry: &&str| is_whole(entry) && entry.chars().all(legal);
    if entries.is_empty() || !entries.iter().all(is_readable) {
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
