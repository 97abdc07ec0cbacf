//! How much of what is logged is written.

mod rate_limit;
mod sampling;

use std::fmt;
use std::time::Instant;

use opentelemetry::TraceId;
use tracing_core::Level;

use crate::schema::Callsite;
use crate::stats::DropReason;

pub(crate) use rate_limit::Bucket;
pub use rate_limit::RateLimit;
pub use sampling::Sampling;

/// What an output thins out.
#[derive(Debug, Default)]
pub(crate) struct Volume {
    pub(crate) sampling: Option<Sampling>,
    pub(crate) limit: Option<(RateLimit, Instant)>,
}

impl Volume {
    /// Why a line is not to be written, if it is not.
    pub(crate) fn refuses(
        &self,
        level: Level,
        callsite: &Callsite,
        trace: impl FnOnce() -> Option<TraceId>,
    ) -> Option<DropReason> {
        if let Some(sampling) = &self.sampling
            && callsite.is_sampled
            && level != Level::ERROR
            && !sampling.keeps(trace())
        {
            return Some(DropReason::Sampled);
        }
        if let Some((limit, start)) = &self.limit
            && callsite.is_limited
            && !callsite
                .bucket
                .take(limit, start.elapsed().as_nanos() as u64)
        {
            return Some(DropReason::RateLimited);
        }
        None
    }
}

/// A [`Sampling`] or [`RateLimit`] that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidVolume(&'static str);

impl fmt::Display for InvalidVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidVolume {}
