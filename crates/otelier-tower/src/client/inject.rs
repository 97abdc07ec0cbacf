use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Injector, TextMapPropagator};
use otelier_context::ContextExt as _;

/// Writes the context of a call into its headers, in place of what was there.
pub(crate) struct Injection {
    propagator: Box<dyn TextMapPropagator + Send + Sync>,
    fields: Vec<HeaderName>,
    request_id: Option<HeaderName>,
}

impl Injection {
    pub(crate) fn new(
        propagator: Box<dyn TextMapPropagator + Send + Sync>,
        request_id: Option<HeaderName>,
    ) -> Self {
        let fields = propagator.fields();
        Self {
            fields: fields.filter_map(|name| name.parse().ok()).collect(),
            propagator,
            request_id,
        }
    }

    pub(crate) fn inject(&self, cx: &Context, headers: &mut HeaderMap) {
        // All of them, for a gateway hands on headers of a caller that it may not trust.
        for field in &self.fields {
            headers.remove(field);
        }
        self.propagator.inject_context(cx, &mut Headers(headers));
        if let (Some(name), Some(request)) = (&self.request_id, cx.request()) {
            let mut buffer = [0; 36];
            if let Ok(id) = HeaderValue::from_str(request.id().encode(&mut buffer)) {
                insert(headers, name.clone(), id);
            }
        }
    }
}

impl fmt::Debug for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injection")
            .field("fields", &self.fields)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = HeaderName::from_bytes(key.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            insert(self.0, name, value);
        }
    }
}

/// A map that is full stays as it is: `insert` would panic.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let _ = headers.try_insert(name, value);
}
