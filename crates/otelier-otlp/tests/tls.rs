//! Export over TLS, with the collector behind a proxy that terminates it.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::path::PathBuf;
use std::sync::Arc;

use common::*;
use otelier_metrics::Registry;
use otelier_otlp::Pipeline;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

type Certificate = CertifiedKey<rcgen::KeyPair>;

const PROTOCOLS: [&str; 2] = ["grpc", "http/protobuf"];
const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const CLIENT_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
const CLIENT_KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";

fn certificate(name: &str) -> Certificate {
    generate_simple_self_signed([name.to_owned()]).unwrap()
}

fn file(directory: &TempDir, name: &str, pem: &str) -> String {
    let path: PathBuf = directory.path().join(name);
    std::fs::write(&path, pem).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Takes TLS connections, of this client only if there is one, and passes them on to the collector.
/// Returns its URL.
fn tls_proxy(server: &Certificate, client: Option<&Certificate>, collector: String) -> String {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client.cert.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::try_from(server.signing_key.serialize_der()).unwrap();
    let chain = vec![server.cert.der().clone()];
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let collector = collector.trim_start_matches("http://").to_owned();
    std::thread::spawn(move || {
        let serve = async move {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (acceptor, collector) = (acceptor.clone(), collector.clone());
                tokio::spawn(async move {
                    if let Ok(mut client) = acceptor.accept(client).await {
                        let mut server = TcpStream::connect(collector).await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        };
        block_on::<()>(serve);
    });
    format!("https://127.0.0.1:{port}")
}

#[test]
fn a_collector_with_the_given_certificate_is_trusted() {
    let directory = TempDir::new().unwrap();
    let server = certificate("127.0.0.1");
    let path = file(&directory, "server.pem", &server.cert.pem());
    for protocol in PROTOCOLS {
        let collector = collector();
        let url = tls_proxy(&server, None, endpoint(&collector, protocol));
        let (pipeline, _registry) = pipeline(protocol, &url, &[(CERTIFICATE, &path)]);
        record(&pipeline, "GET");
        pipeline.shutdown(LONG).unwrap();
        assert_eq!(collector.received().spans().single().name(), "GET");
        assert_eq!(collector.received().logs().single().body(), "GET");
    }
}

#[test]
fn a_client_certificate_is_presented() {
    let directory = TempDir::new().unwrap();
    let (server, client) = (certificate("127.0.0.1"), certificate("checkout"));
    let path = file(&directory, "server.pem", &server.cert.pem());
    let client_path = file(&directory, "client.pem", &client.cert.pem());
    let key = file(
        &directory,
        "client.key",
        &client.signing_key.serialize_pem(),
    );
    let files = [
        (CERTIFICATE, path.as_str()),
        (CLIENT_CERTIFICATE, &client_path),
        (CLIENT_KEY, &key),
    ];
    for protocol in PROTOCOLS {
        let collector = collector();
        let url = tls_proxy(&server, Some(&client), endpoint(&collector, protocol));
        let (with_key, _registry) = pipeline(protocol, &url, &files);
        record(&with_key, "known");
        with_key.shutdown(LONG).unwrap();
        let (without, _registry) = pipeline(protocol, &url, &files[..1]);
        record(&without, "unknown");
        assert!(without.shutdown(LONG).is_err());
        assert_eq!(collector.received().spans().single().name(), "known");
    }
}

#[test]
fn a_collector_of_another_name_or_of_an_unknown_authority_gets_nothing() {
    let directory = TempDir::new().unwrap();
    let other_name = certificate("other.example");
    let path = file(&directory, "other.pem", &other_name.cert.pem());
    let unknown = certificate("127.0.0.1");
    for protocol in PROTOCOLS {
        for (server, files) in [
            (&other_name, &[(CERTIFICATE, path.as_str())][..]),
            (&unknown, &[]),
        ] {
            let collector = collector();
            let url = tls_proxy(server, None, endpoint(&collector, protocol));
            let (pipeline, registry) = pipeline(protocol, &url, files);
            record(&pipeline, "GET");
            assert!(pipeline.shutdown(LONG).is_err());
            assert_eq!(count(&registry, SPANS, "unavailable"), 1);
            assert_eq!(collector.received().requests(), 0);
        }
    }
}

#[test]
fn files_that_cannot_be_read_are_warnings() {
    let directory = TempDir::new().unwrap();
    let garbage = file(
        &directory,
        "garbage.pem",
        "-----BEGIN CERTIFICATE-----\ns3cret",
    );
    let config = config(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://127.0.0.1:4317"),
        ("OTEL_LOGS_EXPORTER", "none"),
        (CERTIFICATE, &garbage),
        (CLIENT_KEY, "/nowhere/s3cret.key"),
    ]);
    let pipeline = Pipeline::start(config, &Registry::new("checkout")).unwrap();
    let warnings: Vec<_> = pipeline
        .warnings()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        warnings,
        [
            format!(
                "{CERTIFICATE} does not name a readable PEM file with a certificate: connections may fail"
            ),
            format!(
                "{CLIENT_KEY} does not name a readable PEM file with a private key: connections may fail"
            ),
        ]
    );
}
