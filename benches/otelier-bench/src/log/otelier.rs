//! otelier's JSON layer. Request id and tenant come from the attached OpenTelemetry context.

use std::sync::Arc;

use opentelemetry::Context;
use otelier_context::{ContextExt as _, RequestContext, RequestId};
use otelier_log::JsonLayer;
use tracing::{Dispatch, dispatcher, info_span};
use tracing_subscriber::prelude::*;

use super::{EVENT_FIELDS, TENANT_ID, emit};
use crate::bench::{Batch, Result, Subject};
use crate::line::{self, NullWriter};

pub(super) struct Otelier {
    request: Arc<RequestContext>,
    line_len: Option<usize>,
}

impl Otelier {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            request: request()?,
            line_len: None,
        })
    }
}

impl Subject for Otelier {
    fn name(&self) -> &'static str {
        "otelier"
    }

    fn check(&mut self) -> Result {
        let written = line::capture(|| self.batch(&mut Batch::single()))?;
        self.line_len = Some(written.len());
        check_line(&written, &self.request)
    }

    fn batch(&mut self, batch: &mut Batch) -> Result {
        let layer = JsonLayer::builder().writer(|| NullWriter).build();
        let subscriber = tracing_subscriber::registry().with(layer).into();
        line::expect_count(batch.calls(), || {
            in_spans(&subscriber, &self.request, || batch.measure(emit));
        })
    }

    fn bytes(&self) -> Option<usize> {
        self.line_len
    }
}

/// Runs `work` in a request with this subscriber.
pub(super) fn in_spans(subscriber: &Dispatch, request: &Arc<RequestContext>, work: impl FnOnce()) {
    let context = Context::new().with_request(Arc::clone(request));
    dispatcher::with_default(subscriber, || {
        let _context = context.attach();
        let _request = info_span!("http.request", method = "GET", route = "/users/{id}").entered();
        let _load = info_span!("load_user", user_id = 42_u64, cache = true).entered();
        work();
    });
}

pub(super) fn check_line(written: &[u8], request: &RequestContext) -> Result {
    let request_id = request.id().to_string();
    let request_fields = [
        ("method", "GET"),
        ("route", "/users/{id}"),
        ("request_id", &request_id),
        ("tenant_id", TENANT_ID),
    ];
    // `user_id` is reserved for the request's user; a span's field does not take its place.
    let load_fields = [("field.user_id", "42"), ("cache", "true")];
    for (key, value) in [&EVENT_FIELDS[..], &request_fields, &load_fields].concat() {
        line::check(written, [(format!("/{key}").as_str(), value)])?;
    }
    Ok(())
}

pub(super) fn request() -> Result<Arc<RequestContext>> {
    let request = RequestContext::new(RequestId::make());
    request.set_tenant(TENANT_ID.parse()?);
    Ok(request)
}
