use std::fs;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tonic::transport::{ClientTlsConfig, Endpoint, Identity};

use crate::Error;
use crate::config::{Otlp, TlsFiles, Warning};

pub(super) type Connector = HttpsConnector<HttpConnector>;

/// Connects over HTTP, or HTTPS if the endpoint says so.
pub(super) fn connector(otlp: &Otlp, warnings: &mut Vec<Warning>) -> Result<Connector, Error> {
    let mut roots = RootCertStore::empty();
    let mut identity = None;
    if otlp.endpoint.is_https() {
        let pem = Pem::read(&otlp.tls, warnings);
        roots = pem.roots()?;
        identity = pem.identity;
    }
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(Error::tls)?
        .with_root_certificates(roots);
    let identity = identity.and_then(|(chain, key)| Some((certificates(&chain)?, read_key(&key)?)));
    let config = match identity {
        Some((chain, key)) => config
            .with_client_auth_cert(chain, key)
            .map_err(Error::tls)?,
        None => config.with_no_client_auth(),
    };
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .build())
}

/// Secures a gRPC endpoint if it says so.
pub(super) fn secure(
    endpoint: Endpoint,
    otlp: &Otlp,
    warnings: &mut Vec<Warning>,
) -> Result<Endpoint, Error> {
    if !otlp.endpoint.is_https() {
        return Ok(endpoint);
    }
    let pem = Pem::read(&otlp.tls, warnings);
    let mut config = ClientTlsConfig::new().trust_anchors(pem.roots()?.roots);
    if let Some((chain, key)) = pem.identity {
        config = config.identity(Identity::from_pem(chain, key));
    }
    endpoint.tls_config(config).map_err(Error::tls)
}

/// The contents of the PEM files. One that cannot be read is a warning, and the connection fails rather
/// than trust others than it names.
struct Pem {
    /// Empty if it cannot be read.
    certificate: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Pem {
    fn read(files: &TlsFiles, warnings: &mut Vec<Warning>) -> Self {
        let mut read = |file: &Option<(String, String)>,
                        what: &str,
                        is_valid: fn(&[u8]) -> bool| {
            let (variable, path) = file.as_ref()?;
            let pem = fs::read(path).ok().filter(|pem| is_valid(pem));
            if pem.is_none() {
                let problem =
                    format!("does not name a readable PEM file with {what}: connections may fail");
                Warning::new(variable, problem).add_to(warnings);
            }
            pem
        };
        let is_certificate = |pem: &[u8]| certificates(pem).is_some();
        let certificate = read(&files.certificate, "a certificate", is_certificate)
            .or_else(|| files.certificate.as_ref().map(|_| Vec::new()));
        let chain = read(&files.client_certificate, "a certificate", is_certificate);
        let key = read(&files.client_key, "a private key", |pem| {
            read_key(pem).is_some()
        });
        let given = files
            .client_certificate
            .as_ref()
            .or(files.client_key.as_ref());
        if let (Some((variable, _)), true) = (given, chain.is_some() != key.is_some()) {
            let problem = "needs a client certificate and its key: no client certificate is used";
            Warning::new(variable, problem).add_to(warnings);
        }
        Self {
            certificate,
            identity: chain.zip(key),
        }
    }

    /// The given certificate, or the system's.
    fn roots(&self) -> Result<RootCertStore, Error> {
        let certificates = match &self.certificate {
            Some(pem) => certificates(pem).unwrap_or_default(),
            None => rustls_native_certs::load_native_certs().certs,
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates);
        if roots.is_empty() && self.certificate.is_none() {
            let advice =
                "there are no root certificates: name one by OTEL_EXPORTER_OTLP_CERTIFICATE";
            return Err(Error::tls(advice));
        }
        Ok(roots)
    }
}

fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    certificates
        .ok()
        .filter(|certificates| !certificates.is_empty())
}

fn read_key(pem: &[u8]) -> Option<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).ok()
}
