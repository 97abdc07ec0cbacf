use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use opentelemetry::Context;

use crate::fields::{Shared, Taken};
use crate::{FieldValue, Fields, RequestId, TenantId, UserId};

static LATE_WRITES: AtomicU64 = AtomicU64::new(0);
static FIELDS_REFUSED: AtomicU64 = AtomicU64::new(0);

/// What is known of the request that runs: its id, its tenant, user and error once they are, and what
/// fields the application adds.
///
/// It lives in OpenTelemetry's [`Context`] as an `Arc`. Tenant, user, error and operation may be learned
/// late and are set once: the first writer wins. A field may be set again: the last writer wins. What is
/// set appears on the server span and in the access line, and but for error and operation in each later
/// log line. A write after the request has ended is ignored and counted.
#[derive(Debug)]
pub struct RequestContext {
    id: RequestId,
    tenant: OnceLock<TenantId>,
    user: OnceLock<UserId>,
    error: OnceLock<&'static str>,
    operation: OnceLock<&'static str>,
    /// Its lock is held for each write and for the end: what is set is set before the end, or refused.
    fields: Shared,
    has_fields: AtomicBool,
    ended: AtomicBool,
}

impl RequestContext {
    /// The most fields that a request has.
    pub const MAX_FIELDS: usize = 32;

    /// The most that the keys and the texts of its fields have together, in bytes.
    pub const MAX_FIELD_BYTES: usize = 4_096;

    /// A request of which only the id is known.
    pub fn new(id: RequestId) -> Arc<Self> {
        Arc::new(Self {
            id,
            tenant: OnceLock::new(),
            user: OnceLock::new(),
            error: OnceLock::new(),
            operation: OnceLock::new(),
            fields: Shared::default(),
            has_fields: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        })
    }

    /// The request's id.
    #[inline]
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    /// The tenant, once it is known.
    #[inline]
    pub fn tenant(&self) -> Option<&TenantId> {
        self.tenant.get()
    }

    /// The user, once it is known.
    #[inline]
    pub fn user(&self) -> Option<&UserId> {
        self.user.get()
    }

    /// The error that the application set, if it did.
    pub fn error(&self) -> Option<&'static str> {
        self.error.get().copied()
    }

    /// The operation that the application named, if it did.
    pub fn operation(&self) -> Option<&'static str> {
        self.operation.get().copied()
    }

    /// The fields that the application added so far.
    ///
    /// Where it added none, this is one relaxed atomic load.
    #[inline]
    pub fn fields(&self) -> Fields {
        if self.has_fields.load(Ordering::Relaxed) {
            self.fields.read()
        } else {
            Fields::default()
        }
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

    /// Names what the request does, such as `createOrder`, where the route does not say it: on the
    /// server span as `otelier.operation`, in the access line as `operation`, never on a metric. False
    /// if there was a name or the request has ended.
    pub fn set_operation(&self, operation: &'static str) -> bool {
        self.set(&self.operation, operation)
    }

    /// Adds a field, or sets it anew in its place; false if there is no room for it or the request has
    /// ended.
    ///
    /// A text that is longer than what is left of [`MAX_FIELD_BYTES`](Self::MAX_FIELD_BYTES) is cut at
    /// the end of a character and marked with `…`. There is no room where not even that mark fits, or
    /// for a new field beside [`MAX_FIELDS`](Self::MAX_FIELDS) others; a field that was set before then
    /// keeps its value.
    pub fn set_field(&self, key: &'static str, value: impl Into<FieldValue>) -> bool {
        self.put_field(key, value.into())
    }

    /// Ends the request: later writes are ignored and counted. For the middleware that owns it.
    pub fn end(&self) {
        let _fields = self.fields.lock();
        self.ended.store(true, Ordering::Relaxed);
    }

    /// How many writes came after their request's end, in this process.
    pub fn late_writes() -> u64 {
        LATE_WRITES.load(Ordering::Relaxed)
    }

    /// How many fields found no room, as a whole or in part, in this process.
    pub fn fields_refused() -> u64 {
        FIELDS_REFUSED.load(Ordering::Relaxed)
    }

    fn set<T>(&self, cell: &OnceLock<T>, value: T) -> bool {
        self.in_time(|_| cell.set(value).is_ok())
    }

    fn put_field(&self, key: &'static str, value: FieldValue) -> bool {
        self.in_time(|fields| {
            let taken = fields.put(key, value);
            if taken != Taken::Whole {
                FIELDS_REFUSED.fetch_add(1, Ordering::Relaxed);
            }
            if taken == Taken::Refused {
                return false;
            }
            self.has_fields.store(true, Ordering::Relaxed);
            true
        })
    }

    /// Writes, if that is before the end; counts a write that is not.
    fn in_time(&self, write: impl FnOnce(&mut Fields) -> bool) -> bool {
        let mut fields = self.fields.lock();
        if self.ended.load(Ordering::Relaxed) {
            LATE_WRITES.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        write(&mut fields)
    }
}

/// The request that runs here, if one does. For an application's own code.
///
/// # Panics
///
/// In the destructor of a thread-local value that runs after that of OpenTelemetry's context.
pub fn current() -> Option<Arc<RequestContext>> {
    Context::map_current(|cx| cx.request().cloned())
}

/// Adds a field to the request that runs here, by [`RequestContext::set_field`]; false where none runs.
///
/// # Panics
///
/// As [`current`] does.
pub fn set_field(key: &'static str, value: impl Into<FieldValue>) -> bool {
    current().is_some_and(|request| request.set_field(key, value))
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

    #[inline]
    fn request(&self) -> Option<&Arc<RequestContext>> {
        self.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_first_writer_wins() {
        let request = RequestContext::new(RequestId::make());
        assert!(request.set_error("out_of_stock"));
        assert!(!request.set_error("other"));
        assert_eq!(request.error(), Some("out_of_stock"));
        assert!(request.set_operation("createOrder"));
        assert!(!request.set_operation("other"));
        assert_eq!(request.operation(), Some("createOrder"));
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

    /// Gives a thread that does not wait for the lock the time to show it.
    fn yield_until(done: impl Fn() -> bool) {
        (0..10_000)
            .take_while(|_| !done())
            .for_each(|_| std::thread::yield_now());
    }

    #[test]
    fn a_write_waits_for_an_end_that_has_begun() {
        let request = RequestContext::new(RequestId::make());
        let end = request.fields.lock();
        let (sender, begun) = std::sync::mpsc::channel();
        let writer = Arc::clone(&request);
        let writer = std::thread::spawn(move || {
            sender.send(()).unwrap();
            writer.set_error("out_of_stock")
        });
        begun.recv().unwrap();
        yield_until(|| request.error().is_some());
        request.ended.store(true, Ordering::Relaxed);
        drop(end);
        assert!(!writer.join().unwrap(), "set though the end did not see it");
        assert_eq!(request.error(), None);
    }

    #[test]
    fn the_end_waits_for_a_write_that_has_begun() {
        let request = RequestContext::new(RequestId::make());
        let write = request.fields.lock();
        let (sender, begun) = std::sync::mpsc::channel();
        let owner = Arc::clone(&request);
        let owner = std::thread::spawn(move || {
            sender.send(()).unwrap();
            owner.end();
        });
        begun.recv().unwrap();
        let has_ended = || request.ended.load(Ordering::Relaxed);
        yield_until(has_ended);
        assert!(!has_ended());
        drop(write);
        owner.join().unwrap();
        assert!(has_ended());
    }

    #[test]
    fn reading_no_fields_waits_for_no_lock() {
        let request = RequestContext::new(RequestId::make());
        let too_long: &'static str = "k".repeat(RequestContext::MAX_FIELD_BYTES + 1).leak();
        assert!(!request.set_field(too_long, 1));
        request.end();
        assert!(!request.set_field("late", 1));
        let _held = request.fields.lock();
        let (sender, read) = std::sync::mpsc::channel();
        let reader = Arc::clone(&request);
        std::thread::spawn(move || sender.send(reader.fields().len()));
        assert_eq!(read.recv_timeout(Duration::from_secs(20)), Ok(0));
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
