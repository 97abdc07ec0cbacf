use std::sync::{Arc, OnceLock};

use tracing_core::dispatcher::WeakDispatch;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Subscriber};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::access::AccessLog;
use crate::builder::JsonLayerBuilder;
use crate::foreign::isolated;
use crate::ids::{Ids, Source, may_read_context};
use crate::levels::Levels;
use crate::output::{Destination, Output};
use crate::scratch;
use crate::span::{Encoded, Owner};
use crate::stats::Stats;
use crate::visit;

/// A `tracing` layer that writes each event as one line, and hands it to OpenTelemetry's logs if it
/// has a logger.
///
/// The line carries the ids of the trace, the request, the tenant and the user of the current
/// OpenTelemetry context, and the fields of the event and of the spans around it. For an event with an
/// explicit parent the ids are that span's; one with `parent: None` has none.
///
/// The layer passes all events on that reach it: give it a filter, as in the example of the crate.
#[derive(Debug)]
pub struct JsonLayer {
    output: Arc<Output>,
    /// Through it the ids of an explicit parent are found.
    dispatch: OnceLock<WeakDispatch>,
}

impl JsonLayer {
    /// Settings of a layer; by default it writes JSON to stdout.
    pub fn builder() -> JsonLayerBuilder {
        JsonLayerBuilder::new()
    }

    /// The observer that writes a line for each request to where this layer writes, if `levels` let
    /// the target `otelier::access` through at the line's level when the request ends.
    pub fn access_log(&self, levels: Levels) -> AccessLog {
        AccessLog::new(Arc::clone(&self.output), levels)
    }

    /// What became of the lines of this layer and of its access logs.
    pub fn stats(&self) -> Stats {
        self.output.stats.clone()
    }

    pub(crate) fn new(output: Output) -> Self {
        let output = Arc::new(output);
        if let Destination::Queue(queue) = &output.destination {
            queue.report_through(&output);
        }
        Self {
            output,
            dispatch: OnceLock::new(),
        }
    }

    /// A span's own ids if tracing-opentelemetry knows them, else those current when it was made.
    fn ids_of<S>(&self, span: &Id, cx: &Context<'_, S>) -> Ids
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let dispatch = self.dispatch.get().and_then(WeakDispatch::upgrade);
        // It panics for a span that does not exist; another thread may close it meanwhile.
        let known = dispatch
            .filter(|_| cx.exists(span))
            .and_then(|dispatch| isolated(|| get_otel_context(span, &dispatch)).flatten());
        match known {
            Some(known) => Ids::of(&known),
            None => self.made_ids(span, cx),
        }
    }

    fn made_ids<S>(&self, span: &Id, cx: &Context<'_, S>) -> Ids
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        cx.span(span)
            .and_then(|span| {
                let extensions = span.extensions();
                let encoded = extensions.get::<Encoded>()?;
                Some(encoded.get(self.owner())?.ids.clone())
            })
            .unwrap_or_default()
    }

    /// What tells this layer's fields of a span from another layer's.
    fn owner(&self) -> Owner {
        self.output.schema.id
    }
}

impl<S> Layer<S> for JsonLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        // Only the first counts: a layer is part of one subscriber.
        let _ = self.dispatch.set(subscriber.downgrade());
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        let ids = match attributes.parent() {
            Some(parent) => self.made_ids(parent, &cx),
            None if attributes.is_root() => Ids::default(),
            None if !may_read_context(attributes.metadata()) => Ids::default(),
            None => Ids::current(),
        };
        let schema = &self.output.schema;
        // The values' own code runs before the extensions are locked: it may log.
        scratch::with(|line| {
            line.start_span(schema.layout, self.output.typed());
            let callsite = schema.callsite(attributes.metadata());
            visit::span(attributes, line, callsite);
            self.output.stats.shadowed(line.shadowed);
            let mut extensions = span.extensions_mut();
            match extensions.get_mut::<Encoded>() {
                None => extensions.insert(Encoded::new(self.owner(), ids, line)),
                // Another layer of this type was first.
                Some(encoded) => encoded.add(self.owner(), ids, line),
            }
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        let schema = &self.output.schema;
        scratch::with(|line| {
            line.start_span(schema.layout, self.output.typed());
            let callsite = schema.callsite(span.metadata());
            visit::record(values, line, callsite);
            let mut extensions = span.extensions_mut();
            let encoded = extensions.get_mut::<Encoded>();
            if let Some(fields) = encoded.and_then(|encoded| encoded.get_mut(self.owner())) {
                fields.merge(line);
            }
        });
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let ids = match event.parent() {
            Some(parent) => Source::Known(self.ids_of(parent, &cx)),
            None if event.is_root() => Source::Known(Ids::default()),
            None => Source::Current,
        };
        let schema = &self.output.schema;
        self.output.log(event.metadata(), ids, |line, callsite| {
            visit::event(event, line, schema, callsite);
            // One look-up a span: a scope looks the first one up twice.
            let mut span = cx.event_span(event);
            while let Some(current) = &span {
                if let Some(encoded) = current.extensions().get::<Encoded>()
                    && let Some(fields) = encoded.get(self.owner())
                {
                    line.copy(fields);
                }
                span = current.parent();
            }
        });
    }
}
