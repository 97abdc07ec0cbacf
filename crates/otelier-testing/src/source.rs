use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::Attributes;

/// Where an item comes from, shared by the items of one block.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) resource: Arc<Attributes>,
    pub(crate) scope: Arc<str>,
}

impl Source {
    pub(crate) fn resource(resource: Option<Resource>) -> Arc<Attributes> {
        Arc::new(
            resource
                .map(|resource| resource.attributes.into())
                .unwrap_or_default(),
        )
    }

    pub(crate) fn new(resource: &Arc<Attributes>, scope: Option<InstrumentationScope>) -> Self {
        Self {
            resource: Arc::clone(resource),
            scope: scope.map(|scope| scope.name).unwrap_or_default().into(),
        }
    }
}
