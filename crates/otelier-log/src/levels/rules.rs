use std::cmp::Reverse;
use std::sync::Arc;

use otelier_context::TenantId;
use tracing_core::Metadata;
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::{Levels, LevelsError};
use crate::ids::OPENTELEMETRY;

/// What an operator must not lose by a quieter level. From DEBUG down they are as quiet as the rest, or
/// `tracing` would have to ask at each TRACE event of the process.
const CATEGORIES: [&str; 4] = [
    "otelier::security",
    "otelier::audit",
    "otelier::performance",
    "otelier::alert",
];
const CATEGORIES_FROM: LevelFilter = LevelFilter::INFO;

/// The levels at one moment.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) default: LevelFilter,
    /// The longest first: the first with which a target begins is its rule.
    targets: Vec<(Arc<str>, LevelFilter)>,
    /// In the order of their ids.
    tenants: Vec<(TenantId, LevelFilter)>,
    /// The least and the most verbose level of a tenant.
    extremes: Option<(LevelFilter, LevelFilter)>,
}

/// Whether a target is logged at a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Always,
    Never,
    /// It depends on the tenant; `others` is for a tenant without a level, and for none.
    ByTenant {
        others: bool,
    },
}

impl Rules {
    pub(super) fn new(targets: &Targets) -> Self {
        let mut rules = Self {
            default: targets.default_level().unwrap_or(LevelFilter::OFF),
            targets: Vec::new(),
            tenants: Vec::new(),
            extremes: None,
        };
        for (target, level) in targets {
            rules.put_target(target, level);
        }
        rules
    }

    pub(super) fn verdict(&self, metadata: &Metadata<'_>) -> Verdict {
        let (target, level) = (metadata.target(), metadata.level());
        let (rule, tenants_count) = self.level_for(target);
        let others = *level <= rule;
        match self.extremes {
            Some((least, most))
                if tenants_count && [least, most].iter().any(|of| (level <= of) != others) =>
            {
                Verdict::ByTenant { others }
            }
            _ if others => Verdict::Always,
            _ => Verdict::Never,
        }
    }

    /// The level of this tenant, if it has one. Never allocates.
    pub(super) fn level_of(&self, tenant: &TenantId) -> Option<LevelFilter> {
        let at = self.place_of(tenant).ok()?;
        Some(self.tenants[at].1)
    }

    /// The most verbose level at which anything may be logged.
    pub(super) fn max(&self) -> LevelFilter {
        let targets = self.targets.iter().map(|(_, level)| *level);
        let categories = CATEGORIES.iter().map(|target| self.level_for(target).0);
        let tenants = self.extremes.map(|(_, most)| most);
        let all = targets.chain(categories).chain(tenants);
        all.fold(self.default, LevelFilter::max)
    }

    pub(super) fn targets(&self) -> Targets {
        let targets = self.targets.iter();
        Targets::new()
            .with_targets(targets.map(|(target, level)| (&**target, *level)))
            .with_default(self.default)
    }

    pub(super) fn tenants(&self) -> &[(TenantId, LevelFilter)] {
        &self.tenants
    }

    pub(super) fn set_target(
        &mut self,
        target: &str,
        level: LevelFilter,
    ) -> Result<(), LevelsError> {
        self.put_target(target, level);
        self.bounded()
    }

    pub(super) fn set_targets(&mut self, new: Self) -> Result<(), LevelsError> {
        (self.default, self.targets) = (new.default, new.targets);
        self.bounded()
    }

    pub(super) fn clear_target(&mut self, target: &str) {
        self.targets.retain(|(known, _)| **known != *target);
    }

    pub(super) fn set_tenant(
        &mut self,
        tenant: &TenantId,
        level: LevelFilter,
    ) -> Result<(), LevelsError> {
        match self.place_of(tenant) {
            Ok(at) => self.tenants[at].1 = level,
            Err(_) if self.tenants.len() >= Levels::MAX_TENANTS => {
                return Err(LevelsError::too_many_tenants());
            }
            Err(at) => self.tenants.insert(at, (tenant.clone(), level)),
        }
        self.find_extremes();
        Ok(())
    }

    pub(super) fn clear_tenant(&mut self, tenant: &TenantId) {
        if let Ok(at) = self.place_of(tenant) {
            self.tenants.remove(at);
            self.find_extremes();
        }
    }

    /// The level of a target, and whether that of a tenant counts in its place.
    fn level_for(&self, target: &str) -> (LevelFilter, bool) {
        if CATEGORIES.contains(&target) {
            let rule = self.exact(target).or_else(|| self.exact("otelier"));
            let level = rule.unwrap_or(self.default.max(CATEGORIES_FROM));
            return (level, false);
        }
        let mut rules = self.targets.iter();
        let rule = rules.find(|(rule, _)| target.starts_with(&**rule));
        match rule {
            Some((_, LevelFilter::OFF)) => (LevelFilter::OFF, false),
            rule => (
                rule.map_or(self.default, |(_, level)| *level),
                target != OPENTELEMETRY,
            ),
        }
    }

    fn exact(&self, target: &str) -> Option<LevelFilter> {
        let mut rules = self.targets.iter();
        let (_, level) = rules.find(|(rule, _)| **rule == *target)?;
        Some(*level)
    }

    fn put_target(&mut self, target: &str, level: LevelFilter) {
        let place = self
            .targets
            .binary_search_by_key(&(Reverse(target.len()), target), |(rule, _)| {
                (Reverse(rule.len()), rule)
            });
        match place {
            Ok(at) => self.targets[at].1 = level,
            Err(at) => self.targets.insert(at, (target.into(), level)),
        }
    }

    fn bounded(&self) -> Result<(), LevelsError> {
        if self.targets.len() > Levels::MAX_TARGETS {
            return Err(LevelsError::too_many_targets());
        }
        Ok(())
    }

    fn place_of(&self, tenant: &TenantId) -> Result<usize, usize> {
        self.tenants
            .binary_search_by(|(known, _)| known.as_str().cmp(tenant.as_str()))
    }

    fn find_extremes(&mut self) {
        let levels = || self.tenants.iter().map(|(_, level)| *level);
        self.extremes = levels().min().zip(levels().max());
    }
}
