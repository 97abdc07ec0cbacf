use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use otelier_health::Health;
use otelier_log::{AccessLog, Keys, Levels};
use otelier_metrics::Registry;
use otelier_otlp::{Config, Pipeline, SdkTracer};
use otelier_tower::{
    ClientLayer, GrpcServerMetrics, HttpClientMetrics, HttpLayer, HttpServerMetrics, ServerBuilder,
    TenantResolver,
};

use crate::error::Error;
use crate::install;
use crate::log_writer::{self, FlushOnDrop};

/// The telemetry of this process: what is installed, and the handles to it.
///
/// Keep it for as long as the process serves. [`serve`](Self::serve) takes it, and flushes it last;
/// without `serve`, call [`shutdown`](Self::shutdown). Dropping it flushes too, for some ten seconds at
/// most.
///
/// Log lines go to stdout through a queue of 8 MiB and a thread of their own, so that a stdout that
/// nobody reads costs lines, not time. What is logged after the flush is written if the process lives
/// long enough; what is still queued at [`std::process::exit`] or an abort is lost.
#[must_use = "dropping it ends the telemetry"]
pub struct Telemetry {
    pub(crate) health: Health,
    #[cfg(feature = "axum")]
    pub(crate) ops_address: (String, u16),
    pub(crate) pipeline: Pipeline,
    #[cfg(feature = "axum")]
    pub(crate) offers_metrics: bool,
    pub(crate) registry: Registry,
    pub(crate) levels: Levels,
    pub(crate) access: AccessLog,
    pub(crate) http: HttpServerMetrics,
    pub(crate) http_client: HttpClientMetrics,
    pub(crate) grpc: GrpcServerMetrics,
    pub(crate) tenant: Option<Arc<dyn TenantResolver>>,
    /// Last, for the lines that the pipeline's drop logs.
    pub(crate) _flush_on_drop: FlushOnDrop,
}

impl Telemetry {
    /// Reads the standard variables (`OTEL_*`, `OTELIER_LOG_FORMAT`, `OTELIER_LOG`, `RUST_LOG`). The
    /// name is used where the environment gives the service none. Touches no global.
    ///
    /// # Errors
    ///
    /// None today: a variable that cannot be read is a warning in the log, and its default is used.
    pub fn from_env(service_name: &str) -> Result<Builder, Error> {
        Ok(Builder {
            config: Config::from_env(service_name),
            log: otelier_log::Settings::from_env(),
            log_keys: None,
            tenant: None,
        })
    }

    /// The middleware: span, metrics and access line of each request, HTTP or gRPC; a panic becomes a
    /// 500, or the gRPC status INTERNAL.
    ///
    /// For `Router::layer` of the outermost router, where it sees the whole path and the route that
    /// matched. Below another such layer it tells nothing, for the request is told there.
    pub fn http(&self) -> HttpLayer<SdkTracer> {
        self.http_builder().build()
    }

    /// The settings of [`http`](Self::http)'s middleware, for those that have something to add: whom to
    /// trust, which proxies are in front, which headers to capture.
    ///
    /// ```no_run
    /// use otelier::tower::{Cidr, Trust};
    ///
    /// # fn layered(telemetry: &otelier::Telemetry, app: axum::Router) -> Result<axum::Router, Box<dyn std::error::Error>> {
    /// let proxies: Vec<Cidr> = vec!["10.0.0.0/8".parse()?];
    /// let layer = telemetry
    ///     .http_builder()
    ///     .trusted_proxies(proxies.clone())
    ///     .trust(Trust::FromProxies(proxies))
    ///     .build();
    /// # Ok(
    /// app.layer(layer)
    /// # )}
    /// ```
    pub fn http_builder(&self) -> ServerBuilder<SdkTracer> {
        let mut layer = HttpLayer::server(self.pipeline.tracer("otelier"))
            .metrics(self.http.clone())
            .grpc_metrics(self.grpc.clone())
            .observer(self.access.clone())
            .propagator(self.pipeline.propagator())
            .catch_panic(true);
        if let Some(tenant) = self.tenant.clone() {
            layer = layer.tenant(move |head: &http::request::Parts| tenant.tenant(head));
        }
        #[cfg(feature = "axum")]
        {
            use crate::axum::{matched_path, peer};
            layer = layer.route_of(matched_path).peer_of(peer);
        }
        layer
    }

    /// The middleware of a client: a span and a sample of each call, and the trace and the request's id
    /// to its server. The spans of calls that a handler makes are children of its request's.
    ///
    /// Baggage goes to each server that is called, unless `OTEL_PROPAGATORS` leaves it out.
    pub fn http_client(&self) -> ClientLayer<SdkTracer> {
        HttpLayer::client(self.pipeline.tracer("otelier"))
            .metrics(self.http_client.clone())
            .propagator(self.pipeline.propagator())
            .build()
    }

    /// The health registry behind `/readyz`.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// The metrics behind `/metrics`, for the service's own.
    pub fn metrics(&self) -> &Registry {
        &self.registry
    }

    /// The levels of the log, of access lines too: changed here, they count at once.
    pub fn log_levels(&self) -> &Levels {
        &self.levels
    }

    /// Serves this app, and beside it the ops listener, until the process is told to stop.
    #[cfg(feature = "axum")]
    pub fn serve(self, app: ::axum::Router) -> crate::Serve {
        crate::Serve::new(self, app)
    }

    /// Flushes all signals side by side, ends the export, and waits for stdout to take the log lines.
    /// Blocks, for no longer than `deadline`; from async code call it on a blocking thread, or leave it
    /// to [`serve`](Self::serve).
    ///
    /// # Errors
    ///
    /// If a signal could not be exported (it says which), or stdout did not take all log lines: it is
    /// not read, or failed meanwhile.
    pub fn shutdown(&self, deadline: Duration) -> Result<(), Error> {
        let start = Instant::now();
        let failed_before = log_writer::failed();
        let exported = self
            .pipeline
            .shutdown(deadline)
            .map_err(Error::not_exported);
        let left = deadline.saturating_sub(start.elapsed());
        let written = log_writer::flush(left).map_err(Error::not_written);
        let taken = match log_writer::failed_since(failed_before) {
            0 => Ok(()),
            failed => Err(Error::not_taken(failed)),
        };
        exported.and(written).and(taken)
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("health", &self.health)
            .finish_non_exhaustive()
    }
}

/// What [`Telemetry::install`](Builder::install) will install.
#[must_use]
pub struct Builder {
    pub(crate) config: Config,
    pub(crate) log: otelier_log::Settings,
    pub(crate) log_keys: Option<Keys>,
    pub(crate) tenant: Option<Arc<dyn TenantResolver>>,
}

impl Builder {
    /// How to find a request's tenant. Default: there is none.
    pub fn tenant(mut self, resolver: impl TenantResolver) -> Self {
        self.tenant = Some(Arc::new(resolver));
        self
    }

    /// `service.version`. Default: what `OTEL_RESOURCE_ATTRIBUTES` says.
    pub fn version(mut self, version: &'static str) -> Self {
        self.config = self.config.version(version);
        self
    }

    /// Exports to this OTLP endpoint, whatever the environment says.
    pub fn otlp_endpoint(mut self, url: &str) -> Self {
        self.config = self.config.endpoint(url);
        self
    }

    /// What the keys of a JSON log line are called: a preset of [`log::Preset`](crate::log::Preset), or
    /// one that was changed. Default: the preset `Otelier`.
    pub fn log_keys(mut self, keys: impl Into<Keys>) -> Self {
        self.log_keys = Some(keys.into());
        self
    }

    /// Starts the export and installs the `tracing` subscriber, the tracer provider and the propagator:
    /// the one place that sets globals.
    ///
    /// # Errors
    ///
    /// If a subscriber is installed already, the export cannot be set up (an `https` endpoint without
    /// the feature `tls`), or the thread that writes log lines cannot be started.
    pub fn install(self) -> Result<Telemetry, Error> {
        install::install(self)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("config", &self.config)
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}
