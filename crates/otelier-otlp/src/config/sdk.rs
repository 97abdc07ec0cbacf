use std::time::Duration;

use opentelemetry_sdk::trace::{Sampler, SpanLimits};

use super::env::Env;
use crate::Signal;

/// How a batch processor queues and sends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) delay: Duration,
    pub(crate) timeout: Duration,
    pub(crate) queue: usize,
    pub(crate) size: usize,
}

impl Batch {
    /// The SDK takes the memory of a whole queue at the start.
    const MAX_QUEUE: u32 = 1_000_000;

    /// Reads `OTEL_BSP_*` or `OTEL_BLRP_*`.
    pub(crate) fn from_env(env: &mut Env<'_>, signal: Signal) -> Self {
        let (prefix, default_delay) = match signal {
            Signal::Traces => ("OTEL_BSP", 5_000),
            Signal::Logs => ("OTEL_BLRP", 1_000),
        };
        let name = |key: &str| [format!("{prefix}_{key}")];
        let queue = env.number(&name("MAX_QUEUE_SIZE"), 1..=Self::MAX_QUEUE, 2_048);
        Self {
            delay: env.millis(&name("SCHEDULE_DELAY"), default_delay),
            timeout: env.millis(&name("EXPORT_TIMEOUT"), 30_000),
            queue: queue as usize,
            size: env.number(&name("MAX_EXPORT_BATCH_SIZE"), 1..=queue, queue.min(512)) as usize,
        }
    }
}

/// Reads `OTEL_TRACES_SAMPLER` and its argument.
pub(crate) fn sampler(env: &mut Env<'_>) -> Sampler {
    #[derive(Clone, Copy)]
    enum Root {
        On,
        Off,
        Ratio,
    }
    let (by_parent, root) = env.choice(
        &["OTEL_TRACES_SAMPLER"],
        [
            ("parentbased_always_on", (true, Root::On)),
            ("parentbased_always_off", (true, Root::Off)),
            ("parentbased_traceidratio", (true, Root::Ratio)),
            ("always_on", (false, Root::On)),
            ("always_off", (false, Root::Off)),
            ("traceidratio", (false, Root::Ratio)),
        ],
    );
    let root = match root {
        Root::On => Sampler::AlwaysOn,
        Root::Off => Sampler::AlwaysOff,
        Root::Ratio => Sampler::TraceIdRatioBased(ratio(env)),
    };
    if by_parent {
        Sampler::ParentBased(Box::new(root))
    } else {
        root
    }
}

fn ratio(env: &mut Env<'_>) -> f64 {
    let name = ["OTEL_TRACES_SAMPLER_ARG"];
    let read = |text: &str| {
        text.parse()
            .ok()
            .filter(|ratio| (0.0..=1.0).contains(ratio))
    };
    env.read(&name, "a number from 0 to 1", "1.0", read)
        .map_or(1.0, |(_, ratio)| ratio)
}

/// The limits of a span; the SDK has none for the length of an attribute's value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) counts: SpanLimits,
    /// Characters of a string.
    pub(crate) value_length: Option<usize>,
}

impl Limits {
    pub(crate) fn from_env(env: &mut Env<'_>) -> Self {
        let mut count = |names: &[&str]| env.number(names, 0..=u32::MAX, 128);
        let counts = SpanLimits {
            max_attributes_per_span: count(&[
                "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
                "OTEL_ATTRIBUTE_COUNT_LIMIT",
            ]),
            max_events_per_span: count(&["OTEL_SPAN_EVENT_COUNT_LIMIT"]),
            max_links_per_span: count(&["OTEL_SPAN_LINK_COUNT_LIMIT"]),
            max_attributes_per_event: count(&[
                "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
                "OTEL_ATTRIBUTE_COUNT_LIMIT",
            ]),
            max_attributes_per_link: count(&[
                "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
                "OTEL_ATTRIBUTE_COUNT_LIMIT",
            ]),
        };
        let names = [
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        ];
        let read = |text: &str| text.parse().ok();
        let length = env.read(&names, "a number of characters", "no limit", read);
        Self {
            counts,
            value_length: length.map(|(_, length)| length),
        }
    }
}
