use std::sync::Arc;

use otelier_metrics::{Histogram, Slots};

use super::{GrpcServerMetrics, GrpcStatus};
use crate::classify::ErrorType;
use crate::semconv::OTHER;

/// How many methods a layer learns, besides those that were declared.
const MAX_LEARNED: usize = 256;
/// The longest name that is learned, in bytes.
const MAX_NAME: usize = 256;

/// The methods that a layer knows: any other is `_OTHER`, since a client can call it what it likes.
#[derive(Debug)]
pub(super) struct Methods {
    declared: Vec<Arc<Method>>,
    learned: Slots<Arc<str>, Arc<Method>, MAX_LEARNED>,
    other: Arc<Method>,
}

impl Methods {
    pub(super) fn declare(&mut self, names: impl IntoIterator<Item = impl AsRef<str>>) {
        let names = names.into_iter();
        self.declared
            .extend(names.map(|name| Method::known(name.as_ref())));
        self.declared
            .sort_by(|one, other| one.name.cmp(&other.name));
    }

    pub(super) fn find(&self, name: &str) -> Arc<Method> {
        let place = self
            .declared
            .binary_search_by(|method| (*method.name).cmp(name));
        match place {
            Ok(place) => Arc::clone(&self.declared[place]),
            Err(_) => {
                let learned = self.learned.get(|other| **other == *name);
                learned.unwrap_or_else(|| Arc::clone(&self.other))
            }
        }
    }

    /// Knows this method from now on, if there is room and it looks like one.
    pub(super) fn learn(&self, name: &str) {
        let is_method = name.len() <= MAX_NAME
            && name.split_once('/').is_some_and(|(service, method)| {
                !service.is_empty() && !method.is_empty() && !method.contains('/')
            });
        if is_method && !self.learned.is_full() {
            let make = || {
                let method = Method::known(name);
                (Arc::clone(&method.name), method)
            };
            self.learned
                .get_or_insert_with(|other| **other == *name, make);
        }
    }
}

impl Default for Methods {
    fn default() -> Self {
        Self {
            declared: Vec::new(),
            learned: Slots::default(),
            other: Method::other(),
        }
    }
}

/// A method and the handles of its calls.
#[derive(Debug)]
pub(crate) struct Method {
    name: Arc<str>,
    is_known: bool,
    duration: Slots<(GrpcStatus, Option<ErrorType>), Histogram, 20>,
}

impl Method {
    /// `package.Service/Method`, or `_OTHER`.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    pub(super) fn other() -> Arc<Self> {
        Self::new(OTHER, false)
    }

    pub(super) fn duration(
        &self,
        metrics: &GrpcServerMetrics,
        status: GrpcStatus,
        error_type: Option<ErrorType>,
    ) -> Histogram {
        let key = (status, error_type);
        let make = || {
            (
                key,
                metrics.handle(Arc::clone(&self.name), status, error_type),
            )
        };
        self.duration
            .get_or_insert_with(|other| *other == key, make)
    }

    fn known(name: &str) -> Arc<Self> {
        Self::new(name.trim_start_matches('/'), true)
    }

    fn new(name: &str, is_known: bool) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            is_known,
            duration: Slots::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_method_is_known_with_and_without_its_slash() {
        let mut methods = Methods::default();
        methods.declare(["shop.Orders/Put", "/shop.Orders/Get"]);
        for name in ["shop.Orders/Get", "shop.Orders/Put"] {
            assert!(methods.find(name).is_known(), "{name}");
        }
        assert_eq!(&**methods.find("shop.Orders/Drop").name(), "_OTHER");
    }

    #[test]
    fn what_is_learned_is_bounded_and_stays_known() {
        let methods = Methods::default();
        for number in 0..10_000 {
            methods.learn(&format!("shop.Orders/M{number}"));
        }
        let known = (0..10_000).filter(|n| methods.find(&format!("shop.Orders/M{n}")).is_known());
        assert_eq!(
            known.collect::<Vec<_>>(),
            (0..MAX_LEARNED).collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_is_no_method_is_not_learned() {
        let methods = Methods::default();
        let long = format!("shop.Orders/{}", "x".repeat(MAX_NAME));
        for name in ["", "/", "a", "a/", "/a", "a/b/c", &long] {
            methods.learn(name);
            assert!(!methods.find(name).is_known(), "{name}");
        }
    }
}
