/// Logs an event of category `security`, such as a failed login: WARN unless another level is given.
///
/// ```
/// use otelier_log::{Level, security};
///
/// let user = "ann";
/// security!("login_failed", user, attempts = 3, reason = ?Some("password"));
/// security!(Level::INFO, "login", user);
/// ```
///
/// The name is a string literal, so that no input can make a new one; it is the message, the field
/// `name` and the label `name` of `otelier_log_events_total`. The fields are `tracing`'s: `key`,
/// `key = value`, `key = %display`, `key = ?debug`, `a.b = value`, `"a-b" = value`; an
/// [`Option`] that is `None` has no key. The keys `category` and `name` are taken: a field of yours
/// with one of these names is left out. A format string at the end takes the message's place, and the
/// name is then in `name` and `field.message`.
///
/// ```compile_fail
/// let name = "login_failed";
/// otelier_log::security!(name);
/// ```
#[macro_export]
macro_rules! security {
    ($name:literal $(, $($field:tt)*)?) => {
        $crate::__category_event!("security", $crate::Level::WARN, $name, $($($field)*)?)
    };
    ($level:expr, $name:literal $(, $($field:tt)*)?) => {
        $crate::__category_event!("security", $level, $name, $($($field)*)?)
    };
    ($($other:tt)*) => {
        ::core::compile_error!("security! takes a level, if not WARN, and a name, which is a literal")
    };
}

/// Logs that someone did something, or tried to, as an event of category `audit`: the action, an
/// [`Outcome`](crate::Outcome), then the fields. It is INFO for a success, else WARN.
///
/// ```
/// use otelier_log::{Outcome, audit};
///
/// # let address = std::net::IpAddr::from([127, 0, 0, 1]);
/// # let error = std::io::Error::other("disk full");
/// audit!("user_deleted", Outcome::PermissionDenied, actor.id = 7, resource = "users/42");
/// audit!(
///     "report_exported",
///     Outcome::Error,
///     actor.id = "u-7",
///     actor.name = "Ann",
///     actor.roles = "admin,billing",
///     resource = "reports/2026",
///     client.address = %address,
///     user_agent.original = "curl/8",
///     http.response.status_code = 500,
///     duration_ms = 12.5,
///     error = &error as &dyn std::error::Error,
/// );
/// ```
///
/// Keys that others search by:
///
/// | key | what |
/// | --- | --- |
/// | `action`, `name`, `outcome` | set from the first two arguments: a field of yours of one of these names is left out |
/// | `actor.id`, `actor.name`, `actor.roles` | who did it; several roles as one text |
/// | `resource` | to what |
/// | `client.address`, `user_agent.original` | from where, as the access line has it |
/// | `http.response.status_code` | how it was answered |
/// | `duration_ms` | how long it took, in milliseconds, a float |
/// | `error` | why it failed |
///
/// What is said of names and fields at [`security!`](crate::security) holds here too. The events go
/// where all lines go, or to a place of their own:
/// [`JsonLayerBuilder::audit_writer`](crate::JsonLayerBuilder::audit_writer).
#[macro_export]
macro_rules! audit {
    ($action:literal, $outcome:expr $(, $($field:tt)*)?) => {{
        let outcome: $crate::Outcome = $outcome;
        match outcome {
            $crate::Outcome::Success => $crate::__category_event!(
                "audit", $crate::Level::INFO, $action,
                action = $action, outcome = outcome.as_str(), $($($field)*)?
            ),
            _ => $crate::__category_event!(
                "audit", $crate::Level::WARN, $action,
                action = $action, outcome = outcome.as_str(), $($($field)*)?
            ),
        }
    }};
    ($($other:tt)*) => {
        ::core::compile_error!("audit! takes an action, which is a literal, and an Outcome")
    };
}

/// Logs an event of category `alert`: a name, a severity, then the fields.
///
/// The severity is one of the words `critical` (ERROR), `warning` (WARN) and `info` (INFO), and is the
/// field `severity`. An alert rule watches `otelier_log_events_total{category="alert"}`, which has
/// the name and the severity as labels.
///
/// ```
/// otelier_log::alert!("payment_backlog", critical, queued = 12_000);
/// ```
///
/// What is said of names and fields at [`security!`](crate::security) holds here too, with `severity`
/// as a third taken key.
///
/// ```compile_fail
/// otelier_log::alert!("payment_backlog", urgent);
/// ```
#[macro_export]
macro_rules! alert {
    ($name:literal, critical $(, $($field:tt)*)?) => {
        $crate::__category_event!(
            "alert", $crate::Level::ERROR, $name, severity = "critical", $($($field)*)?
        )
    };
    ($name:literal, warning $(, $($field:tt)*)?) => {
        $crate::__category_event!(
            "alert", $crate::Level::WARN, $name, severity = "warning", $($($field)*)?
        )
    };
    ($name:literal, info $(, $($field:tt)*)?) => {
        $crate::__category_event!(
            "alert", $crate::Level::INFO, $name, severity = "info", $($($field)*)?
        )
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "alert! takes a name, which is a literal, and a severity: critical, warning or info"
        )
    };
}

/// Measures what follows until the [`Timed`](crate::Timed) it returns is dropped, or
/// [a future](crate::Timed::around), and logs the time as an event of category `performance`: WARN
/// from 500 ms on, else DEBUG.
///
/// ```
/// use std::time::Duration;
/// use otelier_log::timed;
///
/// # async fn load() {}
/// # async fn work() {
/// {
///     let _timed = timed!("parse_config");
///     // ..
/// }
/// timed!("load_user").threshold(Duration::from_millis(50)).around(load()).await;
/// # }
/// ```
///
/// Fields: `duration_ms` (a float), `slow` (whether the threshold was reached), and where they are
/// true `panicked` and `cancelled`. For fields of your own, put a span around. The name is a string
/// literal, so that no input can make a new one.
#[macro_export]
macro_rules! timed {
    ($name:literal) => {
        // No more than a function, so that each place has its own callsites and the type no parameter.
        $crate::Timed::__new(|end| {
            if end.slow {
                $crate::__category_event!(
                    "performance", $crate::Level::WARN, $name,
                    duration_ms = end.duration_ms, slow = true,
                    panicked = end.panicked, cancelled = end.cancelled
                )
            } else {
                $crate::__category_event!(
                    "performance", $crate::Level::DEBUG, $name,
                    duration_ms = end.duration_ms, slow = false,
                    panicked = end.panicked, cancelled = end.cancelled
                )
            }
        })
    };
    ($($other:tt)*) => {
        ::core::compile_error!("timed! takes a name, which is a literal, and nothing else")
    };
}

/// Of two fields of one name the first is written, so ours stand before the caller's.
#[doc(hidden)]
#[macro_export]
macro_rules! __category_event {
    ($category:literal, $level:expr, $name:literal, $($field:tt)*) => {
        $crate::__private::tracing::event!(
            name: $name,
            target: ::core::concat!("otelier::", $category),
            $level,
            { message = $name, category = $category, name = $name, $($field)* }
        )
    };
}
