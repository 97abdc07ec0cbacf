use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::value::floor;
use crate::{FieldValue, RequestContext};

const CUT: &str = "…";

/// The fields of a request as they were when they were read, in the order in which they were first set.
///
/// It is a slice of keys and values that differ in their keys. A write to the request does not change it,
/// and what reads it holds no lock.
#[derive(Clone, Default)]
pub struct Fields(Option<Arc<Vec<(&'static str, FieldValue)>>>);

impl Deref for Fields {
    type Target = [(&'static str, FieldValue)];

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().map_or(&[], |fields| fields)
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.iter().map(|(key, value)| (key, value));
        f.debug_map().entries(fields).finish()
    }
}

/// What became of a field that was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Whole,
    Cut,
    Refused,
}

impl Fields {
    /// Sets a field within the bounds of a [`RequestContext`].
    pub(crate) fn put(&mut self, key: &'static str, value: FieldValue) -> Taken {
        let mut room = RequestContext::MAX_FIELD_BYTES;
        let mut place = None;
        for (index, (other, value)) in self.iter().enumerate() {
            if *other == key {
                place = Some(index);
            } else {
                room -= other.len() + value.text_len();
            }
        }
        let full = place.is_none() && self.len() == RequestContext::MAX_FIELDS;
        let Some(room) = room.checked_sub(key.len()).filter(|_| !full) else {
            return Taken::Refused;
        };
        let (value, taken) = match value {
            FieldValue::Str(text) if text.len() > room => {
                let Some(room) = room.checked_sub(CUT.len()) else {
                    return Taken::Refused;
                };
                let text = [floor(&text, room), CUT].concat();
                (FieldValue::Str(text.into()), Taken::Cut)
            }
            value => (value, Taken::Whole),
        };
        // Copied only while someone still reads an earlier state.
        let fields = Arc::make_mut(self.0.get_or_insert_default());
        match place {
            Some(index) => fields[index].1 = value,
            None => fields.push((key, value)),
        }
        taken
    }
}

/// The fields of a request that runs. Nothing runs under its lock but what is in this crate.
#[derive(Default)]
pub(crate) struct Shared(Mutex<Fields>);

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Fields> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read(&self) -> Fields {
        self.lock().clone()
    }
}

/// Unlike a mutex's own, it does not hold the lock while it writes: the writer may log.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fmt::Write as _;
    use proptest::prelude::*;

    #[test]
    fn a_poisoned_lock_is_survived() {
        let shared = Shared::default();
        std::thread::scope(|scope| {
            let poisoner = scope.spawn(|| {
                let _fields = shared.lock();
                panic!("under the lock");
            });
            poisoner.join().unwrap_err();
        });
        assert_eq!(shared.lock().put("a", 1.into()), Taken::Whole);
        assert_eq!(shared.read().len(), 1);
    }

    /// What it writes, it also sets, as a writer that logs may do.
    struct Logging<'a>(&'a Shared);

    impl fmt::Write for Logging<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let mut fields = self.0.0.try_lock().map_err(|_| fmt::Error)?;
            fields.put("written", text.into());
            Ok(())
        }
    }

    #[test]
    fn no_writer_runs_under_the_lock() {
        let shared = Shared::default();
        shared.lock().put("a", 1.into());
        write!(Logging(&shared), "{shared:?}").unwrap();
        assert_eq!(shared.read().len(), 2);
    }

    const KEYS: [&str; 6] = ["", "a", "b", "step", "cart.size", "order_id"];

    proptest! {
        #[test]
        fn no_writes_break_the_bounds(
            writes in prop::collection::vec((0..KEYS.len(), "\\PC{0,1500}"), 0..20),
        ) {
            let mut fields = Fields::default();
            for (key, text) in writes {
                let before = fields.clone();
                let taken = fields.put(KEYS[key], text.as_str().into());
                let find = |fields: &Fields| {
                    let mut found = fields.iter().filter(|(other, _)| *other == KEYS[key]);
                    let value = found.next().map(|(_, value)| value.clone());
                    assert!(found.next().is_none(), "no key twice");
                    value
                };
                match (taken, find(&fields)) {
                    (Taken::Whole, found) => prop_assert_eq!(found, Some(text.into())),
                    (Taken::Cut, Some(FieldValue::Str(cut))) => {
                        prop_assert!(text.starts_with(cut.strip_suffix(CUT).unwrap()));
                    }
                    (Taken::Cut, other) => prop_assert!(false, "{other:?}"),
                    (Taken::Refused, found) => prop_assert_eq!(found, find(&before)),
                }
                let bytes = |(key, value): &(&str, FieldValue)| key.len() + value.text_len();
                let bytes: usize = fields.iter().map(bytes).sum();
                prop_assert!(bytes <= RequestContext::MAX_FIELD_BYTES);
            }
        }
    }
}
