use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method as HttpMethod, StatusCode};
use opentelemetry::{KeyValue, StringValue};
use otelier_context::Outcome;

use super::{GrpcStatus, Method, is_grpc};
use crate::inbound::{self, Inbound, UsualTexts};
use crate::semconv;

pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// One call, from its head to its status.
#[derive(Debug)]
pub(crate) struct Call {
    method: Arc<Method>,
    timeout: Option<Duration>,
    /// The status that the service told, the last one where it told several.
    told: Option<GrpcStatus>,
    has_grpc_answer: bool,
}

impl Call {
    pub(super) fn read(head: &Parts, method: impl FnOnce(&str) -> Arc<Method>) -> Option<Self> {
        let is_call = head.method == HttpMethod::POST && is_grpc(head.headers.get(CONTENT_TYPE));
        is_call.then(|| Self {
            method: method(name(head.uri.path())),
            timeout: head.headers.get(GRPC_TIMEOUT).and_then(timeout),
            told: None,
            has_grpc_answer: false,
        })
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// The attributes that a sampler should see.
    pub(crate) fn attributes(&self, inbound: &Inbound, usual: &UsualTexts) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(16);
        attributes.push(KeyValue::new(semconv::RPC_SYSTEM_NAME, semconv::GRPC));
        let method = StringValue::from(Arc::clone(self.method.name()));
        attributes.push(KeyValue::new(semconv::RPC_METHOD, method));
        if !self.method.is_known() {
            let original = inbound::text(semconv::RPC_METHOD_ORIGINAL, name(inbound.path()));
            attributes.push(original);
        }
        inbound.network_attributes(usual, &mut attributes);
        attributes
    }

    /// The answer's head is ready; one without a body has its status in there.
    pub(crate) fn head(&mut self, headers: &HeaderMap) {
        self.trailers(headers);
        self.has_grpc_answer = self.told.is_some() || is_grpc(headers.get(CONTENT_TYPE));
    }

    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        self.told = trailers
            .get(GRPC_STATUS)
            .map(GrpcStatus::read)
            .or(self.told);
    }

    /// Whether the body's last byte is not the answer's end.
    pub(crate) fn expects_trailers(&self) -> bool {
        self.has_grpc_answer
    }

    /// The status of a call that ended like this, after so long.
    pub(crate) fn status(
        &self,
        outcome: Outcome,
        http: Option<StatusCode>,
        duration: Duration,
    ) -> GrpcStatus {
        match (outcome, self.told) {
            (Outcome::Complete | Outcome::Cancelled { .. }, Some(told)) => told,
            (Outcome::Complete, None) => http.map_or(GrpcStatus::Unknown, GrpcStatus::of_http),
            (Outcome::Cancelled { .. }, None) => match self.timeout {
                Some(timeout) if duration >= timeout => GrpcStatus::DeadlineExceeded,
                _ => GrpcStatus::Cancelled,
            },
            (Outcome::Panicked, _) => GrpcStatus::Internal,
            _ => GrpcStatus::Unknown,
        }
    }

    /// The name of the method at this path that was unknown, if the service has shown that it exists.
    ///
    /// A status that nobody told shows nothing, else calls that are given up would teach any name.
    /// Nor does one that a layer before the router may tell to anybody.
    pub(super) fn proven<'a>(&self, path: &'a str) -> Option<&'a str> {
        let refused = matches!(
            self.told?,
            GrpcStatus::Unimplemented
                | GrpcStatus::Unauthenticated
                | GrpcStatus::PermissionDenied
                | GrpcStatus::ResourceExhausted
                | GrpcStatus::Unavailable
        );
        (!refused && !self.method.is_known()).then(|| name(path))
    }
}

/// `package.Service/Method`, as the client sent it.
fn name(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

/// At most eight digits and a unit (gRPC, doc/PROTOCOL-HTTP2.md, "Timeout").
fn timeout(value: &HeaderValue) -> Option<Duration> {
    let (digits, unit) = value
        .to_str()
        .ok()?
        .split_at_checked(value.len().checked_sub(1)?)?;
    let valid = (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = valid.then(|| digits.parse().ok())??;
    Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GONE: Outcome = Outcome::Cancelled { before_head: false };

    fn call(timeout: &str) -> Call {
        let request = http::Request::post("/shop.Orders/Get")
            .header("content-type", "application/grpc")
            .header("grpc-timeout", timeout);
        let head = request.body(()).unwrap().into_parts().0;
        Call::read(&head, |_| Method::other()).unwrap()
    }

    #[test]
    fn each_ending_without_a_status_has_one() {
        use GrpcStatus::*;
        for (outcome, http, status) in [
            (Outcome::Complete, Some(200), Unknown),
            (Outcome::Complete, Some(400), Internal),
            (Outcome::Complete, Some(401), Unauthenticated),
            (Outcome::Complete, Some(403), PermissionDenied),
            (Outcome::Complete, Some(404), Unimplemented),
            (Outcome::Complete, Some(429), Unavailable),
            (Outcome::Complete, Some(500), Unknown),
            (Outcome::Complete, Some(503), Unavailable),
            (Outcome::BodyError, Some(200), Unknown),
            (Outcome::Panicked, Some(200), Internal),
            (Outcome::Panicked, None, Internal),
            (Outcome::ServiceError, None, Unknown),
            (GONE, Some(200), Cancelled),
            (Outcome::Cancelled { before_head: true }, None, Cancelled),
        ] {
            let http = http.map(|code| StatusCode::from_u16(code).unwrap());
            let got = call("1H").status(outcome, http, Duration::from_secs(1));
            assert_eq!(got, status, "{outcome:?} {http:?}");
        }
    }

    #[test]
    fn a_client_gone_after_its_deadline_is_told_from_one_gone_before() {
        let call = call("50m");
        let status = |millis| call.status(GONE, None, Duration::from_millis(millis));
        assert_eq!(status(49), GrpcStatus::Cancelled);
        assert_eq!(status(50), GrpcStatus::DeadlineExceeded);
    }

    #[test]
    fn a_timeout_has_at_most_eight_digits_and_a_unit() {
        let read = |text: &str| timeout(&HeaderValue::from_str(text).unwrap());
        for (text, expected) in [
            ("1H", Duration::from_secs(3_600)),
            ("2M", Duration::from_secs(120)),
            ("99999999S", Duration::from_secs(99_999_999)),
            ("7m", Duration::from_millis(7)),
            ("7u", Duration::from_micros(7)),
            ("0n", Duration::ZERO),
        ] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "S",
            "1",
            "1s",
            "-1S",
            "+1S",
            "1.5S",
            "123456789S",
            "1 S",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(timeout(&HeaderValue::from_bytes(b"1\xff").unwrap()), None);
    }
}
