use std::fmt;
use std::sync::Arc;

use http::{HeaderName, Uri};
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use otelier_context::{BaggagePropagator, RequestObserver, TraceContextPropagator};

use super::inject::Injection;
use super::recording::Recorder;
use super::{ClientLayer, HttpClientClassifier, HttpClientMetrics};
use crate::classify::Classifier;

const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Builds a [`ClientLayer`].
#[must_use]
pub struct ClientBuilder<T> {
    tracer: T,
    classifier: Box<dyn Classifier>,
    metrics: Option<HttpClientMetrics>,
    observers: Vec<Arc<dyn RequestObserver>>,
    origin: Option<Uri>,
    propagator: Box<dyn TextMapPropagator + Send + Sync>,
    request_id_header: Option<HeaderName>,
}

impl<T> ClientBuilder<T> {
    pub(super) fn new(tracer: T) -> Self {
        let propagator = TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator),
            Box::new(BaggagePropagator),
        ]);
        Self {
            tracer,
            classifier: Box::new(HttpClientClassifier::default()),
            metrics: None,
            observers: Vec::new(),
            origin: None,
            propagator: Box::new(propagator),
            request_id_header: Some(REQUEST_ID_HEADER),
        }
    }

    /// Records each call in these metrics, with its trace as the exemplar. Default: none.
    pub fn metrics(mut self, metrics: HttpClientMetrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Tells this observer of each call's end, with the call's context attached. There may be several.
    /// Default: none, and no line.
    ///
    /// Its `route` is the [`UrlTemplate`](crate::UrlTemplate), and its `bytes_out` are the bytes of the
    /// response's body that came.
    pub fn observer(mut self, observer: impl RequestObserver + 'static) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// What an ending means. Default: [`HttpClientClassifier`].
    pub fn classifier(mut self, classifier: impl Classifier) -> Self {
        self.classifier = Box::new(classifier);
        self
    }

    /// Where those requests go whose URI does not say it, as below a connection or a tonic channel.
    /// Default: as their Host header says, by http.
    pub fn origin(mut self, origin: Uri) -> Self {
        self.origin = Some(origin);
        self
    }

    /// How to write the call's context into the request's headers, in place of any that have the names
    /// of its fields. Default: W3C Trace Context and Baggage.
    ///
    /// Baggage goes to each server that is called, other people's too: leave its propagator out where
    /// they should not have it.
    pub fn propagator(
        mut self,
        propagator: impl TextMapPropagator + Send + Sync + 'static,
    ) -> Self {
        self.propagator = Box::new(propagator);
        self
    }

    /// In which header the id of the request that runs travels on, in place of one that is there; None
    /// for none. Default: `x-request-id`.
    pub fn request_id_header(mut self, name: impl Into<Option<HeaderName>>) -> Self {
        self.request_id_header = name.into();
        self
    }

    /// The layer.
    pub fn build(self) -> ClientLayer<T> {
        let injection = Injection::new(self.propagator, self.request_id_header);
        ClientLayer {
            tracer: self.tracer,
            recorder: Recorder::new(
                self.classifier,
                injection,
                self.metrics,
                self.observers,
                self.origin,
            ),
        }
    }
}

impl<T> fmt::Debug for ClientBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
