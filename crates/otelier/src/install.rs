use otelier_health::Health;
use otelier_log::{Format, JsonLayer, JsonLayerBuilder, Levels, Settings};
use otelier_metrics::Registry;
#[cfg(feature = "axum")]
use otelier_otlp::Config;
use otelier_otlp::Pipeline;
use otelier_tower::{GrpcServerMetrics, HttpClientMetrics, HttpServerMetrics};
use tracing::{Level, Metadata};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::error::Error;
use crate::log_writer;
use crate::stats::Stats;
use crate::telemetry::{Builder, Telemetry};

/// Instrumentation scope of the spans and log records that otelier itself makes.
const SCOPE: &str = "otelier";

pub(crate) fn install(builder: Builder) -> Result<Telemetry, Error> {
    let Builder {
        config,
        log: settings,
        log_keys,
        tenant,
    } = builder;
    #[cfg(feature = "axum")]
    let (ops_address, offers_metrics) = (ops_address(&config), config.offers_metrics());

    let registry = Registry::new(SCOPE).exemplars(config.exemplar_filter());
    let pipeline = Pipeline::start(config, &registry).map_err(Error::pipeline)?;
    registry.set_target(pipeline.resource().iter());
    let http = HttpServerMetrics::register(&registry).map_err(Error::pipeline)?;
    let http_client = HttpClientMetrics::register(&registry).map_err(Error::pipeline)?;
    let grpc = GrpcServerMetrics::register(&registry).map_err(Error::pipeline)?;
    let health = Health::new();
    health.register(&registry);

    let mut layer = log_layer(&settings, &pipeline);
    let mut guard = None;
    if settings.format != Format::None {
        let (writer, ends) = log_writer::start().map_err(Error::log_writer)?;
        layer = layer.writer(writer);
        guard = Some(ends);
    }
    if let Some(keys) = log_keys {
        layer = layer.keys(keys);
    }
    let layer = layer.build();
    let levels = settings.levels();
    let access = layer.access_log(levels.clone());
    let stats = layer.stats();
    registry.register_collector(Stats(stats.clone()));
    subscribe(layer, levels.clone(), &pipeline)?;
    let flush_on_drop = log_writer::keep(guard, stats);
    opentelemetry::global::set_tracer_provider(pipeline.tracer_provider().clone());
    opentelemetry::global::set_text_map_propagator(pipeline.propagator());

    for warning in settings.warnings() {
        tracing::warn!(target: "otelier", "{warning}");
    }
    for warning in pipeline.warnings() {
        tracing::warn!(target: "otelier", "{warning}");
    }
    Ok(Telemetry {
        health,
        #[cfg(feature = "axum")]
        ops_address,
        pipeline,
        #[cfg(feature = "axum")]
        offers_metrics,
        registry,
        levels,
        access,
        http,
        http_client,
        grpc,
        tenant,
        _flush_on_drop: flush_on_drop,
    })
}

/// IPv4 for `localhost`, which is how the specification writes the default.
#[cfg(feature = "axum")]
fn ops_address(config: &Config) -> (String, u16) {
    match config.prometheus_address() {
        ("localhost", port) => ("127.0.0.1".to_owned(), port),
        (host, port) => (host.to_owned(), port),
    }
}

fn log_layer(settings: &Settings, pipeline: &Pipeline) -> JsonLayerBuilder {
    let resource = |key: &str| {
        let mut attributes = pipeline.resource().iter();
        let (_, value) = attributes.find(|(other, _)| other.as_str() == key)?;
        Some(value.to_string())
    };
    let mut layer = JsonLayer::builder().settings(settings);
    if let Some(service) = resource("service.name") {
        layer = layer.service(service);
    }
    if let Some(environment) = resource("deployment.environment.name") {
        layer = layer.environment(environment);
    }
    if let Some(logger) = pipeline.logger(SCOPE) {
        layer = layer.logger(logger);
    }
    layer
}

fn subscribe(layer: JsonLayer, levels: Levels, pipeline: &Pipeline) -> Result<(), Error> {
    let spans = tracing_opentelemetry::layer()
        .with_tracer(pipeline.tracer(SCOPE))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_target(false)
        .with_filter(spans_only());
    tracing_subscriber::registry()
        .with(spans)
        .with(layer.with_filter(levels))
        .try_init()
        .map_err(Error::installed)
}

/// Spans of INFO and above. Events are left to the log layer: as span events they would be told twice,
/// and an ERROR among them would fail its span.
fn spans_only() -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(|metadata| metadata.is_span() && *metadata.level() <= Level::INFO)
        .with_max_level_hint(LevelFilter::INFO)
}
