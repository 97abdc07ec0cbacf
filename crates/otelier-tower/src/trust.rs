use std::net::IpAddr;

use opentelemetry::Context;
use opentelemetry::trace::{Link, TraceContextExt as _};

use crate::Cidr;

/// Whose trace a server goes on with, and whose request ids it keeps.
///
/// It never decides about a tenant, see [`TenantResolver`](crate::TenantResolver), nor about the client's address, see
/// [`trusted_proxies`](crate::ServerBuilder::trusted_proxies).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Trust {
    /// The caller's span is the parent and the caller's request id is kept, whoever that is.
    #[default]
    Always,
    /// As [`Always`](Self::Always) where the connection's peer is in one of these networks. Anybody
    /// else's request is a trace of its own, and neither its baggage nor its request id is taken over.
    FromProxies(Vec<Cidr>),
    /// Each request is a trace of its own, with a link to the caller's span. Neither the caller's baggage
    /// nor, but for one of the [trusted proxies](crate::ServerBuilder::trusted_proxies), its request id
    /// is taken over.
    Link,
}

impl Trust {
    pub(crate) fn includes(&self, peer: Option<IpAddr>) -> bool {
        match self {
            Self::Always => true,
            Self::FromProxies(networks) => peer.is_some_and(|peer| Cidr::any(networks, peer)),
            Self::Link => false,
        }
    }

    /// The context in which a request's span starts, and its links. `extract` reads the caller's.
    pub(crate) fn parent(
        &self,
        peer: Option<IpAddr>,
        extract: impl FnOnce() -> Context,
    ) -> (Context, Option<Vec<Link>>) {
        if self.includes(peer) {
            return (extract(), None);
        }
        let link = match self {
            Self::Link => {
                let caller = extract().span().span_context().clone();
                caller.is_valid().then(|| vec![Link::with_context(caller)])
            }
            _ => None,
        };
        (Context::new(), link)
    }
}
