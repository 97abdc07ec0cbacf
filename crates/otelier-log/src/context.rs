use otelier_context::FieldValue;

/// Adds fields to each line of the current request from here on, wherever below it is called.
///
/// A key is an identifier or a string literal, a value anything that is a
/// [`FieldValue`](otelier_context::FieldValue): a bool, a number or a text. A key that is set again has
/// the new value. Each value is evaluated once, before any is set and whether or not a request runs.
///
/// It is true if all fields were taken, a text that was cut too: false where no request runs, where it
/// has ended, and where its 32 fields or 4,096 bytes are full
/// ([`RequestContext::set_field`](otelier_context::RequestContext::set_field)).
///
/// ```
/// use opentelemetry::Context;
/// use otelier_context::{ContextExt as _, RequestContext, RequestId};
/// use otelier_log::log_context;
///
/// fn pay(order: u64) {
///     log_context! { order_id = order, step = "pay", "cart.size" = 3 };
///     // Lines from here on have the three.
/// }
///
/// // The middleware does this.
/// let request = RequestContext::new(RequestId::make());
/// let _guard = Context::new().with_request(request).attach();
///
/// pay(42);
///
/// let fields = otelier_context::current().expect("it runs").fields();
/// assert_eq!(fields[0], ("order_id", 42_u64.into()));
/// assert_eq!(fields[1..], [("step", "pay".into()), ("cart.size", 3.into())]);
/// ```
#[macro_export]
macro_rules! log_context {
    ($($key:tt = $value:expr),+ $(,)?) => {
        $crate::__private::set_fields([$((
            $crate::__log_context_key!($key),
            $crate::__private::FieldValue::from($value),
        )),+])
    };
}

/// The name that a key of [`log_context!`] stands for.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_context_key {
    ($key:ident) => {
        $crate::__private::without_raw(::core::stringify!($key))
    };
    ($key:literal) => {
        $key
    };
}

/// The fields are taken one by one, so that a full list refuses only those that find no room.
pub fn set_fields<const N: usize>(fields: [(&'static str, FieldValue); N]) -> bool {
    let Some(request) = otelier_context::current() else {
        return false;
    };
    fields.into_iter().fold(true, |all, (key, value)| {
        request.set_field(key, value) && all
    })
}

/// An identifier without its `r#`.
pub const fn without_raw(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', ..] => identifier.split_at(2).1,
        _ => identifier,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use opentelemetry::Context;
    use otelier_context::{ContextExt as _, Fields, RequestContext, RequestId};

    fn fields_set_by(set: impl FnOnce() -> bool) -> (bool, Fields) {
        let request = RequestContext::new(RequestId::make());
        let _guard = Context::new().with_request(Arc::clone(&request)).attach();
        (set(), request.fields())
    }

    #[test]
    fn keys_are_identifiers_or_literals() {
        let (taken, fields) = fields_set_by(
            || log_context! { order_id = 42, "cart.size" = 3_u8, r#type = "x", match = true, },
        );
        assert!(taken);
        let expected = [
            ("order_id", 42.into()),
            ("cart.size", 3_u8.into()),
            ("type", "x".into()),
            ("match", true.into()),
        ];
        assert_eq!(fields[..], expected);
    }

    #[test]
    fn each_value_is_evaluated_once_and_in_order() {
        let mut calls = 0;
        let mut call = || {
            calls += 1;
            calls
        };
        assert!(!log_context! { a = call() }, "no request runs");
        let (taken, fields) = fields_set_by(|| log_context! { a = call(), b = call() });
        assert!(taken);
        assert_eq!(fields[..], [("a", 2.into()), ("b", 3.into())]);
    }

    #[test]
    fn nothing_is_set_unless_all_values_are_there() {
        let (_, fields) = fields_set_by(|| {
            let set = || Some(log_context! { a = 1, b = None::<i32>? });
            set().is_some()
        });
        assert!(fields.is_empty());
    }

    #[test]
    fn a_refused_field_does_not_stop_the_next() {
        let long = "x".repeat(RequestContext::MAX_FIELD_BYTES);
        let (taken, fields) = fields_set_by(|| {
            log_context! { a = long, step = "too much", a = "short", step = "pay" }
        });
        assert!(!taken);
        assert_eq!(fields[..], [("a", "short".into()), ("step", "pay".into())]);
    }
}
