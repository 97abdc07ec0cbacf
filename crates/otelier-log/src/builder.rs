use std::any::Any;
use std::fmt;
use std::io;

use opentelemetry::logs::Logger;
use tracing_subscriber::fmt::MakeWriter;

use crate::layer::JsonLayer;
use crate::line::{Layout, Line};
use crate::otlp::OtlpSink;
use crate::output::{Destination, Output};
use crate::settings::Format;
use crate::stats::Stats;
use crate::writer::NonBlocking;

/// The longest service name and environment in bytes as written.
const MAX_STATIC: usize = 256;

/// Settings of a [`JsonLayer`].
#[must_use]
pub struct JsonLayerBuilder {
    format: Format,
    ansi: bool,
    service: Option<String>,
    environment: Option<String>,
    destination: Destination,
    logger: Option<Box<dyn OtlpSink>>,
}

impl JsonLayerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            format: Format::Json,
            ansi: false,
            service: None,
            environment: None,
            destination: Destination::Direct(Box::new(io::stdout)),
            logger: None,
        }
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

    /// The name of the service, written as `service` in JSON. It is cut after 256 bytes.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// Where the service runs, such as `prod`, written as `environment` in JSON. It is cut after 256
    /// bytes.
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = Some(environment.into());
        self
    }

    /// Where lines go; stdout by default. Each line is one `write_all`, on the thread that logs, unless
    /// the writer is a [`NonBlocking`] one.
    pub fn writer<W>(mut self, writer: W) -> Self
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        self.destination = match (&writer as &dyn Any).downcast_ref::<NonBlocking>() {
            Some(queue) => Destination::Queue(queue.clone()),
            None => Destination::Direct(Box::new(writer)),
        };
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
        let layout = match self.format {
            Format::Json => Some(Layout::Json),
            Format::Human => Some(Layout::Human { ansi: self.ansi }),
            Format::None => None,
        };
        let stats = match &self.destination {
            Destination::Direct(_) => Stats::default(),
            Destination::Queue(queue) => queue.stats(),
        };
        JsonLayer::new(Output {
            layout,
            destination: self.destination,
            logger: self.logger,
            statics: statics([
                ("service", self.service.as_deref()),
                ("environment", self.environment.as_deref()),
            ]),
            stats,
        })
    }
}

impl fmt::Debug for JsonLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLayerBuilder")
            .field("format", &self.format)
            .field("ansi", &self.ansi)
            .field("service", &self.service)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

fn statics(fields: [(&str, Option<&str>); 2]) -> Vec<u8> {
    let mut line = Line::default();
    line.start_span(false);
    for (key, value) in fields {
        if let Some(value) = value {
            line.put(format!(",\"{key}\":").as_bytes());
            line.string_within(value, MAX_STATIC);
        }
    }
    line.bytes
}
