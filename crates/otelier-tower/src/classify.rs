use std::error::Error;
use std::io;

use http::StatusCode;
use otelier_context::{Level, Outcome};

use crate::GrpcStatus;
use crate::semconv::OTHER;

/// Decides what an ending means: whether it is a failure, of which type, and how loud.
pub trait Classifier: Send + Sync + 'static {
    /// What this ending means.
    fn classify(&self, ending: &Ending<'_>) -> Class;
}

/// All that is known at a request's end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ending<'a> {
    /// Which end it was.
    pub outcome: Outcome,
    /// The status of the response's head, if one was sent.
    pub status: Option<StatusCode>,
    /// The error that the application set on its request.
    pub application_error: Option<&'static str>,
    /// The service's error, where it is known to be an error (a `BoxError`).
    pub service_error: Option<&'a (dyn Error + 'static)>,
    /// The status of a gRPC call: the one that was told, or what its ending amounts to.
    pub grpc_status: Option<GrpcStatus>,
}

/// What an ending means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Class {
    /// `error.type`; the span's status is Error where there is one.
    pub error_type: Option<ErrorType>,
    /// The level of the access line.
    pub level: Level,
}

impl Class {
    /// An ending that is nobody's failure.
    pub const OK: Self = Self {
        error_type: None,
        level: Level::Info,
    };

    /// A failure.
    pub const fn error(error_type: ErrorType, level: Level) -> Self {
        Self {
            error_type: Some(error_type),
            level,
        }
    }
}

/// A value of `error.type`: one of a small, fixed set by construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorType {
    /// The status code as text.
    Status(StatusCode),
    /// A fixed word.
    Word(&'static str),
}

impl ErrorType {
    /// The value as text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Status(status) => status.as_str(),
            Self::Word(word) => word,
        }
    }
}

/// The rules of the semantic conventions for HTTP servers (v1.44.0, docs/http/http-spans.md, "Status"),
/// and what otelier adds for the endings that they leave open.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct HttpServerClassifier {
    is_timeout: Option<fn(&(dyn Error + 'static)) -> bool>,
    client_errors_warn: bool,
}

impl HttpServerClassifier {
    /// Also takes those service errors as `timeout` for which, or for a source of which, this is true.
    /// An `io::Error` of the kind `TimedOut` is one in any case.
    pub fn timeouts(mut self, is_timeout: fn(&(dyn Error + 'static)) -> bool) -> Self {
        self.is_timeout = Some(is_timeout);
        self
    }

    /// Whether the access line of a 4xx is a warning; an error it is not. Default: false.
    pub fn client_errors_warn(mut self, warn: bool) -> Self {
        self.client_errors_warn = warn;
        self
    }

    fn service_error(&self, error: Option<&(dyn Error + 'static)>) -> &'static str {
        let mut next = error;
        // A cyclic chain of sources must not hold the request up.
        for _ in 0..16 {
            let Some(error) = next else { break };
            let io = error.downcast_ref::<io::Error>();
            if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
                || self.is_timeout.is_some_and(|is_timeout| is_timeout(error))
            {
                return "timeout";
            }
            next = error.source();
        }
        OTHER
    }
}

impl Classifier for HttpServerClassifier {
    fn classify(&self, ending: &Ending<'_>) -> Class {
        let error = |word| Class::error(ErrorType::Word(word), Level::Error);
        match ending.outcome {
            Outcome::Complete => match (ending.application_error, ending.status) {
                (Some(word), _) => error(word),
                (None, Some(status)) if status.is_server_error() => {
                    Class::error(ErrorType::Status(status), Level::Error)
                }
                (None, Some(status)) if status.is_client_error() && self.client_errors_warn => {
                    Class {
                        level: Level::Warn,
                        ..Class::OK
                    }
                }
                _ => Class::OK,
            },
            Outcome::BodyError => error("body_error"),
            Outcome::Cancelled { .. } => Class::error(ErrorType::Word("cancelled"), Level::Warn),
            Outcome::Panicked => error("panic"),
            Outcome::ServiceError => error(self.service_error(ending.service_error)),
            _ => error(OTHER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(outcome: Outcome, status: u16) -> Ending<'static> {
        Ending {
            outcome,
            status: StatusCode::from_u16(status).ok(),
            application_error: None,
            service_error: None,
            grpc_status: None,
        }
    }

    #[test]
    fn each_ending_has_its_row_of_the_table() {
        let cancelled = |before_head| Outcome::Cancelled { before_head };
        for (outcome, status, error_type, level) in [
            (Outcome::Complete, 200, None, Level::Info),
            (Outcome::Complete, 404, None, Level::Info),
            (Outcome::Complete, 499, None, Level::Info),
            (Outcome::Complete, 500, Some("500"), Level::Error),
            (Outcome::Complete, 599, Some("599"), Level::Error),
            (Outcome::BodyError, 200, Some("body_error"), Level::Error),
            (cancelled(true), 0, Some("cancelled"), Level::Warn),
            (cancelled(false), 200, Some("cancelled"), Level::Warn),
            (Outcome::Panicked, 500, Some("panic"), Level::Error),
            (Outcome::ServiceError, 0, Some("_OTHER"), Level::Error),
        ] {
            let class = HttpServerClassifier::default().classify(&ending(outcome, status));
            let got = class.error_type.as_ref().map(ErrorType::as_str);
            assert_eq!(
                (got, class.level),
                (error_type, level),
                "{outcome:?} {status}"
            );
        }
    }

    #[test]
    fn a_client_error_is_a_warning_where_asked_for() {
        let classifier = HttpServerClassifier::default().client_errors_warn(true);
        for (status, level) in [
            (399, Level::Info),
            (400, Level::Warn),
            (499, Level::Warn),
            (500, Level::Error),
        ] {
            let class = classifier.classify(&ending(Outcome::Complete, status));
            assert_eq!(class.level, level, "{status}");
            assert_eq!(class.error_type.is_some(), status == 500, "{status}");
        }
    }

    #[test]
    fn an_error_that_the_application_set_fails_a_200() {
        let mut ending = ending(Outcome::Complete, 200);
        ending.application_error = Some("out_of_stock");
        let class = HttpServerClassifier::default().classify(&ending);
        assert_eq!(class.error_type, Some(ErrorType::Word("out_of_stock")));
        assert_eq!(class.level, Level::Error);
    }

    #[test]
    fn a_timeout_is_found_in_the_chain_of_sources() {
        #[derive(Debug)]
        struct Failed(io::Error);
        impl std::fmt::Display for Failed {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("failed")
            }
        }
        impl Error for Failed {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        let error = Failed(io::ErrorKind::TimedOut.into());
        let classifier = HttpServerClassifier::default();
        assert_eq!(classifier.service_error(Some(&error)), "timeout");
        let other = io::Error::other("no");
        assert_eq!(classifier.service_error(Some(&other)), OTHER);
        let known = classifier.timeouts(|error| error.to_string() == "no");
        assert_eq!(known.service_error(Some(&other)), "timeout");
    }
}
