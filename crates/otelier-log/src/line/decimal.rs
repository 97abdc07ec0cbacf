/// A number of millionths as text, to its last digit that is not 0: `12.5`, `0.000001`, `3.0`.
pub(super) struct Decimal {
    text: [u8; Self::LEN],
    start: usize,
    end: usize,
}

impl Decimal {
    /// A sign, the 14 digits of `u64::MAX` before the point, and six behind it.
    const LEN: usize = 22;
    const POINT: usize = 15;

    pub(super) fn new(is_negative: bool, millionths: u64) -> Self {
        let mut text = [b'0'; Self::LEN];
        text[Self::POINT] = b'.';
        let fraction = (millionths % 1_000_000) as usize;
        for (at, pair) in [fraction / 10_000, fraction / 100 % 100, fraction % 100]
            .into_iter()
            .enumerate()
        {
            let at = Self::POINT + 1 + at * 2;
            text[at] += (pair / 10) as u8;
            text[at + 1] += (pair % 10) as u8;
        }
        let mut end = Self::LEN;
        while end > Self::POINT + 2 && text[end - 1] == b'0' {
            end -= 1;
        }

        let mut start = Self::POINT;
        let mut whole = millionths / 1_000_000;
        loop {
            start -= 1;
            text[start] += (whole % 10) as u8;
            whole /= 10;
            if whole == 0 {
                break;
            }
        }
        if is_negative {
            start -= 1;
            text[start] = b'-';
        }
        Self { text, start, end }
    }

    /// The value, if it is some millionths below 10¹⁵, which most measured values are: then this is the
    /// shortest text that reads back as the value, since texts of 15 digits are all different numbers.
    pub(super) fn of(value: f64) -> Option<Self> {
        let millionths = (value.abs() * 1e6 + 0.5) as u64;
        let is_exact = millionths < 1_000_000_000_000_000 && millionths as f64 / 1e6 == value.abs();
        is_exact.then(|| Self::new(value.is_sign_negative(), millionths))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.text[self.start..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(decimal: &Decimal) -> &str {
        std::str::from_utf8(decimal.as_bytes()).unwrap()
    }

    #[test]
    fn it_is_exact_and_ends_in_no_needless_zero() {
        for (millionths, expected) in [
            (0, "0.0"),
            (1, "0.000001"),
            (1_000_000, "1.0"),
            (3_749_500, "3.7495"),
            (167_825_999, "167.825999"),
            (u64::MAX, "18446744073709.551615"),
        ] {
            assert_eq!(text(&Decimal::new(false, millionths)), expected);
        }
        assert_eq!(
            text(&Decimal::new(true, u64::MAX)),
            "-18446744073709.551615"
        );
    }

    #[test]
    fn what_it_is_not_exact_for_is_left_to_others() {
        for value in [
            f64::NAN,
            f64::INFINITY,
            1e-7,
            1e9,
            1e300,
            0.1 + 0.2,
            f64::MIN_POSITIVE,
        ] {
            assert!(Decimal::of(value).is_none(), "{value}");
        }
        for (value, expected) in [(-0.0, "-0.0"), (12.5, "12.5"), (0.1, "0.1"), (-2.0, "-2.0")] {
            assert_eq!(Decimal::of(value).as_ref().map(text), Some(expected));
        }
    }

    proptest! {
        #[test]
        fn it_reads_back_as_the_value_and_is_the_shortest(millionths in -1_000_000_000_000_000_i64..1_000_000_000_000_000, any: f64) {
            for value in [millionths as f64 / 1e6, any, any % 1e9, (any % 1e9 * 1e3).round() / 1e3] {
                if let Some(decimal) = Decimal::of(value) {
                    let text = text(&decimal);
                    prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
                    prop_assert_eq!(text, format!("{value:?}").as_str().replace("1e-6", "0.000001"));
                }
            }
        }
    }
}
