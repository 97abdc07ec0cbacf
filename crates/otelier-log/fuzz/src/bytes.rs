//! Bytes read as a case. All bytes are one: where they end, there are zeros.

use std::sync::Arc;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use otelier_context::{FieldValue, RequestContext, RequestId};
use tracing::Level;

use crate::any::Any;
use crate::case::{Case, Fields, Spans};
use crate::dynamic::keep;
use crate::naming::{Naming, PRESETS};

/// Names that meet one another, the line's own, and any other.
const NAMES: [&str; 32] = [
    "a",
    "b",
    "a.b",
    "",
    "message",
    "level",
    "timestamp",
    "trace_id",
    "tenant_id",
    "service",
    "body",
    "attributes",
    "resource",
    "severity",
    "truncated_bytes",
    "field.a",
    "field.level",
    "request.id",
    "error",
    "err",
    "error.fingerprint",
    "log",
    "log.level",
    "dd.trace_id",
    "usr.id",
    "labels",
    "status",
    "e\u{301}",
    "\u{e9}",
    "\"",
    "\\",
    "field.",
];

/// Characters of one to four bytes, and escapes of two, six and twelve.
const UNITS: [&str; 10] = [
    "x",
    "é",
    "漢",
    "🦀",
    "\"",
    "\n",
    "\u{1b}",
    "\u{202e}",
    "\u{e0041}",
    "\u{e0041}\\é",
];

const LEVELS: [Level; 5] = [
    Level::TRACE,
    Level::DEBUG,
    Level::INFO,
    Level::WARN,
    Level::ERROR,
];

pub(crate) fn naming(input: &mut Unstructured<'_>) -> Result<Naming> {
    let mut naming = Naming::new(*input.choose(&PRESETS)?);
    for _ in 0..input.int_in_range(0..=3)? {
        naming = naming.rename(name(input)?, name(input)?);
    }
    Ok(match input.int_in_range(0..=3)? {
        0 => naming.nest(None),
        1 => naming.nest(Some(name(input)?)),
        _ => naming,
    })
}

pub(crate) fn case(input: &mut Unstructured<'_>) -> Result<Case> {
    Ok(Case {
        level: *input.choose(&LEVELS)?,
        event: fields(input)?,
        spans: spans(input)?,
        request: request(input)?,
        statics: plain_fields(input)?,
    })
}

fn fields(input: &mut Unstructured<'_>) -> Result<Fields> {
    let count = input.int_in_range(0..=6)?;
    (0..count)
        .map(|_| Ok((name(input)?, value(input)?)))
        .collect()
}

fn spans(input: &mut Unstructured<'_>) -> Result<Spans> {
    let count = input.int_in_range(0..=3)?;
    (0..count)
        .map(|_| {
            let fields = fields(input)?;
            let records = input.int_in_range(0..=2)?;
            let records =
                (0..records).map(|_| Ok((input.arbitrary::<u8>()?.into(), value(input)?)));
            Ok((fields, records.collect::<Result<_>>()?))
        })
        .collect()
}

fn request(input: &mut Unstructured<'_>) -> Result<Option<Arc<RequestContext>>> {
    if !input.arbitrary()? {
        return Ok(None);
    }
    let id = "req-1".parse::<RequestId>();
    let request = RequestContext::new(id.unwrap_or_else(|_| RequestId::make()));
    for (key, value) in plain_fields(input)? {
        request.set_field(key, value);
    }
    Ok(Some(request))
}

fn plain_fields(input: &mut Unstructured<'_>) -> Result<Vec<(&'static str, FieldValue)>> {
    let count = input.int_in_range(0..=3)?;
    (0..count)
        .map(|_| {
            let name = name(input)?;
            let value = match input.int_in_range(0..=4)? {
                0 => text(input)?.into(),
                1 => input.arbitrary::<bool>()?.into(),
                2 => input.arbitrary::<i64>()?.into(),
                3 => input.arbitrary::<u64>()?.into(),
                _ => input.arbitrary::<f64>()?.into(),
            };
            Ok((name, value))
        })
        .collect()
}

fn name(input: &mut Unstructured<'_>) -> Result<&'static str> {
    if input.arbitrary()? {
        input.choose(&NAMES).copied()
    } else {
        text(input).map(keep)
    }
}

fn value(input: &mut Unstructured<'_>) -> Result<Any> {
    Ok(match input.int_in_range(0..=11)? {
        0 => Any::Str(text(input)?),
        1 => Any::I64(input.arbitrary()?),
        2 => Any::U64(input.arbitrary()?),
        3 => Any::I128(input.arbitrary()?),
        4 => Any::U128(input.arbitrary()?),
        5 => Any::F64(input.arbitrary()?),
        6 => Any::Bool(input.arbitrary()?),
        7 => Any::Bytes(text(input)?.into_bytes()),
        8 => Any::Debug(text(input)?),
        9 => Any::Panics(text(input)?),
        10 => Any::Fails(text(input)?),
        _ => {
            let sources = input.int_in_range(0..=3)?;
            Any::Error((0..=sources).map(|_| text(input)).collect::<Result<_>>()?)
        }
    })
}

/// A text, now and then repeated until it is longer than a line.
fn text(input: &mut Unstructured<'_>) -> Result<String> {
    let text = if input.arbitrary()? {
        (*input.choose(&UNITS)?).to_owned()
    } else {
        let length = input.int_in_range(0..=24)?.min(input.len());
        String::from_utf8_lossy(input.bytes(length)?).into_owned()
    };
    let times = match input.arbitrary::<u8>()? {
        byte @ 0xe0.. => usize::from(byte & 31) * 600,
        _ => 1,
    };
    Ok(text.repeat(times.min(20_000 / text.len().max(1)).max(1)))
}
