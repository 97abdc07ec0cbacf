use std::env;

use otelier_testing::Collector;

use crate::Error;

/// What the command line and the environment say.
pub(crate) struct Settings {
    pub(crate) once: bool,
    pub(crate) port: u16,
    pub(crate) ops_port: u16,
    pub(crate) endpoint: Option<String>,
    pub(crate) protocol: Protocol,
}

/// By which protocol telemetry is sent, where the collector is this example's own.
pub(crate) enum Protocol {
    Grpc,
    Http,
}

impl Protocol {
    pub(crate) fn endpoint(&self, collector: &Collector) -> String {
        match self {
            Self::Grpc => collector.grpc_endpoint(),
            Self::Http => collector.http_endpoint(),
        }
    }
}

impl Settings {
    pub(crate) fn read() -> Result<Self, Error> {
        let mut once = false;
        for argument in env::args().skip(1) {
            match argument.as_str() {
                "--once" => once = true,
                _ => {
                    return Err(
                        format!("unknown argument {argument:?}: there is only --once").into(),
                    );
                }
            }
        }
        let endpoint = env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok();
        Ok(Self {
            once,
            port: port("PORT", 8080)?,
            ops_port: port("OPS_PORT", 9464)?,
            endpoint: endpoint.filter(|endpoint| !endpoint.is_empty()),
            protocol: match env::var("OTEL_EXPORTER_OTLP_PROTOCOL").as_deref() {
                Ok("grpc") => Protocol::Grpc,
                _ => Protocol::Http,
            },
        })
    }
}

/// Names the variable that moves a port which is taken.
pub(crate) fn explain(error: otelier::Error) -> Error {
    if !error.is_address_in_use() {
        return error.into();
    }
    let variable = if error.is_ops_listener() {
        "OPS_PORT"
    } else {
        "PORT"
    };
    format!("{error}: it is in use, set {variable} to a free port").into()
}

fn port(variable: &str, default: u16) -> Result<u16, Error> {
    match env::var(variable) {
        Ok(text) => text
            .parse()
            .map_err(|_| format!("{variable} is not a port number, 0 to 65535: {text:?}").into()),
        Err(env::VarError::NotPresent) => Ok(default),
        Err(error) => Err(format!("{variable}: {error}").into()),
    }
}
