use std::sync::Arc;

use otelier_context::{FieldValue, RequestContext, TenantId, UserId};

use super::Line;
use crate::schema::Schema;

/// The ids of a request as one output writes them.
#[derive(Debug)]
pub(super) struct RequestIds {
    schema: u64,
    request: Arc<RequestContext>,
    /// Whether tenant and user were known: each is learned once.
    learned: [bool; 2],
    pub(super) bytes: Vec<u8>,
}

impl RequestIds {
    /// Takes the place of the request before, if there was one, and its buffer.
    pub(super) fn new(
        before: Option<Self>,
        schema: &Schema,
        request: &Arc<RequestContext>,
    ) -> Self {
        let mut buffer = [0; 36];
        let id = Some(request.id().encode(&mut buffer));
        let tenant = request.tenant().map(TenantId::as_str);
        let user = request.user().map(UserId::as_str);
        let mut bytes = before.map(|before| before.bytes).unwrap_or_default();
        bytes.clear();
        for (key, id) in schema.ids.iter().zip([id, tenant, user]) {
            if let Some(id) = id {
                // They consist of characters that need no escape, by their types' rules.
                bytes.extend_from_slice(key);
                bytes.extend_from_slice(id.as_bytes());
                bytes.push(b'"');
            }
        }
        Self {
            schema: schema.id,
            request: Arc::clone(request),
            learned: [tenant.is_some(), user.is_some()],
            bytes,
        }
    }

    #[inline]
    pub(super) fn is(&self, schema: &Schema, request: &Arc<RequestContext>) -> bool {
        self.schema == schema.id
            && Arc::ptr_eq(&self.request, request)
            && self.learned == [request.tenant().is_some(), request.user().is_some()]
    }
}

impl Line {
    /// Adds the fields that were set on the request, except those whose keys are taken.
    pub(crate) fn request_fields(&mut self, schema: &Schema) {
        if let Some(request) = &self.ids.request {
            let fields = request.fields();
            self.values(schema, &fields);
        }
    }

    pub(crate) fn values(&mut self, schema: &Schema, fields: &[(&'static str, FieldValue)]) {
        for (name, value) in fields {
            let key = schema.key(name);
            match value {
                FieldValue::Bool(value) => self.bool(key, *value),
                FieldValue::I64(value) => self.i64(key, *value),
                FieldValue::U64(value) => self.u64(key, *value),
                FieldValue::F64(value) => self.f64(key, *value),
                FieldValue::Str(value) => self.str(key, value),
                // FieldValue may learn further kinds.
                other => self.debug(key, other),
            }
        }
    }
}
