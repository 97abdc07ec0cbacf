//! Events and spans made of a run's bytes. `tracing` wants their metadata and names for ever, so they are
//! leaked, and freed after the run: a fuzzer would soon have no memory left.

use std::cell::RefCell;

use tracing::field::{FieldSet, Value};
use tracing::metadata::Kind;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Span};
use tracing_core::callsite::Callsite;
use tracing_core::identify_callsite;

pub(crate) type Fields<'a> = [(&'static str, &'a dyn Value)];

pub(crate) fn event(level: Level, target: &'static str, fields: &Fields<'_>) {
    let metadata = metadata(Kind::EVENT, level, target, fields);
    let values: Vec<_> = fields.iter().map(|(_, value)| Some(*value)).collect();
    Event::dispatch(metadata, &metadata.fields().value_set_all(&values));
}

pub(crate) fn span(fields: &Fields<'_>) -> Span {
    let metadata = metadata(Kind::SPAN, Level::INFO, "dynamic", fields);
    let values: Vec<_> = fields.iter().map(|(_, value)| Some(*value)).collect();
    Span::new(metadata, &metadata.fields().value_set_all(&values))
}

/// A text that lives until [`free`].
pub(crate) fn keep(text: String) -> &'static str {
    leak(text.into_boxed_str())
}

/// Frees what was leaked in a run.
///
/// # Safety
///
/// No case, layer or subscriber of the run is left.
pub(crate) unsafe fn free() {
    LEAKED.take().into_iter().for_each(|free| free());
}

thread_local!(static LEAKED: RefCell<Vec<Box<dyn FnOnce()>>> = const { RefCell::new(Vec::new()) });

fn leak<T: ?Sized + 'static>(value: Box<T>) -> &'static T {
    let place = Box::into_raw(value);
    // SAFETY: it comes from a box, and nobody but `free`, after the last use, takes it back.
    LEAKED.with_borrow_mut(|leaked| {
        leaked.push(Box::new(move || drop(unsafe { Box::from_raw(place) })))
    });
    unsafe { &*place }
}

struct Site;

impl Callsite for Site {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        unreachable!("it is never registered")
    }
}

fn metadata(
    kind: Kind,
    level: Level,
    target: &'static str,
    fields: &Fields<'_>,
) -> &'static Metadata<'static> {
    static SITE: Site = Site;
    let names: Box<[_]> = fields.iter().map(|(name, _)| *name).collect();
    let fields = FieldSet::new(leak(names), identify_callsite!(&SITE));
    let metadata = Metadata::new("dynamic", target, level, None, None, None, fields, kind);
    leak(Box::new(metadata))
}
