use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use crate::span_data::SpanData;
use crate::store::Batch;
use crate::{List, Log, Metric, Span, Trace};

const CAPACITY: usize = 64 * 1024 * 1024;
/// What a batch costs beside its bytes, so that empty requests are bounded too.
const BATCH_OVERHEAD: usize = 1024;

/// All that a collector holds at one moment.
///
/// A collector keeps the newest 64 MiB of requests (as encoded, each counted with 1 KiB more) and
/// drops the oldest ones first.
#[derive(Clone, Debug, Default)]
pub struct Received {
    batches: VecDeque<(usize, Arc<Batch>)>,
    bytes: usize,
    requests: u64,
    dropped: u64,
}

impl Received {
    /// All traces, complete or not.
    pub fn traces(&self) -> List<Trace> {
        let mut places = HashMap::new();
        let mut traces: Vec<Vec<Arc<SpanData>>> = Vec::new();
        for span in self.span_data() {
            let place = *places.entry(&span.trace_id).or_insert(traces.len());
            if place == traces.len() {
                traces.push(Vec::new());
            }
            traces[place].push(Arc::clone(span));
        }
        List(traces.into_iter().filter_map(Trace::new).collect())
    }

    /// The trace of this id (in hexadecimal), complete or not.
    pub fn trace(&self, id: impl fmt::Display) -> Option<Trace> {
        let id = id.to_string();
        let spans = self
            .span_data()
            .filter(|span| span.trace_id.eq_ignore_ascii_case(&id));
        Trace::new(spans.cloned().collect())
    }

    /// The spans of all traces.
    pub fn spans(&self) -> List<Span> {
        List(self.traces().iter().flat_map(Trace::spans).collect())
    }

    /// All log records.
    pub fn logs(&self) -> List<Arc<Log>> {
        let logs = self.batches().filter_map(|batch| match batch {
            Batch::Logs(logs) => Some(logs),
            _ => None,
        });
        List(logs.flatten().cloned().collect())
    }

    /// The log records that carry this trace id (in hexadecimal).
    pub fn logs_of(&self, trace_id: impl fmt::Display) -> List<Arc<Log>> {
        let id = trace_id.to_string();
        let of_trace = |log: &Arc<Log>| {
            log.trace_id()
                .is_some_and(|own| own.eq_ignore_ascii_case(&id))
        };
        self.logs().filter(of_trace)
    }

    /// All metrics; one that is exported repeatedly is there as often.
    pub fn metrics(&self) -> List<Arc<Metric>> {
        let metrics = self.batches().filter_map(|batch| match batch {
            Batch::Metrics(metrics) => Some(metrics),
            _ => None,
        });
        List(metrics.flatten().cloned().collect())
    }

    /// The metric of this name that arrived last.
    pub fn metric(&self, name: &str) -> Option<Arc<Metric>> {
        self.metrics()
            .iter()
            .rfind(|metric| metric.name() == name)
            .cloned()
    }

    /// How many well-formed export requests came, whatever was answered to them.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// How many spans, log records and metrics were dropped to make room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(crate) fn arrive(&mut self, batch: Option<Batch>, bytes: usize) {
        self.requests += 1;
        let Some(batch) = batch.filter(|batch| batch.len() > 0) else {
            return;
        };
        let cost = bytes + BATCH_OVERHEAD;
        self.bytes += cost;
        self.batches.push_back((cost, Arc::new(batch)));
        while self.bytes > CAPACITY {
            let Some((cost, oldest)) = self.batches.pop_front() else {
                break;
            };
            self.bytes -= cost;
            self.dropped += oldest.len() as u64;
        }
    }

    fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.batches.iter().map(|(_, batch)| &**batch)
    }

    fn span_data(&self) -> impl Iterator<Item = &Arc<SpanData>> {
        let spans = self.batches().filter_map(|batch| match batch {
            Batch::Spans(spans) => Some(spans),
            _ => None,
        });
        spans.flatten()
    }
}

/// A line of counts, then each trace as a tree, and a line for each log record and metric point.
impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spans, logs, metrics) = (self.span_data().count(), self.logs(), self.metrics());
        writeln!(
            f,
            "requests: {}, spans: {spans}, log records: {}, metrics: {}, dropped: {}",
            self.requests,
            logs.len(),
            metrics.len(),
            self.dropped,
        )?;
        write!(f, "{}{logs}{metrics}", self.traces())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::logs;

    #[test]
    fn the_oldest_requests_make_room_and_are_counted() {
        let mut received = Received::default();
        received.arrive(Some(logs(&["first", "second"])), CAPACITY / 2);
        received.arrive(Some(logs(&["third"])), CAPACITY / 4);
        assert_eq!(received.dropped(), 0);

        received.arrive(Some(logs(&["fourth"])), CAPACITY / 4);
        let kept: Vec<_> = received
            .logs()
            .iter()
            .map(|log| log.body().clone())
            .collect();
        assert_eq!(kept, ["third", "fourth"]);
        assert_eq!(received.dropped(), 2);
        assert_eq!(received.requests(), 3);
        assert!(received.bytes <= CAPACITY);
    }
}
