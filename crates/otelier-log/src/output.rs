use std::any::Any;
use std::fmt;
use std::io::{self, Write as _};
use std::time::SystemTime;

use tracing_core::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use crate::category::Category;
use crate::foreign::isolated;
use crate::ids::{Ids, Source};
use crate::line::{Line, SpanFields};
use crate::otlp::OtlpSink;
use crate::schema::{Callsite, Schema};
use crate::scratch;
use crate::stats::{DropReason, Stats};
use crate::volume::Volume;
use crate::writer::NonBlocking;

/// Where lines go, and all that they share: the layer and the access log write through one.
pub(crate) struct Output {
    pub(crate) schema: Schema,
    /// Whether lines are written at all; OTLP may still get them.
    pub(crate) writes: bool,
    pub(crate) volume: Volume,
    /// The fields that all lines have.
    pub(crate) fields: Option<SpanFields>,
    pub(crate) destination: Destination,
    /// Where audit events go instead.
    pub(crate) audit: Option<Destination>,
    pub(crate) logger: Option<Box<dyn OtlpSink>>,
    pub(crate) stats: Stats,
}

impl Output {
    /// Whether values must be kept for OTLP beside their bytes.
    pub(crate) fn typed(&self) -> bool {
        self.logger.is_some()
    }

    /// Writes a line. `write` writes the message, [`Line::context`] and the fields.
    pub(crate) fn log(
        &self,
        metadata: &'static Metadata<'static>,
        ids: Source,
        write: impl FnOnce(&mut Line, &Callsite),
    ) {
        let schema = &self.schema;
        let callsite = schema.callsite(metadata);
        let ids = if callsite.may_read_context {
            ids
        } else {
            Source::Known(Ids::default())
        };
        let logger = self.logger(metadata, callsite);
        if !self.writes && logger.is_none() {
            return;
        }
        let volume = &self.volume;
        if let Some(reason) = volume.refuses(*metadata.level(), callsite, || ids.trace_id()) {
            self.stats.dropped(*metadata.level(), reason);
            return;
        }
        if let Some(category) = callsite.category {
            self.stats.event(category, metadata);
        }
        let logged = scratch::with(|line| {
            let time = SystemTime::now();
            line.start_event(schema, callsite, logger.is_some());
            line.ids.update(ids);
            line.head(schema, callsite, time);
            write(line, callsite);
            line.request_fields(schema);
            if let Some(fields) = &self.fields {
                line.copy(fields);
            }
            line.end(schema, callsite);
            let written = self.writes && self.write(metadata, callsite, line);
            if line.lost > 0 && (written || logger.is_some()) {
                self.stats.truncated();
            }
            self.stats.shadowed(line.shadowed);
            if let Some(logger) = logger
                && isolated(|| logger.emit(time, metadata, line)).is_none()
            {
                self.stats.record_lost();
            }
        });
        if logged.is_none() {
            self.stats.dropped(*metadata.level(), DropReason::Recursion);
            if logger.is_some() {
                self.stats.record_lost();
            }
        }
    }

    /// The logger, if it wants a record. It reads the current context.
    fn logger(&self, metadata: &Metadata<'_>, callsite: &Callsite) -> Option<&dyn OtlpSink> {
        let logger = self.logger.as_deref()?;
        if !callsite.may_read_context {
            return None;
        }
        let enabled = isolated(|| logger.enabled(metadata));
        if enabled.is_none() {
            self.stats.record_lost();
        }
        (enabled == Some(true)).then_some(logger)
    }

    /// Whether the line was taken.
    fn write(&self, metadata: &Metadata<'_>, callsite: &Callsite, line: &Line) -> bool {
        let level = *metadata.level();
        let audit = self.audit.as_ref();
        let audit = audit.filter(|_| callsite.category == Some(Category::Audit));
        match audit.unwrap_or(&self.destination) {
            Destination::Queue(queue) => {
                let category = callsite.category;
                let is_told = matches!(category, Some(Category::Security | Category::Audit));
                queue.enqueue(level, is_told || level <= Level::WARN, &line.bytes)
            }
            Destination::Direct(writer) => {
                let dropped = match isolated(|| writer.write(metadata, &line.bytes)) {
                    Some(Ok(())) => None,
                    Some(Err(_)) => Some(DropReason::WriteFailed),
                    None => Some(DropReason::WriterPanicked),
                };
                match dropped {
                    None => self.stats.written(),
                    Some(reason) => self.stats.dropped(level, reason),
                }
                dropped.is_none()
            }
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("layout", &self.schema.layout)
            .field("writes", &self.writes)
            .field("otlp", &self.typed())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

/// Who writes the lines.
pub(crate) enum Destination {
    /// The thread that logs.
    Direct(Box<dyn Writer>),
    /// A thread of its own; the queue counts what becomes of the lines, in the output's statistics.
    Queue(NonBlocking),
}

impl Destination {
    pub(crate) fn new<W>(writer: W) -> Self
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        match (&writer as &dyn Any).downcast_ref::<NonBlocking>() {
            Some(queue) => Self::Queue(queue.clone()),
            None => Self::Direct(Box::new(writer)),
        }
    }
}

/// Any `MakeWriter`, whatever its type of writer.
pub(crate) trait Writer: Send + Sync {
    fn write(&self, metadata: &Metadata<'_>, line: &[u8]) -> io::Result<()>;
}

impl<W> Writer for W
where
    W: for<'a> MakeWriter<'a> + Send + Sync,
{
    fn write(&self, metadata: &Metadata<'_>, line: &[u8]) -> io::Result<()> {
        self.make_writer_for(metadata).write_all(line)
    }
}
