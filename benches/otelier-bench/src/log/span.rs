//! A span with three fields, from its making to its close, and no event inside.

use otelier_log::JsonLayer;
use tracing::{Dispatch, dispatcher, info, info_span};
use tracing_subscriber::prelude::*;

use crate::bench::{Batch, Case, Result, Subject};
use crate::line::{self, Field, NullWriter};

pub(super) const CASE: Case = Case {
    name: "span-open-close",
    ops: 5_000,
    subjects: || {
        Ok(vec![
            Box::new(OpenClose {
                name: "otelier",
                subscriber: || {
                    let layer = JsonLayer::builder().writer(|| NullWriter).build();
                    tracing_subscriber::registry().with(layer).into()
                },
                // `user_id` is reserved for the request's user.
                fields: Some([
                    ("/field.user_id", "42"),
                    ("/cache", "true"),
                    ("/shard", "a7"),
                ]),
            }),
            Box::new(OpenClose {
                name: "json-subscriber",
                subscriber: || {
                    let layer = json_subscriber::layer().with_writer(|| NullWriter);
                    tracing_subscriber::registry().with(layer).into()
                },
                fields: Some([
                    ("/span/user_id", "42"),
                    ("/span/cache", "true"),
                    ("/span/shard", "a7"),
                ]),
            }),
            Box::new(OpenClose {
                name: "registry",
                subscriber: || tracing_subscriber::registry().into(),
                fields: None,
            }),
        ])
    },
};

struct OpenClose {
    name: &'static str,
    subscriber: fn() -> Dispatch,
    /// Where the line of an event inside has the span's fields; `None` if there is no line.
    fields: Option<[Field<'static>; 3]>,
}

impl Subject for OpenClose {
    fn name(&self) -> &'static str {
        self.name
    }

    fn check(&mut self) -> Result {
        let written = line::capture(|| {
            dispatcher::with_default(&(self.subscriber)(), || {
                let span = load_user();
                if span.is_disabled() {
                    return Err("the span is disabled".into());
                }
                span.in_scope(|| info!("loaded"));
                Ok(())
            })
        })?;
        line::check_if_any(&written, self.fields)
    }

    fn batch(&mut self, batch: &mut Batch) -> Result {
        let subscriber = (self.subscriber)();
        line::expect_count(0, || {
            dispatcher::with_default(&subscriber, || {
                batch.measure(|| drop(load_user().entered()));
            });
        })
    }
}

fn load_user() -> tracing::Span {
    info_span!("load_user", user_id = 42_u64, cache = true, shard = "a7")
}
