use std::collections::{HashMap, HashSet};
use std::fmt;
use std::mem;
use std::sync::Arc;

use crate::span_data::SpanData;
use crate::{Trace, Value};

/// Spans nested deeper are shown at this depth and names are cut, so that a line stays bounded.
const MAX_DEPTH: usize = 32;
const MAX_NAME: usize = 80;

pub(crate) fn write(trace: &Trace, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let lines = lines(trace.data());
    let width = lines
        .iter()
        .map(|line| line.label.chars().count())
        .max()
        .unwrap_or(0);
    writeln!(f, "trace {}", trace.id())?;
    for Line {
        label,
        span,
        service,
        note,
    } in &lines
    {
        let (duration, kind) = (span.duration().as_secs_f64() * 1e3, span.kind);
        write!(f, "  {label:<width$}  {duration:>9.3} ms  {kind}{service}")?;
        if span.status.is_error() {
            write!(f, "  {}", span.status)?;
        }
        writeln!(f, "{note}")?;
    }
    Ok(())
}

struct Line<'a> {
    label: String,
    span: &'a SpanData,
    service: String,
    note: &'static str,
}

/// A span to be shown, under its parent's prefix.
struct Place<'a> {
    index: usize,
    depth: usize,
    prefix: String,
    branch: &'static str,
    indent: &'static str,
    parent: Option<&'a SpanData>,
}

/// One line a span, each span once, whatever its parent says: also where ids repeat or run in a
/// circle.
fn lines(spans: &[Arc<SpanData>]) -> Vec<Line<'_>> {
    let ids: HashSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
    let mut children: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut roots = Vec::new();
    for (index, span) in spans.iter().enumerate() {
        match span
            .parent_id
            .as_deref()
            .filter(|parent| ids.contains(parent))
        {
            Some(parent) => children.entry(parent).or_default().push(index),
            None => roots.push(index),
        }
    }

    let mut lines = Vec::with_capacity(spans.len());
    let mut shown = vec![false; spans.len()];
    // A circle has no root: what is still not shown then starts a tree of its own.
    for start in roots.into_iter().chain(0..spans.len()) {
        let mut rest = vec![Place {
            index: start,
            depth: 0,
            prefix: String::new(),
            branch: "",
            indent: "",
            parent: None,
        }];
        while let Some(place) = rest.pop() {
            if mem::replace(&mut shown[place.index], true) {
                continue;
            }
            let span = &*spans[place.index];
            lines.push(Line {
                label: format!("{}{}{}", place.prefix, place.branch, short(&span.name)),
                span,
                service: service_unlike(place.parent, span),
                note: if place.parent.is_none() {
                    root_note(span, &ids)
                } else {
                    ""
                },
            });
            let prefix = match place.depth {
                0..MAX_DEPTH => place.prefix + place.indent,
                _ => place.prefix,
            };
            let children = children.get(span.id.as_str()).into_iter().flatten();
            for (nth, child) in children.rev().enumerate() {
                let (branch, indent) = if nth == 0 {
                    ("└─ ", "   ")
                } else {
                    ("├─ ", "│  ")
                };
                rest.push(Place {
                    index: *child,
                    depth: place.depth + 1,
                    prefix: prefix.clone(),
                    branch,
                    indent,
                    parent: Some(span),
                });
            }
        }
    }
    lines
}

/// The span's service, where its parent does not say it already.
fn service_unlike(parent: Option<&SpanData>, span: &SpanData) -> String {
    let service = |span: &SpanData| {
        span.source
            .resource
            .get("service.name")
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    let name = service(span);
    if name.is_empty() || parent.map(service).as_deref() == Some(&name) {
        return String::new();
    }
    format!("  {}", short(&name))
}

fn root_note(span: &SpanData, ids: &HashSet<&str>) -> &'static str {
    match &span.parent_id {
        None => "",
        Some(parent) if ids.contains(parent.as_str()) => "  (its own ancestor)",
        Some(_) if span.remote_parent => "  (remote parent)",
        Some(_) => "  (parent not received)",
    }
}

fn short(name: &str) -> String {
    let mut characters = name.chars();
    let mut short: String = characters.by_ref().take(MAX_NAME).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span};

    use super::*;
    use crate::store::{Batch, Export};

    #[test]
    fn a_tree_shows_each_span_under_its_parent() {
        let shown = tree(vec![
            Span {
                kind: span::SpanKind::Server.into(),
                ..span(1, 9, "GET /orders/{id}", 12_300)
            },
            span(2, 1, "load_order", 10_000),
            span(3, 2, "SELECT orders", 8_100),
            span(4, 1, "render", 1_200),
            span(5, 7, "lost", 100),
        ]);
        let expected = "\
trace 0f
  GET /orders/{id}        12.300 ms  server  (remote parent)
  ├─ load_order           10.000 ms  internal
  │  └─ SELECT orders      8.100 ms  internal
  └─ render                1.200 ms  internal
  lost                     0.100 ms  internal  (parent not received)
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_span_is_shown_once_where_ids_repeat_or_run_in_a_circle() {
        let shown = tree(vec![
            span(1, 0, "root", 1),
            span(1, 0, "twin", 1),
            span(2, 1, "child", 1),
            span(3, 3, "own parent", 1),
            span(4, 5, "one", 1),
            span(5, 4, "other", 1),
        ]);
        for name in ["root", "twin", "child", "own parent", "one", "other"] {
            assert_eq!(shown.matches(name).count(), 1, "{name} in:\n{shown}");
        }
        assert_eq!(shown.matches("its own ancestor").count(), 2, "{shown}");
    }

    #[test]
    fn a_name_cannot_break_its_line_or_start_it_with_a_brace() {
        let shown = tree(vec![
            span(1, 0, "{\"a\":1}\n{\u{1b}[2J", 1),
            span(2, 1, &"x".repeat(999), 1),
        ]);
        assert_eq!(shown.lines().count(), 3, "{shown}");
        assert!(
            shown
                .lines()
                .all(|line| !line.starts_with('{') && line.len() < 400),
            "{shown}"
        );
        assert!(!shown.contains('\u{1b}'));
    }

    #[test]
    fn a_very_deep_trace_is_shown_in_bounded_lines() {
        let deep = (1..=10_000)
            .map(|id| span(id, id - 1, "level", 1))
            .collect();
        let shown = tree(deep);
        assert_eq!(shown.lines().count(), 10_001);
        assert!(shown.lines().all(|line| line.chars().count() < 200));
    }

    fn tree(spans: Vec<Span>) -> String {
        let scope_spans = vec![ScopeSpans {
            spans,
            ..ScopeSpans::default()
        }];
        let resource_spans = vec![ResourceSpans {
            scope_spans,
            ..ResourceSpans::default()
        }];
        let Batch::Spans(spans) = (ExportTraceServiceRequest { resource_spans }).into_batch()
        else {
            unreachable!("spans were sent");
        };
        Trace::new(spans).expect("there are spans").to_string()
    }

    fn span(id: u16, parent: u16, name: &str, micros: u64) -> Span {
        Span {
            trace_id: vec![0x0f],
            span_id: id.to_be_bytes().to_vec(),
            parent_span_id: parent.to_be_bytes().to_vec(),
            name: name.to_owned(),
            kind: span::SpanKind::Internal.into(),
            start_time_unix_nano: u64::from(id),
            end_time_unix_nano: u64::from(id) + micros * 1_000,
            ..Span::default()
        }
    }
}
