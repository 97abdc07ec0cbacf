use http::StatusCode;
use otelier_context::{Level, Outcome};

use super::GrpcStatus;
use crate::classify::{Class, Classifier, Ending, ErrorType};

/// The rules of the semantic conventions for gRPC servers (v1.44.0, docs/rpc/grpc.md, "gRPC status").
///
/// An answer that is not gRPC but an HTTP client error, as from an HTTP route, is nobody's failure:
/// any client can bring it about.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct GrpcServerClassifier {}

impl Classifier for GrpcServerClassifier {
    fn classify(&self, ending: &Ending<'_>) -> Class {
        let error = |word| Class::error(ErrorType::Word(word), Level::Error);
        let status = ending.grpc_status.unwrap_or(GrpcStatus::Unknown);
        match (ending.outcome, ending.application_error) {
            (Outcome::Complete, Some(word)) => error(word),
            _ if ending
                .status
                .is_some_and(|http| StatusCode::is_client_error(&http)) =>
            {
                Class::OK
            }
            _ if status.is_server_error() => error(status.as_str()),
            (Outcome::Cancelled { .. }, _) => Class {
                level: Level::Warn,
                ..Class::OK
            },
            _ => Class::OK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(outcome: Outcome, status: GrpcStatus, http: u16) -> (Option<&'static str>, Level) {
        let class = GrpcServerClassifier::default().classify(&Ending {
            outcome,
            status: StatusCode::from_u16(http).ok(),
            application_error: None,
            service_error: None,
            grpc_status: Some(status),
        });
        let word = class.error_type.map(|error| match error {
            ErrorType::Word(word) => word,
            ErrorType::Status(status) => panic!("{status}"),
        });
        (word, class.level)
    }

    #[test]
    fn only_the_servers_failures_are_errors() {
        use GrpcStatus::*;
        for status in [
            Ok,
            Cancelled,
            InvalidArgument,
            NotFound,
            AlreadyExists,
            PermissionDenied,
            ResourceExhausted,
            FailedPrecondition,
            Aborted,
            OutOfRange,
            Unauthenticated,
        ] {
            assert_eq!(
                class(Outcome::Complete, status, 200),
                (None, Level::Info),
                "{status}"
            );
        }
        for status in [
            Unknown,
            DeadlineExceeded,
            Unimplemented,
            Internal,
            Unavailable,
            DataLoss,
        ] {
            let expected = (Some(status.as_str()), Level::Error);
            assert_eq!(class(Outcome::Complete, status, 200), expected);
        }
        let gone = Outcome::Cancelled { before_head: true };
        assert_eq!(class(gone, Cancelled, 0), (None, Level::Warn));
        assert_eq!(
            class(gone, DeadlineExceeded, 0),
            (Some("DEADLINE_EXCEEDED"), Level::Error)
        );
    }

    #[test]
    fn an_http_client_error_is_nobodys_failure() {
        assert_eq!(
            class(Outcome::Complete, GrpcStatus::Unknown, 415),
            (None, Level::Info)
        );
        let expected = (Some("UNKNOWN"), Level::Error);
        assert_eq!(class(Outcome::Complete, GrpcStatus::Unknown, 500), expected);
    }
}
