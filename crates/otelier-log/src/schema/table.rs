use std::sync::OnceLock;

/// As many slots are looked at before the next, larger table.
const WINDOW: usize = 8;

/// Where something lies that lives for ever, and how long it is.
pub(super) type Place = (usize, usize);

/// Values by place: added on first use, never removed, read without a lock. It grows with the number of
/// places, which is bounded by the program's text.
#[derive(Debug)]
pub(super) struct Table<T> {
    slots: Box<[OnceLock<(Place, T)>]>,
    next: OnceLock<Box<Self>>,
}

impl<T> Table<T> {
    /// `slots` is a power of two.
    pub(super) fn new(slots: usize) -> Self {
        Self {
            slots: (0..slots).map(|_| OnceLock::new()).collect(),
            next: OnceLock::new(),
        }
    }

    #[inline]
    pub(super) fn get_or_init(&self, place: Place, make: impl Fn() -> T) -> &T {
        match self.slot(place, 0).get() {
            Some((known, value)) if *known == place => value,
            _ => self.search(place, &make),
        }
    }

    #[cold]
    fn search(&self, place: Place, make: &dyn Fn() -> T) -> &T {
        let mut table = self;
        loop {
            for nth in 0..WINDOW.min(table.slots.len()) {
                // All threads look in one order, so that a place never gets two slots.
                let slot = table.slot(place, nth);
                let (known, value) = slot.get_or_init(|| (place, make()));
                if *known == place {
                    return value;
                }
            }
            let larger = || Box::new(Self::new(table.slots.len() * 2));
            table = table.next.get_or_init(larger);
        }
    }

    #[inline]
    fn slot(&self, (address, len): Place, nth: usize) -> &OnceLock<(Place, T)> {
        // Fibonacci hashing: neighbours go to slots far apart.
        let hash = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let slot = (hash as usize).wrapping_add(len).wrapping_add(nth);
        &self.slots[slot & (self.slots.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn each_place_keeps_its_value_however_many_there_are() {
        let table = Table::new(2);
        for round in 0..2 {
            for place in (0..10_000).map(|n| (n * 8, n % 3)) {
                assert_eq!(*table.get_or_init(place, || (place, round)), (place, 0));
            }
        }
    }

    #[test]
    fn threads_that_come_at_once_make_a_value_once() {
        let table = Table::new(4);
        let made = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for address in 0..500 {
                        let make = || {
                            made.fetch_add(1, Ordering::Relaxed);
                            address
                        };
                        assert_eq!(*table.get_or_init((address, 0), make), address);
                    }
                });
            }
        });
        assert_eq!(made.into_inner(), 500);
    }
}
