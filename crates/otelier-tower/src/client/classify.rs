use std::error::Error;

use otelier_context::{Level, Outcome};

use crate::classify::{Class, Classifier, Ending, ErrorType, HttpServerClassifier};

/// The rules of the semantic conventions for HTTP clients (v1.44.0, docs/http/http-spans.md, "Status"):
/// 4xx and 5xx are failures, and so is what never became a response.
///
/// A call that its caller dropped is nobody's failure; if the head had come, its status counts. Of a
/// gRPC call that has a status that status decides, and no classifier is asked.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct HttpClientClassifier {
    broken: HttpServerClassifier,
}

impl HttpClientClassifier {
    /// Also takes those errors as `timeout` for which, or for a source of which, this is true. An
    /// `io::Error` of the kind `TimedOut` is one in any case.
    pub fn timeouts(mut self, is_timeout: fn(&(dyn Error + 'static)) -> bool) -> Self {
        self.broken = self.broken.timeouts(is_timeout);
        self
    }
}

impl Classifier for HttpClientClassifier {
    fn classify(&self, ending: &Ending<'_>) -> Class {
        match (ending.outcome, ending.status) {
            (Outcome::Complete | Outcome::Cancelled { .. }, status) => match status {
                Some(status) if status.is_client_error() => {
                    Class::error(ErrorType::Status(status), Level::Warn)
                }
                Some(status) if status.is_server_error() => {
                    Class::error(ErrorType::Status(status), Level::Error)
                }
                _ => Class::OK,
            },
            // What breaks a call breaks it on either side.
            _ => self.broken.classify(ending),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    #[test]
    fn each_ending_of_a_call_has_its_class() {
        let gone = |before_head| Outcome::Cancelled { before_head };
        for (outcome, status, error_type, level) in [
            (Outcome::Complete, 200, None, Level::Info),
            (Outcome::Complete, 304, None, Level::Info),
            (Outcome::Complete, 404, Some("404"), Level::Warn),
            (Outcome::Complete, 503, Some("503"), Level::Error),
            (gone(true), 0, None, Level::Info),
            (gone(false), 200, None, Level::Info),
            (gone(false), 404, Some("404"), Level::Warn),
            (Outcome::BodyError, 404, Some("body_error"), Level::Error),
            (Outcome::Panicked, 0, Some("panic"), Level::Error),
            (Outcome::ServiceError, 0, Some("_OTHER"), Level::Error),
        ] {
            let class = HttpClientClassifier::default().classify(&Ending {
                outcome,
                status: StatusCode::from_u16(status).ok(),
                application_error: None,
                service_error: None,
                grpc_status: None,
            });
            let got = class.error_type.as_ref().map(ErrorType::as_str);
            let expected = (error_type, level);
            assert_eq!((got, class.level), expected, "{outcome:?} {status}");
        }
    }
}
