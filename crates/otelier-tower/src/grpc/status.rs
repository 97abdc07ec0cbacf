use std::fmt;

use http::{HeaderValue, StatusCode};

/// Declares the statuses with their numbers and names.
macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// The status of a gRPC call (gRPC, doc/statuscodes.md).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum GrpcStatus {
            $($(#[$doc])* $name = $number,)*
        }

        impl GrpcStatus {
            /// The name, as in `rpc.response.status_code`: `DEADLINE_EXCEEDED`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// It succeeded.
    Ok = 0, "OK";
    /// It was cancelled, mostly by the caller.
    Cancelled = 1, "CANCELLED";
    /// Unknown, or not told.
    Unknown = 2, "UNKNOWN";
    /// An argument is invalid, whatever the state of the system.
    InvalidArgument = 3, "INVALID_ARGUMENT";
    /// The deadline passed before the call's end.
    DeadlineExceeded = 4, "DEADLINE_EXCEEDED";
    /// What was asked for does not exist.
    NotFound = 5, "NOT_FOUND";
    /// What was to be made exists.
    AlreadyExists = 6, "ALREADY_EXISTS";
    /// The caller may not do it.
    PermissionDenied = 7, "PERMISSION_DENIED";
    /// A quota or the space is used up.
    ResourceExhausted = 8, "RESOURCE_EXHAUSTED";
    /// The system is not in the state that the call needs.
    FailedPrecondition = 9, "FAILED_PRECONDITION";
    /// It was aborted, as by a conflict.
    Aborted = 10, "ABORTED";
    /// Beyond the valid range.
    OutOfRange = 11, "OUT_OF_RANGE";
    /// There is no such method.
    Unimplemented = 12, "UNIMPLEMENTED";
    /// Something is broken.
    Internal = 13, "INTERNAL";
    /// The service is not available now.
    Unavailable = 14, "UNAVAILABLE";
    /// Data is lost.
    DataLoss = 15, "DATA_LOSS";
    /// The caller did not prove who it is.
    Unauthenticated = 16, "UNAUTHENTICATED";
}

impl GrpcStatus {
    /// Whether it is the server's failure (semantic conventions, docs/rpc/grpc.md).
    pub const fn is_server_error(self) -> bool {
        matches!(
            self,
            Self::Unknown
                | Self::DeadlineExceeded
                | Self::Unimplemented
                | Self::Internal
                | Self::Unavailable
                | Self::DataLoss
        )
    }

    /// The status that a `grpc-status` says; what is no known number is unknown.
    pub(crate) fn read(value: &HeaderValue) -> Self {
        let digits = value.as_bytes();
        let number = digits.iter().try_fold(0_u8, |number, digit| {
            let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
            number.checked_mul(10)?.checked_add(digit)
        });
        number
            .filter(|_| !digits.is_empty())
            .and_then(Self::from_number)
            .unwrap_or(Self::Unknown)
    }

    /// As a client takes an answer without a `grpc-status` (gRPC, doc/http-grpc-status-mapping.md):
    /// one that is 200, as after a stream without trailers, is unknown.
    pub(crate) fn of_http(status: StatusCode) -> Self {
        match status.as_u16() {
            400 => Self::Internal,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::Unimplemented,
            429 | 502..=504 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from(self as u16)
    }
}

impl fmt::Display for GrpcStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_range_is_a_status_and_any_other_is_unknown() {
        for number in 0..=16_u8 {
            let status = GrpcStatus::from_number(number).unwrap();
            assert_eq!(
                GrpcStatus::read(&HeaderValue::from(u16::from(number))),
                status
            );
            assert_eq!(status.header(), number.to_string().as_str());
        }
        for text in [
            "",
            "17",
            "256",
            "258",
            "99999999999",
            "-1",
            "+0",
            "0x0",
            " 0",
            "OK",
        ] {
            let value = HeaderValue::from_str(text).unwrap();
            assert_eq!(GrpcStatus::read(&value), GrpcStatus::Unknown, "{text:?}");
        }
        let binary = HeaderValue::from_bytes(b"\xff0").unwrap();
        assert_eq!(GrpcStatus::read(&binary), GrpcStatus::Unknown);
    }
}
