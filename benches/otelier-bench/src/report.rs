//! What is printed: a table for people, one JSON object a line for programs.

use serde::Serialize;

use crate::bench::Measurement;

/// Name of the subject whose cost is the work itself, without any telemetry.
const BARE: &str = "bare";
const OTELIER: &str = "otelier";

pub(crate) fn table_header() -> String {
    format!(
        "{:<6} {:<22} {:<34} {:>10} {:>8} {:>10} {:>10}",
        "group", "case", "subject", "ns", "allocs", "over bare", "/ otelier"
    )
}

/// One row a subject. `over bare` is its time less that of `bare`; `/ otelier` is its cost as a
/// multiple of otelier's: over bare where there is one, else of the whole operation.
pub(crate) fn table_rows(group: &str, case: &str, measurements: &[Measurement]) -> Vec<String> {
    let ns_of = |name| {
        measurements
            .iter()
            .find(|m| m.subject == name)
            .map(|m| m.ns)
    };
    let bare = ns_of(BARE);
    let cost = |ns: f64| ns - bare.unwrap_or(0.0);
    let otelier = ns_of(OTELIER).map(cost);
    measurements
        .iter()
        .map(|m| {
            let over_bare = bare.filter(|_| m.subject != BARE).map(|bare| m.ns - bare);
            let ratio = otelier
                .filter(|_| m.subject != BARE)
                .map(|otelier| cost(m.ns) / otelier);
            let decimals = usize::from(m.ns < 10.0);
            format!(
                "{group:<6} {case:<22} {:<34} {:>10.decimals$} {:>8.1} {:>10} {:>10}",
                m.subject,
                m.ns,
                m.allocs,
                or_dash(over_bare, 0),
                or_dash(ratio, 2),
            )
        })
        .collect()
}

/// One JSON object, without a line break.
pub(crate) fn json_line(
    group: &str,
    case: &str,
    measurement: &Measurement,
) -> serde_json::Result<String> {
    let Measurement {
        subject,
        ns,
        allocs,
        bytes,
    } = *measurement;
    serde_json::to_string(&JsonLine {
        group,
        case,
        subject,
        ns: (ns * 100.0).round() / 100.0,
        allocs: (allocs * 100.0).round() / 100.0,
        bytes_per_s: bytes.map(|bytes| (bytes as f64 / ns * 1e9).round()),
    })
}

#[derive(Serialize)]
struct JsonLine<'a> {
    group: &'a str,
    case: &'a str,
    subject: &'a str,
    ns: f64,
    allocs: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_s: Option<f64>,
}

fn or_dash(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(subject: &'static str, ns: f64) -> Measurement {
        Measurement {
            subject,
            ns,
            allocs: 2.0,
            bytes: None,
        }
    }

    fn last_columns(measurements: &[Measurement]) -> Vec<Vec<String>> {
        table_rows("g", "c", measurements)
            .iter()
            .map(|row| row.split_whitespace().skip(5).map(str::to_owned).collect())
            .collect()
    }

    #[test]
    fn costs_are_compared_over_bare_where_there_is_one() {
        let rows = last_columns(&[
            measured("bare", 1000.0),
            measured("otelier", 1500.0),
            measured("assembled", 3000.0),
        ]);
        assert_eq!(rows, [["-", "-"], ["500", "1.00"], ["2000", "4.00"]]);
    }

    #[test]
    fn costs_are_compared_whole_without_a_bare() {
        let rows = last_columns(&[measured("otelier", 500.0), measured("floor", 100.0)]);
        assert_eq!(rows, [["-", "1.00"], ["-", "0.20"]]);
    }

    #[test]
    fn a_json_line_has_a_rate_only_where_bytes_are_known() {
        let mut measurement = measured("otelier", 100.0);
        assert_eq!(
            json_line("g", "c", &measurement).unwrap(),
            r#"{"group":"g","case":"c","subject":"otelier","ns":100.0,"allocs":2.0}"#
        );
        measurement.bytes = Some(300);
        let with_rate = json_line("g", "c", &measurement).unwrap();
        assert!(
            with_rate.ends_with(r#""bytes_per_s":3000000000.0}"#),
            "{with_rate}"
        );
    }
}
