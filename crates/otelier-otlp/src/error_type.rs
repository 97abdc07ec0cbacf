use std::borrow::Cow;

use opentelemetry_sdk::error::OTelSdkError;

/// The class of a failed export, for `error.type`: a fixed word, the HTTP status code, or the name of
/// the gRPC status.
///
/// The exporters tell their failures as text only; what is not recognised is `_OTHER`, and the tests
/// below hold the texts of the version in use.
pub(crate) fn error_type(error: &OTelSdkError) -> Cow<'static, str> {
    let text = match error {
        OTelSdkError::Timeout(_) => return "timeout".into(),
        OTelSdkError::AlreadyShutdown => return "already_shutdown".into(),
        OTelSdkError::InternalFailure(text) => text,
    };
    let class = if text.ends_with("network error") {
        Some("unavailable".into())
    } else if let Some((_, status)) = text.split_once("status code: ") {
        http_status(status)
    } else if let Some((_, code)) = text.split_once("gRPC code: ") {
        grpc_status(code)
    } else {
        None
    };
    class.unwrap_or("_OTHER".into())
}

fn http_status(text: &str) -> Option<Cow<'static, str>> {
    let status: u16 = text.parse().ok()?;
    (100..600)
        .contains(&status)
        .then(|| status.to_string().into())
}

/// `ResourceExhausted: cause` becomes `RESOURCE_EXHAUSTED`.
fn grpc_status(text: &str) -> Option<Cow<'static, str>> {
    let code = text.split(':').next()?;
    let name = match code {
        "Unavailable" => "unavailable",
        "DeadlineExceeded" => "timeout",
        "Cancelled" => "CANCELLED",
        "Unknown" => "UNKNOWN",
        "InvalidArgument" => "INVALID_ARGUMENT",
        "NotFound" => "NOT_FOUND",
        "AlreadyExists" => "ALREADY_EXISTS",
        "PermissionDenied" => "PERMISSION_DENIED",
        "ResourceExhausted" => "RESOURCE_EXHAUSTED",
        "FailedPrecondition" => "FAILED_PRECONDITION",
        "Aborted" => "ABORTED",
        "OutOfRange" => "OUT_OF_RANGE",
        "Unimplemented" => "UNIMPLEMENTED",
        "Internal" => "INTERNAL",
        "DataLoss" => "DATA_LOSS",
        "Unauthenticated" => "UNAUTHENTICATED",
        _ => return None,
    };
    Some(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_few_classes() {
        for (text, expected) in [
            ("HTTP export failed: network error", "unavailable"),
            ("HTTP export failed with status code: 503", "503"),
            ("HTTP export failed with status code: 0", "_OTHER"),
            (
                "TonicTracesClient export failed with gRPC code: Unavailable: transport error: refused",
                "unavailable",
            ),
            (
                "TonicLogsClient export failed with gRPC code: ResourceExhausted",
                "RESOURCE_EXHAUSTED",
            ),
            (
                "TonicLogsClient export failed with gRPC code: Whatever",
                "_OTHER",
            ),
            ("anything else", "_OTHER"),
        ] {
            let error = OTelSdkError::InternalFailure(text.to_owned());
            assert_eq!(error_type(&error), expected, "{text}");
        }
    }
}
