use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use opentelemetry::Context;

use crate::{RequestId, TenantId, UserId};

static LATE_WRITES: AtomicU64 = AtomicU64::new(0);

/// What is known of the request that runs: its id, and its tenant, user and error once they are.
///
/// It lives in OpenTelemetry's [`Context`] as an `Arc`. Each value but the id may be learned late and
/// is set once: the first writer wins. What is set appears in each later log line, on the server span
/// and in the access line. A write after the request has ended is ignored and counted.
#[derive(Debug)]
pub struct RequestContext {
    id: RequestId,
    tenant: OnceLock<TenantId>,
    user: OnceLock<UserId>,
    error: OnceLock<&'static str>,
    ended: AtomicBool,
}

impl RequestContext {
    /// A request of which only the id is known.
    pub fn new(id: RequestId) -> Arc<Self> {
        Arc::new(Self {
            id,
            tenant: OnceLock::new(),
            user: OnceLock::new(),
            error: OnceLock::new(),
            ended: AtomicBool::new(false),
        })
    }

    /// The request's id.
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    /// The tenant, once it is known.
    pub fn tenant(&self) -> Option<&TenantId> {
        self.tenant.get()
    }

    /// The user, once it is known.
    pub fn user(&self) -> Option<&UserId> {
        self.user.get()
    }

    /// The error that the application set, if it did.
    pub fn error(&self) -> Option<&'static str> {
        self.error.get().copied()
    }

    /// Sets the tenant; false if there was one or the request has ended.
    pub fn set_tenant(&self, tenant: TenantId) -> bool {
        self.set(&self.tenant, tenant)
    }

    /// Sets the user; false if there was one or the request has ended.
    pub fn set_user(&self, user: UserId) -> bool {
        self.set(&self.user, user)
    }

    /// Marks the request as failed with this `error.type`, whatever its status code says; false if
    /// there was an error or the request has ended.
    pub fn set_error(&self, error_type: &'static str) -> bool {
        self.set(&self.error, error_type)
    }

    /// Ends the request: later writes are ignored and counted. For the middleware that owns it.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// How many writes came after their request's end, in this process.
    pub fn late_writes() -> u64 {
        LATE_WRITES.load(Ordering::Relaxed)
    }

    fn set<T>(&self, cell: &OnceLock<T>, value: T) -> bool {
        if self.ended.load(Ordering::Acquire) {
            LATE_WRITES.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        cell.set(value).is_ok()
    }
}

/// The request that runs here, if one does. For an application's own code.
pub fn current() -> Option<Arc<RequestContext>> {
    Context::map_current(|cx| cx.request().cloned())
}

/// Puts a request into OpenTelemetry's [`Context`] and reads it back.
pub trait ContextExt {
    /// A copy of this context in which `request` runs.
    fn with_request(&self, request: Arc<RequestContext>) -> Self;

    /// The request that runs in this context.
    fn request(&self) -> Option<&Arc<RequestContext>>;
}

impl ContextExt for Context {
    fn with_request(&self, request: Arc<RequestContext>) -> Self {
        self.with_value(request)
    }

    fn request(&self) -> Option<&Arc<RequestContext>> {
        self.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_writer_wins() {
        let request = RequestContext::new(RequestId::make());
        assert!(request.set_error("out_of_stock"));
        assert!(!request.set_error("other"));
        assert_eq!(request.error(), Some("out_of_stock"));
    }

    #[test]
    fn a_write_after_the_end_is_ignored_and_counted() {
        let request = RequestContext::new(RequestId::make());
        request.end();
        let before = RequestContext::late_writes();
        assert!(!request.set_tenant("acme".parse().unwrap()));
        assert_eq!(request.tenant(), None);
        assert_eq!(RequestContext::late_writes(), before + 1);
    }

    #[test]
    fn the_request_goes_where_the_context_goes() {
        assert!(current().is_none());
        let request = RequestContext::new(RequestId::make());
        let cx = Context::new().with_request(Arc::clone(&request));
        let seen = std::thread::spawn(move || {
            let _guard = cx.attach();
            current().map(|request| request.id().clone())
        });
        assert_eq!(seen.join().unwrap().as_ref(), Some(request.id()));
        assert!(current().is_none());
    }
}
