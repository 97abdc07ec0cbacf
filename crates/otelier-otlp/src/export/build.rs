use std::sync::Arc;

use opentelemetry_otlp::{
    Compression, LogExporter, Protocol as OtlpProtocol, SpanExporter, WithExportConfig,
    WithHttpConfig, WithTonicConfig,
};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};

use super::http::{Cause, Sender};
use super::{Exporter, tls};
use crate::Error;
use crate::config::{Limits, Otlp, Protocol, Warning};
use crate::report::Reporter;
use crate::runtime::ExportRuntime;

pub(crate) fn span_exporter(
    otlp: &Otlp,
    limits: &Limits,
    runtime: &ExportRuntime,
    reporter: &Arc<Reporter>,
    warnings: &mut Vec<Warning>,
) -> Result<Exporter<SpanExporter>, Error> {
    let cause = Cause::default();
    let builder = SpanExporter::builder();
    let inner = match otlp.protocol {
        Protocol::HttpProtobuf => http(builder.with_http(), otlp, &cause, warnings)?.build()?,
        Protocol::Grpc => grpc(builder.with_tonic(), otlp, runtime, warnings)?.build()?,
    };
    Ok(Exporter {
        max_value_length: limits.value_length,
        ..exporter(inner, otlp, runtime, reporter, cause)
    })
}

pub(crate) fn log_exporter(
    otlp: &Otlp,
    runtime: &ExportRuntime,
    reporter: &Arc<Reporter>,
    warnings: &mut Vec<Warning>,
) -> Result<Exporter<LogExporter>, Error> {
    let cause = Cause::default();
    let builder = LogExporter::builder();
    let inner = match otlp.protocol {
        Protocol::HttpProtobuf => http(builder.with_http(), otlp, &cause, warnings)?.build()?,
        Protocol::Grpc => grpc(builder.with_tonic(), otlp, runtime, warnings)?.build()?,
    };
    Ok(exporter(inner, otlp, runtime, reporter, cause))
}

fn exporter<E>(
    inner: E,
    otlp: &Otlp,
    runtime: &ExportRuntime,
    reporter: &Arc<Reporter>,
    cause: Cause,
) -> Exporter<E> {
    Exporter {
        inner,
        runtime: runtime.clone(),
        timeout: otlp.timeout,
        max_value_length: None,
        reporter: Arc::clone(reporter),
        cause,
    }
}

fn http<B: WithExportConfig + WithHttpConfig>(
    builder: B,
    otlp: &Otlp,
    cause: &Cause,
    warnings: &mut Vec<Warning>,
) -> Result<B, Error> {
    let connector = tls::connector(otlp, warnings)?;
    // The builder would percent-decode the headers a second time.
    let sender = Sender::new(connector, otlp.headers.clone(), cause.clone());
    let builder = builder
        .with_http_client(sender)
        .with_endpoint(otlp.endpoint.uri.to_string())
        .with_protocol(OtlpProtocol::HttpBinary)
        .with_timeout(otlp.timeout);
    Ok(if otlp.gzip {
        WithHttpConfig::with_compression(builder, Compression::Gzip)
    } else {
        builder
    })
}

fn grpc<B: WithExportConfig + WithTonicConfig>(
    builder: B,
    otlp: &Otlp,
    runtime: &ExportRuntime,
    warnings: &mut Vec<Warning>,
) -> Result<B, Error> {
    let builder = builder
        .with_channel(channel(otlp, runtime, warnings)?)
        .with_metadata(MetadataMap::from_headers(otlp.headers.clone()))
        .with_timeout(otlp.timeout);
    Ok(if otlp.gzip {
        WithTonicConfig::with_compression(builder, Compression::Gzip)
    } else {
        builder
    })
}

/// A channel that connects when it is first used, and again when its connection is gone.
///
/// A connection that no longer answers is found out by a ping, in time for another try within the same
/// export; without pings it would be used until TCP gives up, a quarter of an hour. Three in a row from
/// one waiting request would make a collector in Go close the connection.
fn channel(
    otlp: &Otlp,
    runtime: &ExportRuntime,
    warnings: &mut Vec<Warning>,
) -> Result<Channel, Error> {
    let ping = otlp.timeout / 3;
    let endpoint = Endpoint::from(otlp.endpoint.uri.clone())
        .connect_timeout(otlp.timeout)
        .http2_keep_alive_interval(ping)
        .keep_alive_timeout(ping);
    let endpoint = tls::secure(endpoint, otlp, warnings)?;
    let _context = runtime.enter();
    Ok(endpoint.connect_lazy())
}
