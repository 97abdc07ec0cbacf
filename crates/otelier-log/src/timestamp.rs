use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Writes RFC 3339 timestamps in UTC with microseconds; a second's text is made once.
#[derive(Debug, Default)]
pub(crate) struct Timestamps {
    second: Option<i64>,
    /// `2026-01-02T03:04:05.000000Z`
    text: [u8; Timestamps::LEN],
}

/// The numbers below 100 in two digits.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

const DAY: i64 = 86_400;
/// `0000-01-01T00:00:00Z` and `9999-12-31T23:59:59Z`, the ends of RFC 3339's range.
const FIRST: i64 = -62_167_219_200;
const LAST: i64 = 253_402_300_799;

impl Timestamps {
    /// The length of a timestamp in bytes.
    pub(crate) const LEN: usize = 27;

    /// A time outside the years 0000 to 9999 becomes the nearest second inside.
    pub(crate) fn render(&mut self, time: SystemTime) -> [u8; Self::LEN] {
        let (second, micros) = since_epoch(time);
        if self.second != Some(second) {
            self.text = text(second);
            self.second = Some(second);
        }
        let mut out = self.text;
        let micros = micros as usize;
        for (at, two) in [
            (20, micros / 10_000),
            (22, micros / 100 % 100),
            (24, micros % 100),
        ] {
            out[at..at + 2].copy_from_slice(&PAIRS[two % 100]);
        }
        out
    }
}

fn since_epoch(time: SystemTime) -> (i64, u32) {
    let seconds = |d: Duration| i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
    let (second, nanos) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (seconds(after), after.subsec_nanos()),
        Err(error) => {
            let before = error.duration();
            match before.subsec_nanos() {
                0 => (-seconds(before), 0),
                nanos => ((-seconds(before)).saturating_sub(1), 1_000_000_000 - nanos),
            }
        }
    };
    (second.clamp(FIRST, LAST), nanos / 1_000)
}

fn text(second: i64) -> [u8; Timestamps::LEN] {
    let (year, month, day) = date(second.div_euclid(DAY));
    let of_day = second.rem_euclid(DAY);
    let mut out = *b"0000-00-00T00:00:00.000000Z";
    digits(&mut out[0..4], year);
    digits(&mut out[5..7], month);
    digits(&mut out[8..10], day);
    digits(&mut out[11..13], of_day / 3_600);
    digits(&mut out[14..16], of_day / 60 % 60);
    digits(&mut out[17..19], of_day % 60);
    out
}

/// Year, month and day in the Gregorian calendar, in years that begin in March so that the leap day
/// is the last: 146,097 days make 400 years.
fn date(days_since_epoch: i64) -> (i64, i64, i64) {
    let days = days_since_epoch + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

fn digits(out: &mut [u8], mut value: i64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(time: SystemTime) -> String {
        String::from_utf8(Timestamps::default().render(time).to_vec()).unwrap()
    }

    fn at(seconds: i64, nanos: u32) -> SystemTime {
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let base = if seconds < 0 {
            UNIX_EPOCH - whole
        } else {
            UNIX_EPOCH + whole
        };
        base + Duration::from_nanos(nanos.into())
    }

    #[test]
    fn known_times_are_written_in_full() {
        for (seconds, nanos, expected) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, 999_999_999, "2000-02-29T00:00:00.999999Z"),
            (1_709_251_199, 1_000, "2024-02-29T23:59:59.000001Z"),
            (4_107_542_399, 0, "2100-02-28T23:59:59.000000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000Z"),
            (-1, 250_000_000, "1969-12-31T23:59:59.250000Z"),
            (-2_208_988_800, 0, "1900-01-01T00:00:00.000000Z"),
            (FIRST, 0, "0000-01-01T00:00:00.000000Z"),
            (LAST, 0, "9999-12-31T23:59:59.000000Z"),
        ] {
            assert_eq!(rendered(at(seconds, nanos)), expected);
        }
    }

    #[test]
    fn times_out_of_range_are_clamped() {
        let far = Duration::from_secs(1 << 60);
        assert!(rendered(UNIX_EPOCH + far).starts_with("9999-12-31T23:59:59"));
        assert!(rendered(UNIX_EPOCH - far).starts_with("0000-01-01T00:00:00"));
        assert!(rendered(at(LAST + 1, 0)).starts_with("9999-12-31T23:59:59"));
    }

    #[test]
    fn the_cached_second_changes_with_the_clock_in_both_directions() {
        let mut timestamps = Timestamps::default();
        for second in [10, 10, 11, 3, 10] {
            let text = timestamps.render(at(second, 5_000));
            let expected = format!("1970-01-01T00:00:{second:02}.000005Z");
            assert_eq!(text, expected.as_bytes());
        }
    }

    #[test]
    fn each_day_of_four_centuries_follows_the_one_before() {
        let mut previous = date(-146_097);
        for day in -146_096..146_097 {
            let (y, m, d) = date(day);
            let (py, pm, pd) = previous;
            let leap = py % 4 == 0 && (py % 100 != 0 || py % 400 == 0);
            let length = [
                31,
                if leap { 29 } else { 28 },
                31,
                30,
                31,
                30,
                31,
                31,
                30,
                31,
                30,
                31,
            ];
            let expected = match (pm, pd) {
                (12, 31) => (py + 1, 1, 1),
                (_, d) if d == length[pm as usize - 1] => (py, pm + 1, 1),
                _ => (py, pm, pd + 1),
            };
            assert_eq!((y, m, d), expected);
            previous = (y, m, d);
        }
        assert_eq!(date(0), (1970, 1, 1));
    }
}
