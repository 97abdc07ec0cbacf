//! Events and spans whose names are not known when the test is compiled. Their metadata is leaked.

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

/// An event of the fields at these places of its callsite's, in this order, which no macro would make.
pub(crate) fn event_of<const N: usize>(fields: &Fields<'_>, places: [usize; N]) {
    let metadata = metadata(Kind::EVENT, Level::INFO, "dynamic", fields);
    let names: Vec<_> = metadata.fields().iter().collect();
    let values = places.map(|place| (&names[place], Some(fields[place].1)));
    Event::dispatch(metadata, &metadata.fields().value_set(&values));
}

pub(crate) fn span(fields: &Fields<'_>) -> Span {
    let metadata = metadata(Kind::SPAN, Level::INFO, "dynamic", fields);
    let values: Vec<_> = fields.iter().map(|(_, value)| Some(*value)).collect();
    Span::new(metadata, &metadata.fields().value_set_all(&values))
}

pub(crate) fn metadata_of(level: Level, target: &'static str) -> &'static Metadata<'static> {
    metadata(Kind::EVENT, level, target, &[])
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
    // A field remembers its callsite by address, so each set needs one that takes up room.
    static SITE: Site = Site;
    let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
    let fields = FieldSet::new(names.leak(), identify_callsite!(&SITE));
    Box::leak(Box::new(Metadata::new(
        "dynamic", target, level, None, None, None, fields, kind,
    )))
}
