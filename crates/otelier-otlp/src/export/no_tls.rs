use hyper_util::client::legacy::connect::HttpConnector;
use tonic::transport::Endpoint;

use crate::Error;
use crate::config::{Otlp, Warning};

pub(super) type Connector = HttpConnector;

pub(super) fn connector(otlp: &Otlp, _: &mut Vec<Warning>) -> Result<Connector, Error> {
    refuse_https(otlp)?;
    Ok(HttpConnector::new())
}

pub(super) fn secure(
    endpoint: Endpoint,
    otlp: &Otlp,
    _: &mut Vec<Warning>,
) -> Result<Endpoint, Error> {
    refuse_https(otlp)?;
    Ok(endpoint)
}

fn refuse_https(otlp: &Otlp) -> Result<(), Error> {
    match &otlp.endpoint.set_by {
        Some(set_by) if otlp.endpoint.is_https() => Err(Error::tls_missing(set_by)),
        _ => Ok(()),
    }
}
