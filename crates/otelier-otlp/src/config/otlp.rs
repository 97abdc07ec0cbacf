use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use super::endpoint::{Endpoint, Protocol};
use super::env::Env;
use super::sdk::Batch;
use crate::Signal;

pub(super) const USERINFO: &str =
    "has user information, which is not sent: use OTEL_EXPORTER_OTLP_HEADERS";

const MAX_HEADERS: usize = 64;

/// Where and how one signal is exported (specification, protocol/exporter.md).
#[derive(Debug, Clone)]
pub(crate) struct Otlp {
    pub(crate) signal: Signal,
    pub(crate) protocol: Protocol,
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: HeaderMap,
    /// Of one export with its retries.
    pub(crate) timeout: Duration,
    pub(crate) gzip: bool,
    #[cfg(feature = "tls")]
    pub(crate) tls: TlsFiles,
    pub(crate) batch: Batch,
    insecure: bool,
}

/// Paths of PEM files, each after the variable that names it.
#[cfg(feature = "tls")]
#[derive(Debug, Clone)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: Option<(String, String)>,
    pub(crate) client_certificate: Option<(String, String)>,
    pub(crate) client_key: Option<(String, String)>,
}

impl Otlp {
    pub(crate) fn from_env(env: &mut Env<'_>, signal: Signal) -> Self {
        let protocols = [
            ("http/protobuf", Protocol::HttpProtobuf),
            ("grpc", Protocol::Grpc),
        ];
        let protocol = env.choice(&signal.variables("PROTOCOL"), protocols);
        let insecure = env.flag(&signal.variables("INSECURE"));
        let batch = Batch::from_env(env, signal);
        let timeout = env.millis(&signal.variables("TIMEOUT"), 10_000);
        Self {
            signal,
            protocol,
            endpoint: endpoint(env, signal, protocol, insecure),
            headers: headers(env, signal),
            timeout: timeout.min(batch.timeout),
            gzip: env.choice(
                &signal.variables("COMPRESSION"),
                [("none", false), ("gzip", true)],
            ),
            #[cfg(feature = "tls")]
            tls: TlsFiles::from_env(env, signal),
            batch,
            insecure,
        }
    }

    /// Sets the endpoint as `OTEL_EXPORTER_OTLP_ENDPOINT` would; false if it cannot be read.
    /// What this base URL is to this signal, if it is one.
    pub(crate) fn read_endpoint(&self, url: &str, set_by: &str) -> Option<Endpoint> {
        let mut endpoint = Endpoint::read(url.trim(), self.protocol, self.insecure)?;
        if self.protocol == Protocol::HttpProtobuf {
            endpoint.append(self.signal);
        }
        endpoint.set_by = Some(set_by.to_owned());
        Some(endpoint)
    }
}

#[cfg(feature = "tls")]
impl TlsFiles {
    fn from_env(env: &Env<'_>, signal: Signal) -> Self {
        let path = |key: &str| env.first(signal.variables(key));
        Self {
            certificate: path("CERTIFICATE"),
            client_certificate: path("CLIENT_CERTIFICATE"),
            client_key: path("CLIENT_KEY"),
        }
    }
}

/// An endpoint of one signal is used as it is; the general one is a base that the signal's path is
/// appended to, for HTTP (section "Endpoint URLs for OTLP/HTTP").
fn endpoint(env: &mut Env<'_>, signal: Signal, protocol: Protocol, insecure: bool) -> Endpoint {
    let names = signal.variables("ENDPOINT");
    let expected = match protocol {
        Protocol::HttpProtobuf => "a URL of http or https",
        Protocol::Grpc => "a URL of http or https, or host:port",
    };
    let default = protocol.default_endpoint();
    let read = |text: &str| Endpoint::read(text, protocol, insecure);
    let (at, mut endpoint) = match env.read(&names, expected, default, read) {
        Some((at, endpoint)) => (Some(at), endpoint),
        None => (None, Endpoint::default_of(protocol)),
    };
    if protocol == Protocol::HttpProtobuf && at != Some(0) {
        endpoint.append(signal);
    }
    endpoint.set_by = at.map(|at| names[at].clone());
    if let (Some(at), true) = (at, endpoint.had_userinfo) {
        env.warn(&names[at], USERINFO);
    }
    endpoint
}

/// `key=value,key=value` with percent-encoded values, as in W3C Baggage without properties.
fn headers(env: &mut Env<'_>, signal: Signal) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some((name, text)) = env.first(signal.variables("HEADERS")) else {
        return headers;
    };
    for (at, entry) in text.split(',').enumerate() {
        let nth = at + 1;
        if headers.len() == MAX_HEADERS {
            env.warn(&name, format!("is left out from entry number {nth} on"));
            break;
        }
        if let Some((key, value)) = header(entry) {
            headers.insert(key, value);
        } else if !entry.trim().is_empty() {
            let problem =
                format!("has an entry, number {nth}, that is not key=value: it is left out");
            env.warn(&name, problem);
        }
    }
    headers
}

fn header(entry: &str) -> Option<(HeaderName, HeaderValue)> {
    let (key, value) = entry.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    Some((key.trim().parse().ok()?, value))
}
