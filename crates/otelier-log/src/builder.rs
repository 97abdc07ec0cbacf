use std::fmt;
use std::io;
use std::time::Instant;

use opentelemetry::logs::Logger;
use otelier_context::FieldValue;
use tracing_subscriber::fmt::MakeWriter;

use crate::ids::Ids;
use crate::layer::JsonLayer;
use crate::line::{Line, SpanFields};
use crate::otlp::OtlpSink;
use crate::output::{Destination, Output};
use crate::schema::{Keys, Layout, Schema, Shape};
use crate::settings::{Format, Settings};
use crate::stats::Stats;
use crate::volume::{RateLimit, Sampling, Volume};

/// Settings of a [`JsonLayer`].
#[must_use]
pub struct JsonLayerBuilder {
    format: Format,
    ansi: bool,
    shape: Shape,
    fields: Vec<(&'static str, FieldValue)>,
    destination: Destination,
    audit: Option<Destination>,
    volume: Volume,
    logger: Option<Box<dyn OtlpSink>>,
}

impl JsonLayerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            format: Format::Json,
            ansi: false,
            shape: Shape::default(),
            fields: Vec::new(),
            destination: Destination::Direct(Box::new(io::stdout)),
            audit: None,
            volume: Volume::default(),
            logger: None,
        }
    }

    /// Takes format, colour and preset from the environment's settings; their levels are the filter's.
    pub fn settings(self, settings: &Settings) -> Self {
        self.format(settings.format)
            .ansi(settings.ansi)
            .keys(settings.preset)
    }

    /// How lines look; JSON by default.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Whether the level is coloured in [`Format::Human`]; not by default.
    pub fn ansi(mut self, ansi: bool) -> Self {
        self.ansi = ansi;
        self
    }

    /// What a line's keys are called: a [`Preset`](crate::Preset), or one that was changed. It does not
    /// count in [`Format::Human`], nor for the [`logger`](Self::logger).
    pub fn keys(mut self, keys: impl Into<Keys>) -> Self {
        self.shape.keys = keys.into();
        self
    }

    /// Whether JSON says in which file and line an event was logged; not by default. The file's name is
    /// cut after 256 bytes.
    pub fn source(mut self, wanted: bool) -> Self {
        self.shape.source = wanted;
        self
    }

    /// Whether JSON says the name of the thread that logged, of which 64 bytes are kept; not by default.
    pub fn thread(mut self, wanted: bool) -> Self {
        self.shape.thread = wanted;
        self
    }

    /// The name of the service, written as `service` in JSON. It is cut after 256 bytes.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.shape.service = Some(service.into());
        self
    }

    /// Where the service runs, such as `prod`, written as `environment` in JSON. It is cut after 256
    /// bytes.
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.shape.environment = Some(environment.into());
        self
    }

    /// A field of all lines, in which it gives way to any other of its name. Of a text 4,100 bytes are
    /// kept. All together have 16,383 bytes, as a span's fields do: further ones are left out.
    ///
    /// ```
    /// # use otelier_log::JsonLayer;
    /// let layer = JsonLayer::builder().field("region", "eu-1").field("shard", 7).build();
    /// ```
    pub fn field(mut self, key: &'static str, value: impl Into<FieldValue>) -> Self {
        self.fields.push((key, value.into()));
        self
    }

    /// Where lines go; stdout by default. Each line is one `write_all`, on the thread that logs, unless
    /// the writer is a [`NonBlocking`](crate::NonBlocking) one.
    pub fn writer<W>(mut self, writer: W) -> Self
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        self.destination = Destination::new(writer);
        self
    }

    /// Where lines of the category `audit` go instead. What a [`NonBlocking`](crate::NonBlocking) one
    /// writes and drops is counted in [`NonBlocking::stats`](crate::NonBlocking::stats) only, and no
    /// line in the stream tells of it.
    pub fn audit_writer<W>(mut self, writer: W) -> Self
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        self.audit = Some(Destination::new(writer));
        self
    }

    /// Writes a share of the traces: all lines of one, its access line too, or none but those of level
    /// ERROR. Events of a category and what otelier says of itself are written in any case. The lines
    /// left out are counted as [`DropReason::Sampled`](crate::DropReason::Sampled), and no record is made
    /// of them either.
    ///
    /// ```
    /// # use otelier_log::{JsonLayer, Sampling};
    /// let layer = JsonLayer::builder().sampling(Sampling::new(0.1)?).build();
    /// # Ok::<(), otelier_log::InvalidVolume>(())
    /// ```
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.volume.sampling = Some(sampling);
        self
    }

    /// Writes no more events a second than this of each place in the program that logs. Access lines,
    /// events of a category and what otelier says of itself are not limited. The others are counted as
    /// [`DropReason::RateLimited`](crate::DropReason::RateLimited), and no record is made of them either.
    ///
    /// ```
    /// # use otelier_log::{JsonLayer, RateLimit};
    /// let layer = JsonLayer::builder().rate_limit(RateLimit::new(100, 1_000)?).build();
    /// # Ok::<(), otelier_log::InvalidVolume>(())
    /// ```
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.volume.limit = Some((limit, Instant::now()));
        self
    }

    /// Hands each event to this OpenTelemetry logger too, unless telemetry is suppressed.
    pub fn logger<L>(mut self, logger: L) -> Self
    where
        L: Logger + Send + Sync + 'static,
    {
        self.logger = Some(Box::new(logger));
        self
    }

    /// The layer.
    pub fn build(self) -> JsonLayer {
        let mut shape = self.shape;
        if self.format == Format::Human {
            shape.layout = Layout::Human { ansi: self.ansi };
            shape.keys = Keys::default();
        }
        let stats = match &self.destination {
            Destination::Direct(_) => Stats::default(),
            Destination::Queue(queue) => queue.stats(),
        };
        let schema = Schema::new(shape);
        JsonLayer::new(Output {
            fields: encoded(&self.fields, &schema, self.logger.is_some()),
            schema,
            writes: self.format != Format::None,
            destination: self.destination,
            audit: self.audit,
            volume: self.volume,
            logger: self.logger,
            stats,
        })
    }
}

impl fmt::Debug for JsonLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLayerBuilder")
            .field("format", &self.format)
            .field("ansi", &self.ansi)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

fn encoded(
    fields: &[(&'static str, FieldValue)],
    schema: &Schema,
    typed: bool,
) -> Option<SpanFields> {
    if fields.is_empty() {
        return None;
    }
    let mut line = Line::default();
    line.start_span(schema.layout, typed);
    line.values(schema, fields);
    Some(SpanFields::new(Ids::default(), &mut line))
}
