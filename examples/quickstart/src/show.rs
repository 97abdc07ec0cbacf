//! One request, shown as each of the three signals tells of it.

use std::collections::HashSet;
use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::io::{IsTerminal as _, stdout};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use otelier_testing::{Collector, Log, Received, Trace};

use crate::Error;
use crate::client::Client;

const ROUTE: &str = "/orders/{id}";
/// Longer than the batch processors of spans and log records wait by default.
const PATIENCE: Duration = Duration::from_secs(15);
const A_LONG_TIME: Duration = Duration::from_secs(3_600);

/// Sends the requests, and waits for what is told of one of them.
pub(crate) async fn show(
    app: SocketAddr,
    ops: SocketAddr,
    telemetry: &Telemetry,
) -> Result<Show, Error> {
    let client = Client::new();
    let request_id = send_requests(&client, app).await?;
    let metrics = client.get(ops, "/metrics").await?.into_body();
    let mut seen = Seen {
        sample: Sample::of_route(&metrics),
        ..Seen::default()
    };
    let verdict = match telemetry {
        Telemetry::Here(collector) => {
            seen.wait(collector, &request_id).await;
            seen.agreement()
        }
        Telemetry::Sent(endpoint) => Ok(format!("trace and log lines were sent to {endpoint}")),
    };
    let page = format!(
        "\nGET /orders/42 at http://{app}, request {request_id}\n{seen}\n\
         app http://{app}   ops http://{ops}/metrics /livez /readyz\n"
    );
    Ok(Show {
        page: seen.mark(&page),
        verdict,
    })
}

/// Prints each further trace when it is complete, where they come here.
pub(crate) async fn follow(telemetry: &Telemetry) -> Infallible {
    let Telemetry::Here(collector) = telemetry else {
        return pending().await;
    };
    let complete = |received: &Received| -> HashSet<String> {
        let traces = received.traces().filter(Trace::is_complete);
        traces.iter().map(|trace| trace.id().to_owned()).collect()
    };
    let mut shown = complete(&collector.received());
    loop {
        let news = |received: &Received| !complete(received).is_subset(&shown);
        let Ok(received) = collector
            .wait_until(news)
            .within(A_LONG_TIME)
            .try_wait()
            .await
        else {
            continue;
        };
        let ids = complete(&received);
        for id in ids.difference(&shown) {
            if let Some(trace) = received.trace(id) {
                print!("\n{}", indent(&trace.to_string()));
            }
        }
        shown = ids; // of what the collector still keeps
    }
}

/// Where the telemetry goes.
pub(crate) enum Telemetry {
    Here(Collector),
    Sent(String),
}

/// The request as its signals tell of it, and whether they agree.
pub(crate) struct Show {
    page: String,
    verdict: Result<String, String>,
}

impl Show {
    pub(crate) fn agrees(&self) -> bool {
        self.verdict.is_ok()
    }
}

impl fmt::Display for Show {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.page)?;
        match &self.verdict {
            Ok(agreement) => writeln!(f, "{agreement}"),
            Err(difference) => writeln!(f, "differ: {difference}"),
        }
    }
}

/// A request of each kind; the id of the one to show.
async fn send_requests(client: &Client, app: SocketAddr) -> Result<String, Error> {
    let shown = client.get(app, "/orders/42").await?;
    for path in [
        "/",
        "/slow?ms=20",
        "/fail",
        "/panic",
        "/stream?frames=3&ms=5",
    ] {
        client.get(app, path).await?;
    }
    client
        .post_json(app, "/echo", r#"{"hello":"world"}"#)
        .await?;
    let id = shown.headers().get("x-request-id");
    let id = id.ok_or("the answer has no x-request-id")?;
    Ok(id.to_str()?.to_owned())
}

/// What each signal told of the request.
#[derive(Default)]
struct Seen {
    trace: Option<Trace>,
    logs: Vec<Arc<Log>>,
    sample: Option<Sample>,
}

impl Seen {
    /// Waits until the collector has the request's span, the span below it, and both its log records;
    /// where they do not come, takes what there is.
    async fn wait(&mut self, collector: &Collector, request_id: &str) {
        let complete = |received: &Received| {
            let spans = trace_of(received, request_id).map_or(0, |trace| trace.spans().len());
            spans >= 2 && logs_of(received, request_id).len() >= 2
        };
        let received = collector
            .wait_until(complete)
            .within(PATIENCE)
            .try_wait()
            .await;
        let received = received.unwrap_or_else(|timeout| timeout.received().clone());
        self.trace = trace_of(&received, request_id);
        self.logs = logs_of(&received, request_id);
    }

    /// The agreement of the three in words, or what differs.
    fn agreement(&self) -> Result<String, String> {
        let trace = self.trace.as_ref().ok_or("no trace arrived")?;
        let id = trace.id();
        if trace.find_span("load_order").is_none() {
            return Err(format!("trace {id} has no span load_order"));
        }
        if self.logs.len() < 2 {
            return Err(format!("{} of 2 log records arrived", self.logs.len()));
        }
        let other = |log: &&Arc<Log>| log.trace_id() != Some(id);
        if let Some(log) = self.logs.iter().find(other) {
            return Err(format!("the trace is {id}, but a log record is: {log}"));
        }
        let sample = self.sample.as_ref().ok_or("no sample has an exemplar")?;
        if sample.trace_id != id {
            return Err(format!(
                "the exemplar has trace {}, the trace is {id}",
                sample.trace_id
            ));
        }
        Ok(format!("agree: {id}"))
    }

    /// The page with the shared trace id marked.
    fn mark(&self, page: &str) -> String {
        let Some(id) = self.trace.as_ref().map(Trace::id) else {
            return page.to_owned();
        };
        let marked = if stdout().is_terminal() {
            format!("\x1b[7m{id}\x1b[0m")
        } else {
            format!("«{id}»")
        };
        page.replace(id, &marked)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(trace) = &self.trace {
            write!(
                f,
                "\n  1. the trace, by OTLP\n{}",
                indent(&trace.to_string())
            )?;
            write!(f, "\n  2. its log lines, by OTLP as on stdout\n")?;
            for log in &self.logs {
                f.write_str(&indent(&log.to_string()))?;
            }
        }
        if let Some(sample) = &self.sample {
            let Sample {
                series,
                value,
                exemplar,
                ..
            } = sample;
            writeln!(f, "\n  3. its metric, by GET /metrics, and its exemplar")?;
            writeln!(f, "     {series}\n     {value}\n     {exemplar}")?;
        }
        Ok(())
    }
}

/// A bucket of the route's histogram that carries an exemplar.
struct Sample {
    series: String,
    value: String,
    exemplar: String,
    trace_id: String,
}

impl Sample {
    fn of_route(metrics: &str) -> Option<Self> {
        let route = format!("http_route=\"{ROUTE}\"");
        metrics
            .lines()
            .filter(|line| line.starts_with("http_server_request_duration_seconds_bucket"))
            .filter(|line| line.contains(&route))
            .find_map(|line| {
                let (sample, exemplar) = line.split_once(" # ")?;
                let (series, value) = sample.rsplit_once(' ')?;
                let (_, id) = exemplar.split_once("trace_id=\"")?;
                let (id, _) = id.split_once('"')?;
                Some(Self {
                    series: series.to_owned(),
                    value: value.to_owned(),
                    exemplar: format!("# {exemplar}"),
                    trace_id: id.to_owned(),
                })
            })
    }
}

fn trace_of(received: &Received, request_id: &str) -> Option<Trace> {
    let of_request = |span: &otelier_testing::Span| {
        let id = span.attributes().get("request.id");
        id.is_some_and(|id| *id == *request_id)
    };
    let spans = received.spans();
    Some(spans.iter().find(|span| of_request(span))?.trace().clone())
}

fn logs_of(received: &Received, request_id: &str) -> Vec<Arc<Log>> {
    let of_request = |log: &Arc<Log>| {
        let id = log.attributes().get("request.id");
        id.is_some_and(|id| *id == *request_id)
    };
    let mut logs: Vec<_> = received.logs().filter(of_request).into_iter().collect();
    logs.sort_by_key(|log| log.time());
    logs
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("     {line}\n")).collect()
}
