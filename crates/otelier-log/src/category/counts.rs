use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_core::{Level, Metadata};

use super::Category;

/// How many combinations of category, name and severity have a counter of their own.
const MAX: usize = 256;

/// The name that counts what came when there was no room.
const OTHER: &str = "_OTHER";

const LEVELS: [Level; 5] = [
    Level::ERROR,
    Level::WARN,
    Level::INFO,
    Level::DEBUG,
    Level::TRACE,
];

/// Counts events of a category: `otelier_log_events_total{category,name,severity}`.
///
/// The first 256 combinations have a counter each; a further event counts as one of the name `_OTHER`
/// of its category and severity. Counting takes no lock and allocates nothing.
#[derive(Debug)]
pub(crate) struct EventCounts {
    slots: Box<[OnceLock<Slot>]>,
    others: [[AtomicU64; LEVELS.len()]; Category::ALL.len()],
}

/// How many events of a category there were, as `otelier_log_events_total{category,name,severity}` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventCount {
    /// `security`, `audit`, `performance` or `alert`.
    pub category: &'static str,
    /// The event's name, or `_OTHER`.
    pub name: &'static str,
    /// `critical`, `warning` or `info` for an alert, else the level in lower case.
    pub severity: &'static str,
    /// How many there were.
    pub count: u64,
}

#[derive(Debug)]
struct Slot {
    key: Key,
    count: AtomicU64,
}

type Key = (Category, &'static str, Level);

impl EventCounts {
    pub(crate) fn count(&self, category: Category, metadata: &Metadata<'_>) {
        let level = match category {
            // An alert has three severities; the macro uses no level below INFO.
            Category::Alert => Level::INFO.min(*metadata.level()),
            _ => *metadata.level(),
        };
        self.counter((category, metadata.name(), level))
            .fetch_add(1, Ordering::Relaxed);
    }

    /// The counters that are not zero, which never go back.
    pub(crate) fn iter(&self) -> impl Iterator<Item = EventCount> + '_ {
        let slots = self.slots.iter().map_while(OnceLock::get);
        let named = slots.map(|slot| (slot.key, &slot.count));
        let others = Category::ALL.into_iter().flat_map(move |category| {
            LEVELS.map(|level| ((category, OTHER, level), self.other(category, level)))
        });
        named.chain(others).filter_map(|(key, count)| {
            let (category, name, level) = key;
            let count = count.load(Ordering::Relaxed);
            (count > 0).then(|| EventCount {
                category: category.as_str(),
                name,
                severity: severity(category, level),
                count,
            })
        })
    }

    fn counter(&self, key: Key) -> &AtomicU64 {
        let (category, name, level) = key;
        if name == OTHER {
            return self.other(category, level);
        }
        self.slots
            .iter()
            .map(|slot| {
                slot.get_or_init(|| Slot {
                    key,
                    count: AtomicU64::new(0),
                })
            })
            .find(|slot| slot.key == key)
            .map_or_else(|| self.other(category, level), |slot| &slot.count)
    }

    fn other(&self, category: Category, level: Level) -> &AtomicU64 {
        let level = LEVELS.iter().position(|other| *other == level);
        &self.others[category as usize][level.unwrap_or(0)]
    }
}

impl Default for EventCounts {
    fn default() -> Self {
        Self {
            slots: (0..MAX).map(|_| OnceLock::new()).collect(),
            others: Default::default(),
        }
    }
}

fn severity(category: Category, level: Level) -> &'static str {
    match (category, level) {
        (Category::Alert, Level::ERROR) => "critical",
        (Category::Alert, Level::WARN) => "warning",
        (_, Level::ERROR) => "error",
        (_, Level::WARN) => "warn",
        (_, Level::INFO) => "info",
        (_, Level::DEBUG) => "debug",
        (_, Level::TRACE) => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::category;
    use std::sync::Arc;
    use tracing::Subscriber;
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

    /// Counts as a layer does.
    #[derive(Clone, Default)]
    struct Counting(Arc<EventCounts>);

    impl<S: Subscriber> Layer<S> for Counting {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            if let Some(category) = category(event.metadata()) {
                self.0.count(category, event.metadata());
            }
        }
    }

    fn counted(work: impl FnOnce()) -> Vec<(&'static str, &'static str, &'static str, u64)> {
        let counting = Counting::default();
        let subscriber = tracing_subscriber::registry().with(counting.clone());
        tracing::subscriber::with_default(subscriber, work);
        read(&counting.0)
    }

    fn read(counts: &EventCounts) -> Vec<(&'static str, &'static str, &'static str, u64)> {
        let of = |of: EventCount| (of.category, of.name, of.severity, of.count);
        counts.iter().map(of).collect()
    }

    #[test]
    fn events_of_a_category_are_counted_by_name_and_severity_and_others_are_not() {
        let counts = counted(|| {
            for _ in 0..3 {
                crate::security!("login_failed", user = "ann");
            }
            crate::security!("login_failed");
            crate::security!(Level::INFO, "login_failed");
            crate::audit!("user_deleted", crate::Outcome::Success);
            crate::audit!("user_deleted", crate::Outcome::PermissionDenied);
            crate::alert!("backlog", critical);
            crate::alert!("backlog", warning);
            crate::alert!("backlog", info);
            tracing::trace!(name: "backlog", target: "otelier::alert", "by hand");
            drop(crate::timed!("load_user").threshold(std::time::Duration::ZERO));
            tracing::warn!(name: "login_failed", target: "otelier::security::more", "no category");
            tracing::warn!("security");
        });
        assert_eq!(
            counts,
            [
                ("security", "login_failed", "warn", 4),
                ("security", "login_failed", "info", 1),
                ("audit", "user_deleted", "info", 1),
                ("audit", "user_deleted", "warn", 1),
                ("alert", "backlog", "critical", 1),
                ("alert", "backlog", "warning", 1),
                ("alert", "backlog", "info", 2),
                ("performance", "load_user", "warn", 1),
            ]
        );
    }

    #[test]
    fn beyond_256_combinations_an_event_counts_as_other_of_its_category_and_severity() {
        let counts = EventCounts::default();
        let key = |n: usize| {
            let name: &'static str = format!("event {n}").leak();
            (Category::Security, name, Level::WARN)
        };
        let count = |key| counts.counter(key).fetch_add(1, Ordering::Relaxed);
        count((Category::Alert, OTHER, Level::ERROR));
        let keys: Vec<_> = (0..258).map(key).collect();
        for key in keys.iter().chain(&keys) {
            count(*key);
        }
        count((Category::Security, OTHER, Level::WARN));
        let read = read(&counts);
        assert!(read[..256].iter().all(|(.., count)| *count == 2));
        assert_eq!(
            read[256..],
            [
                ("security", "_OTHER", "warn", 5),
                ("alert", "_OTHER", "critical", 1),
            ]
        );
    }

    #[test]
    fn threads_that_meet_share_a_counter_and_lose_nothing() {
        let counts = EventCounts::default();
        let names: Vec<&'static str> = (0..32).map(|n| &*n.to_string().leak()).collect();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for name in names.iter().cycle().take(32 * 100) {
                        let counter = counts.counter((Category::Audit, name, Level::INFO));
                        counter.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let read = read(&counts);
        assert_eq!(read.len(), 32);
        assert!(read.iter().all(|(.., count)| *count == 400), "{read:?}");
    }
}
