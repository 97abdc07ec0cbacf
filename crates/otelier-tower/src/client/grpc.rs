//! What a gRPC call says of itself (semantic conventions v1.44.0, docs/rpc/grpc.md, and gRPC's "HTTP/2").

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use otelier_context::{Level, Outcome};

use crate::GrpcStatus;
use crate::classify::{Class, ErrorType};

/// The longest name of a method that is told, in bytes.
const MAX_METHOD: usize = 255;

/// Whether this is the head of a gRPC call; gRPC-Web, whose status is in the body, is not.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], |it| it.as_bytes());
    let rest = content_type.strip_prefix(b"application/grpc");
    matches!(rest, Some([] | [b'+' | b';', ..]))
}

/// `package.Service/Method`, if the path is one.
pub(crate) fn method(path: &str) -> Option<&str> {
    let method = path.strip_prefix('/').filter(|it| it.len() <= MAX_METHOD)?;
    let (service, name) = method.split_once('/')?;
    (!service.is_empty() && !name.is_empty() && !name.contains('/')).then_some(method)
}

/// The status in these trailers, or in the headers of a response without a body.
pub(crate) fn status(headers: &HeaderMap) -> Option<GrpcStatus> {
    headers.get("grpc-status").map(GrpcStatus::read)
}

/// The status of a call that ended like this, if it is one's; `told` is what the server said.
pub(crate) fn status_of(
    outcome: Outcome,
    told: Option<GrpcStatus>,
    http: Option<StatusCode>,
) -> Option<GrpcStatus> {
    match outcome {
        Outcome::Complete => told
            .or_else(|| of_http(http?))
            .or(Some(GrpcStatus::Unknown)),
        Outcome::BodyError => Some(GrpcStatus::Unknown),
        Outcome::Panicked => Some(GrpcStatus::Internal),
        // Its caller dropped it: the head may have said already that it failed.
        Outcome::Cancelled { .. } => told.or_else(|| of_http(http?)),
        _ => None,
    }
}

/// What a head that is not gRPC's, of a proxy perhaps, means.
fn of_http(status: StatusCode) -> Option<GrpcStatus> {
    (status != StatusCode::OK).then(|| GrpcStatus::of_http(status))
}

/// For a client each code but OK is an error; those that are the server's own failures are the louder.
pub(crate) fn classify(status: GrpcStatus) -> Class {
    let error = ErrorType::Word(status.as_str());
    match status {
        GrpcStatus::Ok => Class::OK,
        status if status.is_server_error() => Class::error(error, Level::Error),
        _ => Class::error(error, Level::Warn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn grpc_is_told_from_its_neighbours() {
        for (content_type, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;charset=utf-8", true),
            ("application/grpc-web", false),
            ("application/json", false),
        ] {
            let value = HeaderValue::from_static(content_type);
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, value)]);
            assert_eq!(is_grpc(&headers), expected, "{content_type}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }

    #[test]
    fn a_method_is_a_service_and_a_name() {
        assert_eq!(method("/shop.Orders/Get"), Some("shop.Orders/Get"));
        let long = format!("/a/{}", "x".repeat(256));
        for path in ["", "/", "/a", "/a/", "//a", "/a/b/c", &long] {
            assert_eq!(method(path), None, "{path}");
        }
    }

    #[test]
    fn without_trailers_the_ending_decides() {
        let gone = Outcome::Cancelled { before_head: false };
        for (outcome, http, expected) in [
            (Outcome::Complete, 200, Some(GrpcStatus::Unknown)),
            (Outcome::Complete, 503, Some(GrpcStatus::Unavailable)),
            (Outcome::Complete, 404, Some(GrpcStatus::Unimplemented)),
            (Outcome::BodyError, 200, Some(GrpcStatus::Unknown)),
            (Outcome::Panicked, 200, Some(GrpcStatus::Internal)),
            (gone, 200, None),
            (gone, 503, Some(GrpcStatus::Unavailable)),
            (Outcome::ServiceError, 0, None),
        ] {
            let http = StatusCode::from_u16(http).ok();
            assert_eq!(
                status_of(outcome, None, http),
                expected,
                "{outcome:?} {http:?}"
            );
        }
    }
}
