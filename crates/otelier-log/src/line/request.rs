use otelier_context::{FieldValue, RequestContext};

use super::Line;
use crate::schema::Schema;

impl Line {
    /// Adds the fields that were set on the request, except those whose keys are taken.
    pub(crate) fn request_fields(&mut self, schema: &Schema, request: &RequestContext) {
        self.values(schema, &request.fields());
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
