use std::sync::atomic::{AtomicUsize, Ordering};

/// A stripe reserves one part in this many ahead of its lines: all of them together far less than
/// [`Room::filling`].
const AHEAD: usize = 512;

/// Bytes of all lines queued or in the sink's hands, and what stripes have reserved ahead.
pub(super) struct Room {
    used: AtomicUsize,
    limit: usize,
    /// What lines that are not vital may use of `limit`.
    common: usize,
}

/// Bytes reserved ahead, so that most lines need not touch what all threads share. They are never
/// from the reserve.
#[derive(Default)]
pub(super) struct Credit(usize);

impl Room {
    pub(super) fn new(limit: usize, reserve: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            limit,
            common: limit.saturating_sub(reserve),
        }
    }

    /// Whether there was room for `cost` bytes, which are then taken; a line that is vital may use the
    /// reserve.
    pub(super) fn take(&self, is_vital: bool, cost: usize, credit: &mut Credit) -> bool {
        if let Some(left) = credit.0.checked_sub(cost) {
            credit.0 = left;
            return true;
        }
        let need = cost - credit.0;
        let ahead = self.common / AHEAD;
        if self.add(need.saturating_add(ahead), self.common) {
            credit.0 = ahead;
            return true;
        }
        let limit = if is_vital { self.limit } else { self.common };
        let taken = self.add(need, limit);
        if taken {
            credit.0 = 0;
        }
        taken
    }

    pub(super) fn free(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// As much as the thread had better not let gather.
    pub(super) fn filling(&self) -> usize {
        (self.common / 16).max(1)
    }

    /// Whether half of what all lines may use is free.
    pub(super) fn is_ample(&self) -> bool {
        self.used() <= self.common / 2
    }

    fn add(&self, bytes: usize, limit: usize) -> bool {
        let add = |used: usize| used.checked_add(bytes).filter(|used| *used <= limit);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_ahead_never_exceeds_the_bound_nor_eats_the_reserve() {
        let room = Room::new(10_240, 5_120);
        let mut credits: [Credit; 3] = Default::default();
        let fill = |is_vital, credits: &mut [Credit; 3]| {
            let lines = (0..1_000).filter(|n| room.take(is_vital, 25, &mut credits[n % 3]));
            25 * lines.count()
        };
        let common = fill(false, &mut credits);
        assert!(room.used() <= 5_120 && common >= 5_000, "{common}");
        let reserve = fill(true, &mut credits);
        assert!(room.used() <= 10_240 && common + reserve >= 10_160);
        assert_eq!(fill(false, &mut credits), 0);
    }
}
