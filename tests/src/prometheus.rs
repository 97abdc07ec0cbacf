use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::process::Process;
use crate::{free_port, get};

/// A Prometheus with the configuration of `deploy/`, but for the target's port and a scrape every second.
#[derive(Debug)]
pub struct Prometheus {
    _process: Process,
    api: String,
    start: u64,
}

impl Prometheus {
    /// Starts it with `127.0.0.1:{target}` as its only target and waits until it serves queries.
    ///
    /// # Panics
    /// If it does not within [`DEADLINE`](crate::DEADLINE).
    pub async fn start(prometheus: &Path, target: u16) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let config = dir.path().join("prometheus.yml");
        fs::write(&config, config_for(target)).expect("write the configuration");
        let port = free_port();
        let mut command = Command::new(prometheus);
        command
            .arg("--enable-feature=exemplar-storage")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                dir.path().join("data").display()
            ));
        let mut process = Process::start("prometheus", dir, &mut command);
        let ready = format!("http://127.0.0.1:{port}/-/ready");
        process
            .ready(async || {
                get(&ready)
                    .await
                    .is_some_and(|response| response.status == 200)
            })
            .await;
        Self {
            _process: process,
            api: format!("http://127.0.0.1:{port}/api/v1"),
            start: now(),
        }
    }

    /// The current samples of the series called `metric`, as text.
    pub async fn values(&self, metric: &str) -> Vec<String> {
        let data = self.data(&format!("query?query={metric}")).await;
        let samples = data["result"].as_array().into_iter().flatten();
        samples
            .filter_map(|sample| sample["value"][1].as_str().map(str::to_owned))
            .collect()
    }

    /// The labels of the exemplars on the series called `metric` since the start.
    pub async fn exemplars(&self, metric: &str) -> Vec<Value> {
        let (start, end) = (self.start, now() + 1);
        let data = self
            .data(&format!(
                "query_exemplars?query={metric}&start={start}&end={end}"
            ))
            .await;
        let series = data.as_array().into_iter().flatten();
        let exemplars = series
            .filter_map(|series| series["exemplars"].as_array())
            .flatten();
        exemplars
            .map(|exemplar| exemplar["labels"].clone())
            .collect()
    }

    async fn data(&self, query: &str) -> Value {
        let response = get(&format!("{}/{query}", self.api))
            .await
            .expect("Prometheus answers");
        assert_eq!(response.status, 200, "{}", response.body);
        let mut answer: Value =
            serde_json::from_str(&response.body).expect("Prometheus answers in JSON");
        answer["data"].take()
    }
}

fn config_for(target: u16) -> String {
    let mut config = include_str!("../../deploy/prometheus/prometheus.yml").to_owned();
    for (from, to) in [
        ("127.0.0.1:9464", format!("127.0.0.1:{target}").as_str()),
        ("scrape_interval: 5s", "scrape_interval: 1s"),
    ] {
        assert!(config.contains(from), "prometheus.yml has no {from}");
        config = config.replace(from, to);
    }
    config
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970")
        .as_secs()
}
