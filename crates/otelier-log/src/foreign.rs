use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code that is not ours, a value's formatting or a writer; `None` if it panicked.
pub(crate) fn isolated<R>(run: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => Some(result),
        Err(payload) => {
            // A payload may panic when it is dropped, and the payload of that panic too: that one stays.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                Box::leak(payload);
            }
            None
        }
    }
}
