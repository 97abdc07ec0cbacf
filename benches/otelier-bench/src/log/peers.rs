//! Other JSON layers. Request id and tenant are span fields, as they have nowhere else to take them from.

use tracing::{Dispatch, dispatcher, info_span};
use tracing_subscriber::prelude::*;

use super::{EVENT_FIELDS, LOAD_FIELDS, REQUEST_FIELDS, REQUEST_ID, TENANT_ID, emit};
use crate::bench::{Batch, Result, Subject};
use crate::line::{self, NullWriter};

pub(super) fn subjects() -> [Box<dyn Subject>; 3] {
    [
        Box::new(JsonLayer {
            name: "tracing-subscriber-json",
            subscriber: || {
                let layer = tracing_subscriber::fmt::layer()
                    .json()
                    .with_writer(|| NullWriter);
                tracing_subscriber::registry().with(layer).into()
            },
            places: Places::NESTED,
            line_len: None,
        }),
        Box::new(JsonLayer {
            name: "json-subscriber-flat",
            subscriber: || {
                let layer = json_subscriber::layer()
                    .flatten_event(true)
                    .with_current_span(false)
                    .with_span_list(false)
                    .flatten_span_list_on_top_level(true)
                    .with_writer(|| NullWriter);
                tracing_subscriber::registry().with(layer).into()
            },
            places: Places::FLAT,
            line_len: None,
        }),
        Box::new(JsonLayer {
            name: "json-subscriber",
            subscriber: || {
                let layer = json_subscriber::layer().with_writer(|| NullWriter);
                tracing_subscriber::registry().with(layer).into()
            },
            places: Places::NESTED,
            line_len: None,
        }),
    ]
}

struct JsonLayer {
    name: &'static str,
    subscriber: fn() -> Dispatch,
    places: Places,
    line_len: Option<usize>,
}

/// JSON pointers of the objects that hold the fields.
pub(super) struct Places {
    event: &'static str,
    outer_span: &'static str,
    inner_span: &'static str,
}

impl Places {
    const FLAT: Self = Self {
        event: "",
        outer_span: "",
        inner_span: "",
    };
    pub(super) const NESTED: Self = Self {
        event: "/fields",
        outer_span: "/spans/0",
        inner_span: "/spans/1",
    };

    pub(super) fn check(&self, written: &[u8]) -> Result {
        for (place, fields) in [
            (self.event, &EVENT_FIELDS[..]),
            (self.outer_span, &REQUEST_FIELDS),
            (self.inner_span, &LOAD_FIELDS),
        ] {
            for (key, value) in fields {
                line::check(written, [(format!("{place}/{key}").as_str(), *value)])?;
            }
        }
        Ok(())
    }
}

impl Subject for JsonLayer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn check(&mut self) -> Result {
        let written = line::capture(|| self.batch(&mut Batch::single()))?;
        self.line_len = Some(written.len());
        self.places.check(&written)
    }

    fn batch(&mut self, batch: &mut Batch) -> Result {
        let subscriber = (self.subscriber)();
        line::expect_count(batch.calls(), || {
            in_spans(&subscriber, || batch.measure(emit));
        })
    }

    fn bytes(&self) -> Option<usize> {
        self.line_len
    }
}

/// Runs `work` in a request with this subscriber.
pub(super) fn in_spans(subscriber: &Dispatch, work: impl FnOnce()) {
    dispatcher::with_default(subscriber, || {
        let _request = info_span!(
            "http.request",
            method = "GET",
            route = "/users/{id}",
            request_id = REQUEST_ID,
            tenant_id = TENANT_ID
        )
        .entered();
        let _load = info_span!("load_user", user_id = 42_u64, cache = true).entered();
        work();
    });
}
