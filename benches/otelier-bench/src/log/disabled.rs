//! An event below the level that its subscriber lets through.

use otelier_log::JsonLayer;
use tracing::{Dispatch, Level, dispatcher};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::bench::{Batch, Case, Result, Subject};
use crate::line::{self, Field, NullWriter};

pub(super) const CASE: Case = Case {
    name: "disabled-event",
    ops: 500_000,
    subjects: || {
        Ok(vec![
            Box::new(Disabled {
                name: "otelier",
                subscriber: || {
                    let layer = JsonLayer::builder().writer(|| NullWriter).build();
                    let layer = layer.with_filter(filter());
                    tracing_subscriber::registry().with(layer).into()
                },
                // `user_id` is reserved for the request's user.
                fields: Some([
                    ("/field.user_id", "42"),
                    ("/cache", "true"),
                    ("/shard", "a7"),
                ]),
            }),
            Box::new(Disabled {
                name: "tracing-subscriber-json",
                subscriber: || {
                    let layer = tracing_subscriber::fmt::layer()
                        .json()
                        .with_writer(|| NullWriter)
                        .with_filter(filter());
                    tracing_subscriber::registry().with(layer).into()
                },
                fields: Some([
                    ("/fields/user_id", "42"),
                    ("/fields/cache", "true"),
                    ("/fields/shard", "a7"),
                ]),
            }),
            Box::new(Disabled {
                name: "registry",
                subscriber: || {
                    tracing_subscriber::registry()
                        .with(LevelFilter::INFO)
                        .into()
                },
                fields: None,
            }),
        ])
    },
};

/// The one that `otelier_log::Settings` gives if the environment says nothing.
fn filter() -> Targets {
    Targets::new().with_default(LevelFilter::INFO)
}

struct Disabled {
    name: &'static str,
    subscriber: fn() -> Dispatch,
    /// Where the line of the same event at INFO has the fields; `None` if there is no line.
    fields: Option<[Field<'static>; 3]>,
}

macro_rules! event {
    ($level:ident) => {
        tracing::event!(
            Level::$level,
            user_id = 42_u64,
            cache = true,
            shard = "a7",
            "loaded"
        )
    };
}

impl Subject for Disabled {
    fn name(&self) -> &'static str {
        self.name
    }

    fn check(&mut self) -> Result {
        let written = line::capture(|| {
            dispatcher::with_default(&(self.subscriber)(), || {
                if !tracing::enabled!(Level::INFO) || tracing::enabled!(Level::DEBUG) {
                    return Err("the level is not INFO".into());
                }
                event!(INFO);
                event!(DEBUG);
                Ok(())
            })
        })?;
        line::check_if_any(&written, self.fields)
    }

    fn batch(&mut self, batch: &mut Batch) -> Result {
        let subscriber = (self.subscriber)();
        line::expect_count(0, || {
            dispatcher::with_default(&subscriber, || batch.measure(|| event!(DEBUG)));
        })
    }
}
