use std::fmt;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page of metrics and the content type to send it with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exposition {
    /// The value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The page.
    pub body: String,
}

pub(crate) fn expose(registry: &Registry, accept: Option<&str>) -> Result<Exposition, fmt::Error> {
    let mut body = String::new();
    text::encode(&mut body, registry)?;
    Ok(if prefers_text(accept.unwrap_or("*/*")) {
        Exposition {
            content_type: TEXT,
            body: to_text_004(&body),
        }
    } else {
        Exposition {
            content_type: OPENMETRICS,
            body,
        }
    })
}

/// Whether an `Accept` header ranks plain text above OpenMetrics (RFC 9110, section 12.5.1).
fn prefers_text(accept: &str) -> bool {
    let quality = |media: &str| {
        accept
            .split(',')
            .filter_map(|range| {
                let mut parts = range.split(';').map(str::trim);
                let name = parts.next()?;
                let q = parts.find_map(|part| part.strip_prefix("q="));
                name.eq_ignore_ascii_case(media)
                    .then(|| q.and_then(|q| q.parse().ok()).unwrap_or(1.0))
            })
            .fold(0.0, f32::max)
    };
    quality("text/plain") > quality("application/openmetrics-text").max(quality("*/*"))
}

/// Turns OpenMetrics into text 0.0.4: without exemplars, UNIT and EOF, with the suffix of counters and
/// infos in the metadata, where OpenMetrics leaves it out. In 0.0.4 an info is a gauge.
///
/// HELP comes before TYPE, which knows the suffix: so a HELP is held back until its TYPE.
fn to_text_004(openmetrics: &str) -> String {
    let mut text = String::with_capacity(openmetrics.len());
    let mut help = "";
    for line in openmetrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                _ => ("", kind),
            };
            let help = help.split_once(' ').map_or("", |(_, help)| help);
            text.extend(["# HELP ", name, suffix, " ", help, "\n"]);
            text.extend(["# TYPE ", name, suffix, " ", kind, "\n"]);
        } else if !line.starts_with('#') {
            text.extend([without_exemplar(line), "\n"]);
        }
    }
    text
}

/// An exemplar begins with ` # {` after the value; the same characters inside a label's quotes do not
/// count.
fn without_exemplar(sample: &str) -> &str {
    let mut in_quotes = false;
    let mut escaped = false;
    for (at, byte) in sample.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_quotes => escaped = true,
            b'"' => in_quotes = !in_quotes,
            b'#' if !in_quotes => return sample[..at].trim_end(),
            _ => {}
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DURATION_BUCKETS, Registry};
    use opentelemetry::trace::{SpanContext, TraceFlags, TraceState};

    #[test]
    fn text_004_has_suffixed_metadata_and_no_exemplars() {
        let registry = Registry::new("checkout");
        let hits = registry
            .counter::<[(&str, &str); 1]>("hits", "Hits")
            .unwrap();
        hits.handle([("path", "a # {b} \"c\" \\ d")]).inc();
        let wait = registry
            .histogram_seconds::<[(&str, &str); 0]>("wait", "Wait", &DURATION_BUCKETS[..1])
            .unwrap();
        let sampled = TraceFlags::SAMPLED;
        let span = SpanContext::new(1.into(), 2.into(), sampled, false, TraceState::NONE);
        wait.handle([]).observe(0.001, &span);

        let page = registry.expose(Some("text/plain")).unwrap();
        assert_eq!(page.content_type, TEXT);
        let about_itself = |line: &&str| line.starts_with("otelier_series");
        let lines: Vec<_> = page.body.lines().filter(|l| !about_itself(l)).collect();
        insta::assert_snapshot!(lines.join("\n"), @r##"
        # HELP otelier_series Series that a metric holds.
        # TYPE otelier_series gauge
        # HELP hits_total Hits.
        # TYPE hits_total counter
        hits_total{path="a # {b} \"c\" \\ d"} 1
        # HELP wait_seconds Wait.
        # TYPE wait_seconds histogram
        wait_seconds_sum{} 0.001
        wait_seconds_count{} 1
        wait_seconds_bucket{le="0.005"} 1
        wait_seconds_bucket{le="+Inf"} 1
        # HELP target_info Target metadata
        # TYPE target_info gauge
        target_info{service_name="checkout"} 1
        "##);
    }

    #[test]
    fn openmetrics_is_the_default_and_text_is_given_to_those_who_prefer_it() {
        for accept in [
            "*/*",
            "",
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
            "text/plain;q=0.5, application/openmetrics-text;q=0.5",
            "text/plain;q=0.1,*/*;q=0.2",
        ] {
            assert!(!prefers_text(accept), "{accept}");
        }
        for accept in [
            "text/plain",
            "text/plain;version=0.0.4",
            "Text/Plain; version=0.0.4; q=0.5, application/openmetrics-text; q=0.4",
            "text/plain, */*;q=0.1",
        ] {
            assert!(prefers_text(accept), "{accept}");
        }
    }
}
