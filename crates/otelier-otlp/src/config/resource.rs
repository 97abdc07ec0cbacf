use std::env::{current_exe, var};
use std::fs;
use std::process;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use percent_encoding::percent_decode_str;

use super::env::Env;

/// The attributes of the resource, weakest first: what is found out here, `OTEL_RESOURCE_ATTRIBUTES`,
/// `OTEL_SERVICE_NAME`, and what is set in code (specification, resource/sdk.md, "Specifying resource
/// information via an environment variable": the user's code has the higher priority).
///
/// The service name given in code is the exception. It is a default, so that one binary can run under
/// two names.
#[derive(Debug, Clone)]
pub(crate) struct Attributes {
    found: Vec<KeyValue>,
    from_env: Vec<KeyValue>,
    pub(crate) in_code: Vec<KeyValue>,
}

impl Attributes {
    pub(crate) fn from_env(env: &mut Env<'_>, service_name: &str) -> Self {
        let mut from_env = parse(env, "OTEL_RESOURCE_ATTRIBUTES");
        let name = env.text("OTEL_SERVICE_NAME");
        from_env.extend(name.map(|name| KeyValue::new("service.name", name)));
        Self {
            found: found(service_name),
            from_env,
            in_code: Vec::new(),
        }
    }

    pub(crate) fn resource(self) -> Resource {
        Resource::builder_empty()
            .with_detector(Box::new(TelemetryResourceDetector))
            .with_attributes(self.found)
            .with_attributes(self.from_env)
            .with_attributes(self.in_code)
            .build()
    }
}

/// `key=value,key=value`, percent-encoded. On any error the whole value is discarded, as the
/// specification asks.
fn parse(env: &mut Env<'_>, name: &str) -> Vec<KeyValue> {
    let expected = "a list of key=value with percent-encoded values";
    let pair = |entry: &str| {
        let (key, value) = entry.split_once('=')?;
        let decode = |text: &str| {
            let text = percent_decode_str(text.trim()).decode_utf8().ok()?;
            Some(text.into_owned())
        };
        let key = decode(key).filter(|key| !key.is_empty())?;
        Some(KeyValue::new(key, decode(value)?))
    };
    let read = |text: &str| {
        let entries = text.split(',').filter(|entry| !entry.trim().is_empty());
        entries.map(pair).collect::<Option<Vec<_>>>()
    };
    env.read(&[name], expected, "no attributes", read)
        .map_or_else(Vec::new, |(_, attributes)| attributes)
}

fn found(service_name: &str) -> Vec<KeyValue> {
    let executable = current_exe().ok();
    let executable = executable
        .as_ref()
        .and_then(|path| path.file_name()?.to_str());
    let service_name = match (service_name, executable) {
        ("", Some(executable)) => format!("unknown_service:{executable}"),
        ("", None) => "unknown_service".to_owned(),
        (name, _) => name.to_owned(),
    };
    let instance = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let mut found = vec![
        KeyValue::new("service.name", service_name),
        KeyValue::new("service.instance.id", instance.to_string()),
        KeyValue::new("process.pid", i64::from(process::id())),
    ];
    let executable = executable.map(str::to_owned);
    found.extend(executable.map(|name| KeyValue::new("process.executable.name", name)));
    found.extend(host_name().map(|name| KeyValue::new("host.name", name)));
    found
}

/// From Linux's kernel, else from the variable that shells and Windows set; std has no call for it.
fn host_name() -> Option<String> {
    let kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernel
        .or_else(|| var("HOSTNAME").ok())
        .or_else(|| var("COMPUTERNAME").ok())?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}
