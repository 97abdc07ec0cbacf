use std::fmt::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::check::{CheckState, Status};

/// The body of a probe's answer.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) status: Status,
    pub(crate) output: Option<&'a str>,
    pub(crate) checks: Vec<CheckState>,
}

impl Report<'_> {
    /// The status alone.
    pub(crate) fn new(passes: bool) -> Self {
        Self {
            status: Status::of(passes),
            output: None,
            checks: vec![],
        }
    }

    /// `application/health+json` (draft-inadarei-api-health-check-06, sections 3 and 4).
    pub(crate) fn json(&self) -> String {
        let mut body = format!(r#"{{"status":"{}""#, self.status);
        if let Some(output) = self.output {
            push(&mut body, format_args!(r#","output":{}"#, Json(output)));
        }
        let mut before = r#","checks":{"#;
        for check in &self.checks {
            push(
                &mut body,
                format_args!(
                    r#"{before}{}:[{{"status":"{}""#,
                    Json(check.name()),
                    check.status()
                ),
            );
            if let Some(time) = check.time() {
                push(&mut body, format_args!(r#","time":"{}""#, Rfc3339(time)));
            }
            if let Some(output) = check.output() {
                push(&mut body, format_args!(r#","output":{}"#, Json(output)));
            }
            body.push_str("}]");
            before = ",";
        }
        body.push_str(if self.checks.is_empty() { "}" } else { "}}" });
        body
    }

    /// One line for the whole, then one a check.
    pub(crate) fn text(&self) -> String {
        let line = |status: Status, words: &mut dyn Iterator<Item = &str>| {
            words.fold(status.to_string(), |line, word| line + " " + word) + "\n"
        };
        let mut body = line(self.status, &mut self.output.into_iter());
        for check in &self.checks {
            let mut words = [check.name()].into_iter().chain(check.output());
            body += &line(check.status(), &mut words);
        }
        body
    }
}

fn push(body: &mut String, text: fmt::Arguments<'_>) {
    body.write_fmt(text).expect("a String takes any text");
}

/// A string of RFC 8259, quotes included.
struct Json<'a>(&'a str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\0'..='\x1f' => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// UTC to the second, within 1970 and 9999.
struct Rfc3339(SystemTime);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LAST: u64 = 253_402_300_799; // 9999-12-31T23:59:59Z
        let seconds = self.0.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let seconds = seconds.min(LAST);
        let (year, month, day) = civil(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

/// Year, month and day of a day since 1970 (`civil_from_days` in Howard Hinnant's "chrono-Compatible
/// Low-Level Date Algorithms"; years begin in March, so that a leap day is a year's last).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_is_rfc_3339() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (u64::MAX >> 2, "9999-12-31T23:59:59Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(Rfc3339(time).to_string(), expected);
        }
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(Rfc3339(before).to_string(), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn any_text_is_a_json_string() {
        let text: String = (0..=0x2100).filter_map(char::from_u32).collect();
        let parsed: String = serde_json::from_str(&Json(&text).to_string()).unwrap();
        assert_eq!(parsed, text);
    }
}
