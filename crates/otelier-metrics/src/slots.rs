use std::fmt;
use std::sync::OnceLock;

/// A small append-only cache: values found by a comparison, without a lock, a hash or an allocation.
///
/// Once its `N` places are taken it remembers nothing more, and the caller makes the value each time.
pub struct Slots<K, V, const N: usize> {
    slots: Box<[OnceLock<(K, V)>; N]>,
}

impl<K: PartialEq, V: Clone, const N: usize> Slots<K, V, N> {
    /// The value whose key is `key`, if it is remembered.
    pub fn get(&self, is_key: impl Fn(&K) -> bool) -> Option<V> {
        let mut taken = self.slots.iter().map_while(OnceLock::get);
        let (_, value) = taken.find(|(key, _)| is_key(key))?;
        Some(value.clone())
    }

    /// Whether all places are taken.
    pub fn is_full(&self) -> bool {
        self.slots.last().is_none_or(|slot| slot.get().is_some())
    }

    /// The value whose key is `key`; made, and remembered if there is room, if it is new.
    pub fn get_or_insert_with(
        &self,
        is_key: impl Fn(&K) -> bool,
        make: impl FnOnce() -> (K, V),
    ) -> V {
        if let Some(value) = self.get(is_key) {
            return value;
        }
        let (key, value) = make();
        let kept = value.clone();
        let mut entry = Some((key, kept));
        for slot in self.slots.iter() {
            let Some(new) = entry.take() else { break };
            match slot.set(new) {
                Ok(()) => break,
                // Another thread took this place, perhaps for the same key.
                Err(lost) if slot.get().is_some_and(|(key, _)| *key == lost.0) => break,
                Err(lost) => entry = Some(lost),
            }
        }
        value
    }
}

impl<K, V, const N: usize> Default for Slots<K, V, N> {
    fn default() -> Self {
        Self {
            slots: Box::new([const { OnceLock::new() }; N]),
        }
    }
}

impl<K, V, const N: usize> fmt::Debug for Slots<K, V, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let taken = self.slots.iter().filter(|slot| slot.get().is_some());
        write!(f, "Slots({} of {N})", taken.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_while_there_is_room() {
        let slots = Slots::<u8, u8, 2>::default();
        let mut made = 0;
        for key in [1, 2, 3, 1, 2, 3, 3] {
            let value = slots.get_or_insert_with(
                |other| *other == key,
                || {
                    made += 1;
                    (key, key * 10)
                },
            );
            assert_eq!(value, key * 10);
        }
        assert_eq!(made, 2 + 3);
    }

    #[test]
    fn threads_agree() {
        let slots = Slots::<u8, u8, 8>::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for key in (0..8).cycle().take(1_000) {
                        let value = slots.get_or_insert_with(|other| *other == key, || (key, key));
                        assert_eq!(value, key);
                    }
                });
            }
        });
        assert_eq!(format!("{slots:?}"), "Slots(8 of 8)");
    }
}
