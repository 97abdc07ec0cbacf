//! Where spans go: through a batch processor to nowhere, counted, and kept while a check looks at them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanExporter,
};

use crate::bench::Result;

/// A tracer provider with the SDK's batch processor and an exporter to nowhere.
pub(crate) struct Spans {
    pub(crate) provider: SdkTracerProvider,
    exported: Arc<Exported>,
    sampled: bool,
}

impl Spans {
    pub(crate) fn new(sampled: bool) -> Self {
        let exported = Arc::<Exported>::default();
        let exporter = NullExporter(Arc::clone(&exported));
        let sampler = if sampled {
            Sampler::AlwaysOn
        } else {
            Sampler::AlwaysOff
        };
        Self {
            provider: SdkTracerProvider::builder()
                .with_span_processor(BatchSpanProcessor::builder(exporter).build())
                .with_sampler(sampler)
                .build(),
            exported,
            sampled,
        }
    }

    pub(crate) fn tracer(&self) -> SdkTracer {
        self.provider.tracer("otelier-bench")
    }

    /// Runs `work`, which has to end `ended` spans, and waits until all that were sampled are exported.
    pub(crate) fn expect_count(&self, ended: u64, work: impl FnOnce() -> Result) -> Result {
        let before = self.exported.count.load(Ordering::Acquire);
        work()?;
        self.provider.force_flush()?;
        let expected = if self.sampled { ended } else { 0 };
        match self.exported.count.load(Ordering::Acquire) - before {
            exported if exported == expected => Ok(()),
            exported => Err(format!("{exported} of {expected} spans were exported").into()),
        }
    }

    /// Runs `work` as the end of one span of this name and attributes, if it is sampled.
    pub(crate) fn check(
        &self,
        name: &str,
        attributes: &[(&str, &str)],
        work: impl FnOnce() -> Result,
    ) -> Result {
        *self.exported.lock() = Some(Vec::new());
        let result = self.expect_count(1, work);
        let kept = self.exported.lock().take();
        result?;
        for span in kept.iter().flatten() {
            if span.name != name {
                return Err(format!("the span is {:?}, not {name:?}", span.name).into());
            }
            for (key, expected) in attributes {
                let found = span.attributes.iter().find(|kv| kv.key.as_str() == *key);
                if found.is_none_or(|kv| kv.value.as_str() != *expected) {
                    return Err(format!(
                        "span attribute {key} is not {expected:?}: {:?}",
                        span.attributes
                    )
                    .into());
                }
            }
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Exported {
    count: AtomicU64,
    kept: Mutex<Option<Vec<SpanData>>>,
}

impl Exported {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Vec<SpanData>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct NullExporter(Arc<Exported>);

impl SpanExporter for NullExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0
            .count
            .fetch_add(batch.len() as u64, Ordering::Release);
        if let Some(kept) = self.0.lock().as_mut() {
            kept.extend(batch);
        }
        Ok(())
    }
}
