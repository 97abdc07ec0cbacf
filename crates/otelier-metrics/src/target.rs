use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::EncodeMetric as _;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::info::Info;

/// `target_info`: the resource as labels (OpenTelemetry specification,
/// compatibility/prometheus_and_openmetrics.md, "Resource attributes").
#[derive(Clone, Debug)]
pub(crate) struct Target(Arc<Mutex<Info<Labels>>>);

type Labels = Vec<(String, String)>;

impl Target {
    pub(crate) fn new(service: &str) -> Self {
        Self(Arc::new(Mutex::new(info([("service.name", service)]))))
    }

    pub(crate) fn set<K: AsRef<str>, V: ToString>(
        &self,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) {
        *self.lock() = info(attributes);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Info<Labels>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Target {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let metric =
            encoder.encode_descriptor("target", "Target metadata", None, MetricType::Info)?;
        self.lock().encode(metric)
    }
}

fn info<K: AsRef<str>, V: ToString>(attributes: impl IntoIterator<Item = (K, V)>) -> Info<Labels> {
    let mut labels = Labels::new();
    for (key, value) in attributes {
        let key = label_name(key.as_ref());
        // Two attributes whose names fold into one label would make a duplicate label.
        if labels.iter().all(|(other, _)| *other != key) {
            labels.push((key, value.to_string()));
        }
    }
    Info::new(labels)
}

/// Characters that a label cannot have become `_`.
fn label_name(key: &str) -> String {
    let digit_first = key.starts_with(|c: char| c.is_ascii_digit());
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let body = key.chars().map(|c| if legal(c) { c } else { '_' });
    digit_first.then_some('_').into_iter().chain(body).collect()
}

#[cfg(test)]
mod tests {
    use crate::Registry;

    #[test]
    fn the_resource_is_target_info() {
        let registry = Registry::new("checkout");
        assert!(
            registry
                .expose(None)
                .unwrap()
                .body
                .contains(r#"target_info{service_name="checkout"} 1"#)
        );
        registry.set_target([
            ("service.name", "a\"b"),
            ("service_name", "x"),
            ("1st.key", "v"),
        ]);
        let body = registry.expose(None).unwrap().body;
        let expected = r#"target_info{service_name="a\"b",_1st_key="v"} 1"#;
        assert!(body.contains(expected), "{body}");
    }
}
