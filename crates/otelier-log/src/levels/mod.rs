mod error;
mod list;
mod rules;

use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use opentelemetry::Context;
use otelier_context::{ContextExt as _, TenantId};
use tracing_core::callsite::rebuild_interest_cache;
use tracing_core::{Interest, Metadata};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer;

pub use error::LevelsError;
pub(crate) use list::parse;

use crate::ids::context_lives;
use rules::{Rules, Verdict};

/// Which events and spans a layer sees; the levels can be changed while it logs.
///
/// It is a [`Filter`](layer::Filter) for a layer, and a handle: clones share their levels. A rule for a
/// target counts for all targets that begin with it, the longest rule first; what no rule names has the
/// default level.
///
/// - **Tenants:** where the current OpenTelemetry context is of a tenant that has a level, that level
///   counts, for all targets but those whose rule is `off`.
/// - **Categories:** `otelier::security`, `otelier::audit`, `otelier::performance` and `otelier::alert`
///   pass from INFO on, whatever the default or the tenant's level is; only a rule for exactly that
///   target, or for `otelier`, changes it.
///
/// Events and spans are let through without a lock or an allocation; where no tenant's level matters,
/// each place in the code remembers the answer. A change costs time for each of those places.
///
/// `tracing` asks the subscriber of the thread that makes a change: with one that is no global default,
/// make it on a thread that has it.
///
/// ```
/// use otelier_log::{JsonLayer, Levels};
/// use tracing_subscriber::filter::LevelFilter;
/// use tracing_subscriber::prelude::*;
///
/// let levels: Levels = "info,hyper=warn".parse()?;
/// let log = JsonLayer::builder().build().with_filter(levels.clone());
/// let _subscriber = tracing_subscriber::registry().with(log).set_default();
///
/// levels.set_target("db::pool", LevelFilter::DEBUG)?;
/// levels.set_tenant(&"acme".parse()?, LevelFilter::TRACE)?;
/// levels.reset(); // info,hyper=warn
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Levels(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    rules: ArcSwap<Rules>,
    initial: Arc<Rules>,
    /// Whether `tracing` may remember something of them.
    in_use: AtomicBool,
}

/// One change at a time in the whole process: of two, the one that `tracing` learns last might have
/// been overtaken by the other.
static CHANGES: Mutex<()> = Mutex::new(());

impl Levels {
    /// So many targets can have a rule.
    pub const MAX_TARGETS: usize = 1_000;

    /// So many tenants can have a level.
    pub const MAX_TENANTS: usize = 1_000;

    /// Starts with these rules, however many they are. Field names in them are ignored.
    ///
    /// What they do not name is off if they have no default.
    pub fn new(targets: Targets) -> Self {
        let initial = Arc::new(Rules::new(&targets));
        Self(Arc::new(Shared {
            rules: ArcSwap::new(Arc::clone(&initial)),
            initial,
            in_use: AtomicBool::new(false),
        }))
    }

    /// The level of what no rule names.
    pub fn set_default(&self, level: LevelFilter) {
        self.change(|rules| rules.default = level);
    }

    /// The level of targets that begin with this one.
    ///
    /// # Errors
    ///
    /// If [`MAX_TARGETS`](Self::MAX_TARGETS) others have a rule, or if it is no target: 1 to 256
    /// characters of `A-Z a-z 0-9 _ : - .`
    pub fn set_target(&self, target: &str, level: LevelFilter) -> Result<(), LevelsError> {
        list::check_target(target)?;
        self.try_change(|rules| rules.set_target(target, level))
    }

    /// Takes the rule for exactly this target away.
    pub fn clear_target(&self, target: &str) {
        self.change(|rules| rules.clear_target(target));
    }

    /// Replaces the default and the rules for targets, as [`new`](Self::new) reads them. Tenants keep
    /// their levels.
    ///
    /// # Errors
    ///
    /// If there are more than [`MAX_TARGETS`](Self::MAX_TARGETS).
    pub fn set_targets(&self, targets: Targets) -> Result<(), LevelsError> {
        let new = Rules::new(&targets);
        self.try_change(|rules| rules.set_targets(new))
    }

    /// [`set_targets`](Self::set_targets) from a list such as `info,my_crate::db=debug`, read like the
    /// variable `OTELIER_LOG`: what it does not name is logged from INFO on.
    ///
    /// # Errors
    ///
    /// If it cannot be read or has more than [`MAX_TARGETS`](Self::MAX_TARGETS) rules; nothing changes.
    pub fn parse_set(&self, list: &str) -> Result<(), LevelsError> {
        self.set_targets(parse(list)?)
    }

    /// The level of what runs for this tenant, more or less verbose than that of others.
    ///
    /// # Errors
    ///
    /// If [`MAX_TENANTS`](Self::MAX_TENANTS) others have one.
    pub fn set_tenant(&self, tenant: &TenantId, level: LevelFilter) -> Result<(), LevelsError> {
        self.try_change(|rules| rules.set_tenant(tenant, level))
    }

    /// Takes this tenant's level away.
    pub fn clear_tenant(&self, tenant: &TenantId) {
        self.change(|rules| rules.clear_tenant(tenant));
    }

    /// Goes back to the rules it was made with; no tenant has a level.
    pub fn reset(&self) {
        self.change(|rules| rules.clone_from(&self.0.initial));
    }

    /// The default and the rules for targets, now. As text they are a list that
    /// [`parse_set`](Self::parse_set) reads.
    pub fn targets(&self) -> Targets {
        self.0.rules.load().targets()
    }

    /// The tenants that have a level, now, in alphabetical order.
    pub fn tenants(&self) -> Vec<(TenantId, LevelFilter)> {
        self.0.rules.load().tenants().to_vec()
    }

    /// Whether a line with this metadata is written, here and now.
    pub(crate) fn enables(&self, metadata: &Metadata<'_>) -> bool {
        let rules = self.0.rules.load();
        match rules.verdict(metadata) {
            Verdict::Always => true,
            Verdict::Never => false,
            Verdict::ByTenant { others } => {
                current_tenants(&rules).map_or(others, |level| *metadata.level() <= level)
            }
        }
    }

    /// For an answer that `tracing` keeps: from now on it is told of changes.
    fn to_remember(&self) -> Guard<Arc<Rules>> {
        self.0.in_use.store(true, Ordering::SeqCst);
        self.0.rules.load()
    }

    fn change(&self, change: impl FnOnce(&mut Rules)) {
        let Ok(()) = self.try_change(|rules| {
            change(rules);
            Ok::<_, std::convert::Infallible>(())
        });
    }

    fn try_change<E>(&self, change: impl FnOnce(&mut Rules) -> Result<(), E>) -> Result<(), E> {
        let _alone = CHANGES.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rules = Rules::clone(&self.0.rules.load());
        change(&mut rules)?;
        self.0.rules.store(Arc::new(rules));
        // Before, it would only harm the subscriber of another thread, if this one has none yet.
        if self.0.in_use.load(Ordering::SeqCst) {
            rebuild_interest_cache();
        }
        Ok(())
    }
}

impl<S> layer::Filter<S> for Levels {
    fn enabled(&self, metadata: &Metadata<'_>, _: &layer::Context<'_, S>) -> bool {
        self.enables(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match self.to_remember().verdict(metadata) {
            Verdict::Always => Interest::always(),
            Verdict::Never => Interest::never(),
            Verdict::ByTenant { .. } => Interest::sometimes(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.to_remember().max())
    }
}

/// Reads a list as [`Levels::parse_set`] does.
impl FromStr for Levels {
    type Err = LevelsError;

    fn from_str(list: &str) -> Result<Self, LevelsError> {
        parse(list).map(Self::new)
    }
}

/// The level of the tenant for whom this thread works.
fn current_tenants(rules: &Rules) -> Option<LevelFilter> {
    if !context_lives() {
        return None;
    }
    Context::map_current(|cx| rules.level_of(cx.request()?.tenant()?))
}
