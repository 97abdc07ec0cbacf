use std::net::SocketAddr;

use http::HeaderName;
use http::request::Parts;
use otelier_context::TenantId;

/// Finds the tenant on whose behalf a request runs: a verified claim, a host name, a trusted header.
///
/// It runs once, before the handler. There is none by default, because a client's word is no proof;
/// an application that learns the tenant later calls `otelier_context::current()`.
pub trait TenantResolver: Send + Sync + 'static {
    /// The tenant of the request with this head, if it is known.
    fn tenant(&self, request: &Parts) -> Option<TenantId>;
}

impl<F: Fn(&Parts) -> Option<TenantId> + Send + Sync + 'static> TenantResolver for F {
    fn tenant(&self, request: &Parts) -> Option<TenantId> {
        self(request)
    }
}

/// Takes the tenant from a header that a proxy in front of this service sets.
#[derive(Debug, Clone)]
pub struct HeaderTenant(HeaderName);

impl HeaderTenant {
    /// Believes this header. Only for a service that cannot be reached but through a proxy that sets
    /// or removes it: else any client can claim to be any tenant.
    ///
    /// # Panics
    ///
    /// If the name is not a header's name in lower case: it is meant to be a constant.
    pub const fn trusted(name: &'static str) -> Self {
        Self(HeaderName::from_static(name))
    }
}

impl TenantResolver for HeaderTenant {
    fn tenant(&self, request: &Parts) -> Option<TenantId> {
        let mut values = request.headers.get_all(&self.0).iter();
        // A second value is a proxy that appends to what the client sent.
        let only = values.next().filter(|_| values.next().is_none())?;
        only.to_str().ok()?.parse().ok()
    }
}

/// Finds the router's template that a request matched, such as `/orders/{id}`.
///
/// It must be a template or nothing: a path would make a span name and a time series of its own.
pub trait RouteOf: Send + Sync + 'static {
    /// The template that the request with this head matched.
    fn route<'a>(&self, request: &'a Parts) -> Option<&'a str>;
}

impl<F: Fn(&Parts) -> Option<&str> + Send + Sync + 'static> RouteOf for F {
    fn route<'a>(&self, request: &'a Parts) -> Option<&'a str> {
        self(request)
    }
}

/// Finds the address of the connection's other end.
pub trait PeerOf: Send + Sync + 'static {
    /// The peer of the request with this head.
    fn peer(&self, request: &Parts) -> Option<SocketAddr>;
}

impl<F: Fn(&Parts) -> Option<SocketAddr> + Send + Sync + 'static> PeerOf for F {
    fn peer(&self, request: &Parts) -> Option<SocketAddr> {
        self(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_headers_are_no_tenant() {
        let request = http::Request::builder()
            .header("x-tenant-id", "evil")
            .header("x-tenant-id", "acme");
        let head = request.body(()).unwrap().into_parts().0;
        assert_eq!(HeaderTenant::trusted("x-tenant-id").tenant(&head), None);
    }

    #[test]
    fn a_header_that_is_no_tenant_id_is_no_tenant() {
        let resolver = HeaderTenant::trusted("x-tenant-id");
        let tenant = |value: &str| {
            let request = http::Request::builder().header("x-tenant-id", value);
            resolver.tenant(&request.body(()).unwrap().into_parts().0)
        };
        assert_eq!(tenant("acme"), Some("acme".parse().unwrap()));
        assert_eq!(tenant("a b"), None);
        assert_eq!(tenant(&"x".repeat(65)), None);
    }
}
