use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code that is not ours, a value's formatting or a writer; `None` if it panicked.
pub(crate) fn isolated<R>(run: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}
