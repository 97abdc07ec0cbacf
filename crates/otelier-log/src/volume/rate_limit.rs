use std::sync::atomic::{AtomicU64, Ordering};

use super::InvalidVolume;

const SECOND: u64 = 1_000_000_000;

/// A thread may be held up by less between looking at the clock and taking: only what is further off is
/// a clock that was set back.
const STEP_BACK: u64 = 60 * SECOND;

/// At most so many lines a second, and so many at once after a pause, of each place that logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Nanoseconds that one line costs.
    interval: u64,
    /// Nanoseconds that can be saved up.
    capacity: u64,
}

impl RateLimit {
    /// The highest rate and the highest burst, in lines.
    pub const MAX: u32 = 1_000_000;

    /// Lets `burst` lines through at once, and `per_second` lines a second in the long run.
    ///
    /// # Errors
    ///
    /// If one of them is 0 or above [`MAX`](Self::MAX).
    pub fn new(per_second: u32, burst: u32) -> Result<Self, InvalidVolume> {
        if [per_second, burst]
            .iter()
            .any(|n| !(1..=Self::MAX).contains(n))
        {
            return Err(InvalidVolume(
                "invalid rate limit: rate and burst must be from 1 to 1000000 lines",
            ));
        }
        let interval = SECOND.div_ceil(per_second.into());
        Ok(Self {
            interval,
            capacity: interval * u64::from(burst),
        })
    }
}

/// What is left of a [`RateLimit`]: the generic cell rate algorithm (ITU-T I.371), without a lock.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// When all that was let through is paid for, in nanoseconds.
    paid: AtomicU64,
}

impl Bucket {
    /// A bucket from which nothing was taken.
    pub(crate) const fn new() -> Self {
        Self {
            paid: AtomicU64::new(0),
        }
    }

    /// Whether one more line may pass; `now` is in nanoseconds of a clock that does not step back.
    ///
    /// If it does all the same, by a minute or less, the bucket may stay empty for as long; by more, it
    /// is empty and fills from there on.
    pub(crate) fn take(&self, limit: &RateLimit, now: u64) -> bool {
        let full = now.saturating_add(limit.capacity);
        let mut paid = self.paid.load(Ordering::Relaxed);
        loop {
            let stepped_back = paid > full.saturating_add(STEP_BACK);
            let next = paid.max(now).checked_add(limit.interval);
            let next = match next {
                _ if stepped_back => full,
                Some(next) if next <= full => next,
                _ => return false,
            };
            let swapped =
                self.paid
                    .compare_exchange_weak(paid, next, Ordering::Relaxed, Ordering::Relaxed);
            match swapped {
                Ok(_) => return !stepped_back,
                Err(other) => paid = other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn passed(bucket: &Bucket, limit: &RateLimit, times: impl Iterator<Item = u64>) -> usize {
        times.filter(|now| bucket.take(limit, *now)).count()
    }

    fn each_ms(times: std::ops::Range<u64>) -> impl Iterator<Item = u64> {
        times.map(|ms| ms * MS)
    }

    #[test]
    fn a_rate_or_burst_of_0_or_beyond_the_maximum_is_refused() {
        for (per_second, burst) in [(0, 1), (1, 0), (RateLimit::MAX + 1, 1), (1, u32::MAX)] {
            assert!(RateLimit::new(per_second, burst).is_err());
        }
        assert!(RateLimit::new(RateLimit::MAX, RateLimit::MAX).is_ok());
    }

    #[test]
    fn the_burst_passes_at_once_and_the_rate_afterwards() {
        let (bucket, limit) = (Bucket::new(), RateLimit::new(10, 5).unwrap());
        let start = 3 * SECOND;
        assert_eq!(passed(&bucket, &limit, std::iter::repeat_n(start, 100)), 5);
        assert_eq!(passed(&bucket, &limit, each_ms(3_001..5_001)), 20);
        let after_a_pause = std::iter::repeat_n(100 * SECOND, 100);
        assert_eq!(passed(&bucket, &limit, after_a_pause), 5);
    }

    #[test]
    fn a_rate_that_does_not_divide_a_second_is_not_exceeded() {
        let (bucket, limit) = (Bucket::new(), RateLimit::new(999_999, 1).unwrap());
        assert!(passed(&bucket, &limit, 0..=3 * MS) <= 1 + 2_999);
    }

    #[test]
    fn a_clock_that_steps_back_neither_closes_nor_opens_the_gate() {
        let (bucket, limit) = (Bucket::new(), RateLimit::new(10, 5).unwrap());
        let hour = 3_600_000;
        assert!(passed(&bucket, &limit, each_ms(hour..hour + 1_000)) > 0);
        // An hour back: the bucket is empty, then the rate holds.
        assert_eq!(passed(&bucket, &limit, each_ms(0..10_000)), 99);
        // Half a second back: closed until then, at most.
        let times = each_ms(9_500..11_000);
        assert!((5..=15).contains(&passed(&bucket, &limit, times)));
    }

    #[test]
    fn a_clock_that_jumps_to_and_fro_opens_nothing() {
        let (bucket, limit) = (Bucket::new(), RateLimit::new(10, 5).unwrap());
        let times = (0..1_000).map(|n| if n % 2 == 0 { u64::MAX } else { n });
        assert!(passed(&bucket, &limit, times) <= 5);
        assert!(passed(&bucket, &limit, each_ms(0..1_000)) <= 10);
        assert_eq!(passed(&bucket, &limit, each_ms(1_000..11_000)), 100);
    }

    #[test]
    fn threads_together_pass_no_more_than_burst_and_rate() {
        let (bucket, limit) = (Bucket::new(), RateLimit::new(1_000, 100_000).unwrap());
        let clock = AtomicU64::new(0);
        let take = || {
            let now = |_| clock.fetch_add(1_000, Ordering::Relaxed);
            passed(&bucket, &limit, (0..50_000).map(now))
        };
        let passed: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
            let passed = threads.into_iter().map(|thread| thread.join().unwrap());
            passed.sum()
        });
        let rate = (clock.into_inner() / MS) as usize;
        assert_eq!(rate, 400);
        assert!((100_000..=100_000 + rate).contains(&passed), "{passed}");
    }
}
