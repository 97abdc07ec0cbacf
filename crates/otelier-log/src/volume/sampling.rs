use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::TraceId;

use super::InvalidVolume;

/// The bits of a trace id that are random by W3C Trace Context, level 2.
const RANDOM_BITS: u32 = 56;

/// Keeps a share of the traces, with all of their lines.
///
/// It decides by the random part of the trace id, as OpenTelemetry's consistent probability sampling
/// does: what keeps a share of traces by the same rule, in another process too, keeps the same ones,
/// and a larger share keeps all that a smaller one does. Who chooses trace ids chooses what is kept.
///
/// ```
/// use otelier_log::Sampling;
///
/// let all = Sampling::new(1.0)?;
/// assert!(all.keeps(None));
/// assert!(Sampling::new(1.5).is_err());
/// # Ok::<(), otelier_log::InvalidVolume>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// What is random and below it is dropped.
    threshold: u64,
}

impl Sampling {
    /// Keeps this share, from 0.0 for nothing to 1.0 for all.
    ///
    /// # Errors
    ///
    /// If it is beyond these, or no number.
    pub fn new(share: f64) -> Result<Self, InvalidVolume> {
        if !(0.0..=1.0).contains(&share) {
            return Err(InvalidVolume("invalid share: it must be from 0.0 to 1.0"));
        }
        let all = (1_u64 << RANDOM_BITS) as f64;
        Ok(Self {
            threshold: ((1.0 - share) * all).round() as u64,
        })
    }

    /// Whether the lines of this trace are kept. Of lines without a trace, or with an invalid one, it
    /// keeps the same share.
    pub fn keeps(&self, trace_id: Option<TraceId>) -> bool {
        let trace_id = trace_id.filter(|id| *id != TraceId::INVALID);
        trace_id.map_or_else(next_random, random_part) >= self.threshold
    }
}

fn random_part(trace_id: TraceId) -> u64 {
    let [.., a, b, c, d, e, f, g] = trace_id.to_bytes();
    u64::from_be_bytes([0, a, b, c, d, e, f, g])
}

/// Steps of the golden ratio: any number of them in a row is spread evenly.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

static THREADS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    // Each thread starts elsewhere, or threads of one line each would all be kept or all be dropped.
    static LAST: Cell<u64> = Cell::new(THREADS.fetch_add(STEP, Ordering::Relaxed));
}

fn next_random() -> u64 {
    let next = LAST.get().wrapping_add(STEP);
    LAST.set(next);
    next >> (u64::BITS - RANDOM_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(share: f64, ids: impl Iterator<Item = Option<TraceId>>) -> usize {
        let sampling = Sampling::new(share).unwrap();
        ids.filter(|id| sampling.keeps(*id)).count()
    }

    /// Some bits below 56 from a good mix, as the ids of traces have.
    fn traces(count: u64) -> impl Iterator<Item = Option<TraceId>> {
        (1..=count).map(|n| {
            let low = n.wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(31);
            Some(TraceId::from(u128::from(low.wrapping_mul(STEP)) << 8 >> 8))
        })
    }

    #[test]
    fn a_share_beyond_0_to_1_is_refused() {
        for share in [-0.1, 1.000_001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Sampling::new(share).is_err(), "{share}");
        }
        let error = Sampling::new(2.0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid share: it must be from 0.0 to 1.0"
        );
    }

    #[test]
    fn nothing_and_all_are_exact() {
        let edges = [1, (1 << 56) - 1, 1 << 56, u128::MAX, u128::MAX << 56];
        for edge in edges.map(|id| Some(TraceId::from(id))) {
            assert_eq!(
                (kept(0.0, [edge].into_iter()), kept(1.0, [edge].into_iter())),
                (0, 1)
            );
        }
        assert_eq!(kept(0.0, std::iter::repeat_n(None, 1_000)), 0);
        assert_eq!(kept(1.0, std::iter::repeat_n(None, 1_000)), 1_000);
    }

    #[test]
    fn the_decision_is_opentelemetry_s_a_random_part_at_or_above_the_threshold() {
        let half = Sampling::new(0.5).unwrap();
        // The upper 72 bits do not count.
        let keeps = |id: u128| half.keeps(Some(TraceId::from(id)));
        assert!(keeps(0x0080_0000_0000_0000) && keeps((0xab << 120) | 0x0080_0000_0000_0000));
        assert!(!keeps(0x007f_ffff_ffff_ffff) && !keeps((0xff << 56) | 0x007f_ffff_ffff_ffff));
    }

    #[test]
    fn a_larger_share_keeps_what_a_smaller_one_does() {
        let (few, many) = (Sampling::new(0.1).unwrap(), Sampling::new(0.3).unwrap());
        assert!(traces(10_000).all(|id| !few.keeps(id) || many.keeps(id)));
    }

    #[test]
    fn the_share_of_traces_holds() {
        for share in [0.01, 0.1, 0.5, 0.9] {
            let kept = kept(share, traces(100_000)) as f64 / 100_000.0;
            assert!((kept - share).abs() < 0.005, "{kept} of {share}");
        }
    }

    #[test]
    fn the_share_of_lines_without_a_trace_holds_on_one_thread_and_on_threads_of_one_line() {
        let none = || std::iter::repeat_n(None, 10_000);
        for share in [0.01, 0.25, 0.9] {
            let kept = kept(share, none()) as f64 / 10_000.0;
            assert!((kept - share).abs() < 0.002, "{kept} of {share}");
        }
        let one_line = || std::thread::spawn(|| kept(0.5, [None].into_iter()));
        let kept: usize = (0..100).map(|_| one_line().join().unwrap()).sum();
        assert!((40..=60).contains(&kept), "{kept} of 100");
        let invalid = std::iter::repeat_n(Some(TraceId::INVALID), 1_000);
        let kept = invalid
            .filter(|id| Sampling::new(0.5).unwrap().keeps(*id))
            .count();
        assert!((490..=510).contains(&kept), "{kept} of 1,000");
    }
}
