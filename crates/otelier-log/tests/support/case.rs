//! Any event anywhere: how it is logged, and what its line is to say.

use std::sync::Arc;

use opentelemetry::Context;
use otelier_context::{ContextExt as _, FieldValue, RequestContext};
use otelier_log::{JsonLayer, JsonLayerBuilder};
use serde_json::{Map, Value as Json};
use tracing::{Level, Span};

use super::any::{Any, Held};
use super::dynamic;
use super::naming::Naming;

pub(crate) type Fields = Vec<(&'static str, Any)>;

/// From the outermost on: a span's fields, and what is recorded in it later for which of them.
pub(crate) type Spans = Vec<(Fields, Vec<(usize, Any)>)>;

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) level: Level,
    pub(crate) event: Fields,
    pub(crate) spans: Spans,
    /// With the fields that were set on it.
    pub(crate) request: Option<Arc<RequestContext>>,
    pub(crate) statics: Vec<(&'static str, FieldValue)>,
}

/// What is left of fields of equal keys: the key, the name and the value.
type Ranked = Vec<(String, &'static str, Any)>;

impl Case {
    /// A layer that writes such lines.
    pub(crate) fn builder(&self, naming: &Naming) -> JsonLayerBuilder {
        let builder = JsonLayer::builder().keys(naming.keys.clone());
        let statics = self.statics.iter().cloned();
        statics.fold(builder, |builder, (key, value)| builder.field(key, value))
    }

    /// Logs the event under its spans.
    pub(crate) fn log(&self) {
        let cx = Context::new();
        let _guard = match &self.request {
            Some(request) => cx.with_request(Arc::clone(request)),
            None => cx,
        }
        .attach();
        let entered: Vec<_> = self
            .spans
            .iter()
            .map(|(fields, records)| {
                let span = with_values(fields, dynamic::span);
                for (i, any) in records.iter().filter(|_| !fields.is_empty()) {
                    record(&span, fields[i % fields.len()].0, any);
                }
                span.entered()
            })
            .collect();
        with_values(&self.event, |fields| {
            dynamic::event(self.level, "t", fields);
        });
        entered.into_iter().rev().for_each(drop);
    }

    pub(crate) fn message(&self) -> Option<String> {
        let message = self.event.iter().find(|(name, _)| *name == "message")?;
        Some(message.1.message())
    }

    /// The fields of the line by key.
    pub(crate) fn fields(&self, naming: &Naming) -> Map<String, Json> {
        let ranked = self.ranked(naming).into_iter();
        ranked.map(|(key, _, any)| (key, any.json())).collect()
    }

    /// The same fields by the keys of an OTLP record.
    pub(crate) fn attributes(&self, naming: &Naming) -> Map<String, Json> {
        let otlp = Naming::new(otelier_log::Preset::Otelier);
        let ranked = self.ranked(naming).into_iter();
        ranked
            .map(|(_, name, any)| {
                let value = match any {
                    // OTLP's integers are signed.
                    Any::U64(value) if i64::try_from(value).is_err() => value.to_string().into(),
                    any => any.json(),
                };
                (otlp.key(name), value)
            })
            .collect()
    }

    /// The event's fields count most, then those of the inner span, of the outer ones, of the request,
    /// and of all lines.
    fn ranked(&self, naming: &Naming) -> Ranked {
        let mut event = self.event.clone();
        if let Some(i) = event.iter().position(|(name, _)| *name == "message") {
            event.remove(i);
        }
        let set = self.request.as_ref().map(|request| request.fields());
        let plain = |(name, value): &(&'static str, FieldValue)| (*name, Any::from(value));
        let mut all = Ranked::new();
        add(&mut all, naming, event);
        for span in self.spans.iter().rev() {
            let span = of_span(naming, span);
            add(&mut all, naming, span);
        }
        add(
            &mut all,
            naming,
            set.iter().flat_map(|set| set.iter()).map(plain),
        );
        add(&mut all, naming, self.statics.iter().map(plain));
        all
    }
}

fn of_span(naming: &Naming, (fields, records): &(Fields, Vec<(usize, Any)>)) -> Fields {
    let mut span = Ranked::new();
    add(&mut span, naming, fields.clone());
    for (i, any) in records.iter().filter(|_| !fields.is_empty()) {
        let name = fields[i % fields.len()].0;
        let key = naming.key(name);
        let field = span.iter_mut().find(|(other, ..)| *other == key);
        let field = field.expect("it was declared");
        (field.1, field.2) = (name, any.clone());
    }
    span.into_iter().map(|(_, name, any)| (name, any)).collect()
}

fn add(all: &mut Ranked, naming: &Naming, fields: impl IntoIterator<Item = (&'static str, Any)>) {
    for (name, any) in fields {
        let key = naming.key(name);
        if all.iter().all(|(other, ..)| *other != key) {
            all.push((key, name, any));
        }
    }
}

fn with_values<R>(fields: &Fields, run: impl FnOnce(&dynamic::Fields<'_>) -> R) -> R {
    let held: Vec<_> = fields.iter().map(|(_, any)| any.held()).collect();
    let values: Vec<_> = held.iter().map(Held::value).collect();
    let names = fields.iter().map(|(name, _)| *name);
    run(&names
        .zip(values.iter().map(|value| &**value))
        .collect::<Vec<_>>())
}

fn record(span: &Span, name: &'static str, any: &Any) {
    span.record(name, &*any.held().value());
}

/// A line without what is its own: the fields alone.
pub(crate) fn fields_of(line: &Map<String, Json>, naming: &Naming) -> Map<String, Json> {
    let fields = match &naming.nest {
        Some(nest) => line[nest].as_object().cloned().unwrap_or_default(),
        None => line.clone(),
    };
    let own = naming.own();
    let is_field = |key: &String| !own.contains(key);
    fields
        .into_iter()
        .filter(|(key, _)| is_field(key))
        .collect()
}
