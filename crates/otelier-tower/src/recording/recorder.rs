use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::request::Parts;
use http::{HeaderMap, HeaderName};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanBuilder, SpanKind, TraceContextExt as _, Tracer};
use opentelemetry::{Context, KeyValue};
use otelier_context::{
    ContextExt as _, HeaderExtractor, RequestContext, RequestId, RequestObserver,
};

use super::{Recording, guarded};
use crate::capture::Captured;
use crate::classify::Classifier;
use crate::grpc::Grpc;
use crate::inbound::{Inbound, UsualTexts};
use crate::metrics::{ActiveLabels, Handles, HttpServerMetrics};
use crate::resolve::{PeerOf, RouteOf, TenantResolver};
use crate::{Cidr, Trust, semconv};

/// Which requests are not told of.
type Skip = dyn Fn(&Parts) -> bool + Send + Sync;

/// What a layer was built with.
pub(crate) struct Settings {
    pub(crate) body_sizes: bool,
    pub(crate) catch_panic: bool,
    pub(crate) classifier: Box<dyn Classifier>,
    pub(crate) grpc: Option<Grpc>,
    pub(crate) metrics: Option<HttpServerMetrics>,
    pub(crate) observers: Vec<Arc<dyn RequestObserver>>,
    pub(crate) peer_of: Option<Box<dyn PeerOf>>,
    pub(crate) request_headers: Captured,
    pub(crate) response_headers: Captured,
    pub(crate) propagator: Box<dyn TextMapPropagator + Send + Sync>,
    pub(crate) request_id_headers: Vec<HeaderName>,
    pub(crate) route_of: Option<Box<dyn RouteOf>>,
    pub(crate) scheme: &'static str,
    pub(crate) skip: Box<Skip>,
    pub(crate) tenant: Option<Box<dyn TenantResolver>>,
    pub(crate) trust: Trust,
    pub(crate) trusted_proxies: Vec<Cidr>,
}

/// What the requests of a layer share.
pub(crate) struct Recorder {
    pub(super) settings: Settings,
    pub(super) handles: Handles,
    usual: UsualTexts,
}

impl Recorder {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            handles: Handles::new(settings.metrics.clone()),
            settings,
            usual: UsualTexts::default(),
        })
    }

    /// Whether the request with this head is not told of.
    pub(crate) fn skips(&self, head: &Parts) -> bool {
        guarded("skip", || (self.settings.skip)(head)).unwrap_or(false)
    }

    /// Starts the span, the clock and the gauge of the request with this head.
    pub(crate) fn start<T>(self: &Arc<Self>, tracer: &T, head: &Parts) -> Box<Recording>
    where
        T: Tracer,
        T::Span: Send + Sync + 'static,
    {
        let (start, wall) = (Instant::now(), SystemTime::now());
        let settings = &self.settings;
        let peer = settings.peer_of.as_ref();
        let peer = peer.and_then(|of| guarded("peer_of", || of.peer(head))?);
        let proxies = &settings.trusted_proxies;
        let inbound = Inbound::read(head, peer, proxies, settings.scheme);
        let peer = peer.map(|peer| peer.ip());
        let call = settings.grpc.as_ref().and_then(|grpc| grpc.call(head));
        let route = settings.route_of.as_ref().filter(|_| call.is_none());
        let route = route.and_then(|of| guarded("route_of", || of.route(head))?);
        let route = self.handles.route(route);
        let keeps_id =
            settings.trust.includes(peer) || peer.is_some_and(|peer| Cidr::any(proxies, peer));
        let (id, replaced) = request_id(&head.headers, settings, keeps_id, wall);

        let mut attributes = match &call {
            Some(call) => call.attributes(&inbound, &self.usual),
            None => inbound.attributes(&self.usual),
        };
        attributes.extend(settings.request_headers.attributes(&head.headers));
        let id_text = id.encode(&mut [0; 36]).to_owned();
        attributes.push(KeyValue::new(semconv::REQUEST_ID, id_text));
        if replaced {
            attributes.push(KeyValue::new(semconv::REQUEST_ID_REPLACED, true));
        }
        if let Some(template) = route.template() {
            attributes.push(KeyValue::new(semconv::HTTP_ROUTE, Arc::clone(template)));
        }
        let request = RequestContext::new(id);
        let tenant = settings.tenant.as_ref();
        if let Some(tenant) = tenant.and_then(|of| guarded("tenant", || of.tenant(head))?) {
            attributes.push(KeyValue::new(semconv::TENANT_ID, tenant.clone()));
            request.set_tenant(tenant);
        }

        // Not the current context: on a current-thread runtime that may be another task's.
        let (parent, links) = settings.trust.parent(peer, || {
            let headers = HeaderExtractor(&head.headers);
            let propagator = &settings.propagator;
            propagator.extract_with_context(&Context::new(), &headers)
        });
        let mut builder = SpanBuilder::from_name(match &call {
            Some(call) => call.method().name().to_string().into(),
            None => inbound.span_name(route.template().map(|template| &**template)),
        });
        builder.span_kind = Some(SpanKind::Server);
        builder.start_time = Some(wall);
        builder.attributes = Some(attributes);
        builder.links = links;
        let span = tracer.build_with_context(builder, &parent);

        let active = match &call {
            Some(_) => None,
            None => self.handles.begin(ActiveLabels {
                method: inbound.method,
                scheme: inbound.scheme,
            }),
        };
        Box::new(Recording {
            active,
            call,
            cx: parent.with_request(Arc::clone(&request)).with_span(span),
            recorder: Arc::clone(self),
            tenant_on_span: request.tenant().is_some(),
            request,
            inbound,
            route,
            start,
            wall,
            response: None,
            is_stream: false,
            bytes_out: 0,
            finished: false,
        })
    }
}

/// The id that came with the request if it is a valid one and may be kept, or a new one; and whether
/// what came had to be replaced.
fn request_id(
    headers: &HeaderMap,
    settings: &Settings,
    keep: bool,
    now: SystemTime,
) -> (RequestId, bool) {
    let mut came = false;
    for name in &settings.request_id_headers {
        let mut values = headers.get_all(name).iter();
        let first = values.next();
        came |= first.is_some();
        let only = first.filter(|_| keep && values.next().is_none());
        if let Some(kept) = only.and_then(|value| value.to_str().ok()?.parse().ok()) {
            return (kept, false);
        }
    }
    (RequestId::made_at(now), came)
}
