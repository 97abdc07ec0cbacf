use std::borrow::Cow;
use std::fmt::{self, Write as _};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use otelier_context::ContextExt as _;

use crate::inbound::cut;

/// The most of a problem's code or detail that is sent, in bytes.
const MAX_TEXT: usize = 1_024;

/// An error as the body of a response, `application/problem+json` (RFC 9457): with the ids by which the
/// telemetry of the request is found.
///
/// Code and detail are cut after 1,024 bytes, at a character. The detail goes to the client: it is no
/// place for an error's own text.
///
/// ```
/// use http::{Response, StatusCode};
/// use otelier_tower::Problem;
///
/// let response: Response<bytes::Bytes> = Problem::new(StatusCode::NOT_FOUND)
///     .code("USER_NOT_FOUND")
///     .detail("there is no such user")
///     .into_response();
/// assert_eq!(
///     response.body(),
///     r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"there is no such user","code":"USER_NOT_FOUND"}"#
/// );
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Problem {
    status: StatusCode,
    code: Option<Cow<'static, str>>,
    detail: Option<Cow<'static, str>>,
}

impl Problem {
    /// A problem of which only the status is known, whose phrase is its title.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            code: None,
            detail: None,
        }
    }

    /// A word by which a program tells this problem from others of the same status.
    pub fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// What a person should know of this one occurrence.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The response, with `request_id` and `trace_id` of the request that runs here, if one does.
    ///
    /// With `axum::body::Body` as `B` it is what a handler of axum returns.
    pub fn into_response<B: From<Bytes>>(self) -> Response<B> {
        let body = Context::map_current(|cx| self.body(cx));
        let mut response = Response::new(Bytes::from(body).into());
        *response.status_mut() = self.status;
        let problem = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, problem);
        response
    }

    fn body(&self, cx: &Context) -> String {
        let mut body = String::from(r#"{"type":"about:blank""#);
        if let Some(title) = self.status.canonical_reason() {
            member(&mut body, "title", title);
        }
        body.push_str(r#","status":"#);
        body.push_str(self.status.as_str());
        if let Some(detail) = &self.detail {
            member(&mut body, "detail", detail);
        }
        if let Some(code) = &self.code {
            member(&mut body, "code", code);
        }
        if let Some(request) = cx.request() {
            member(&mut body, "request_id", request.id().encode(&mut [0; 36]));
        }
        let span = cx.span();
        if span.span_context().is_valid() {
            let trace_id = span.span_context().trace_id();
            member(&mut body, "trace_id", &trace_id.to_string());
        }
        body.push('}');
        body
    }
}

fn member(body: &mut String, name: &str, value: &str) {
    let value = Escaped(cut(value, MAX_TEXT));
    // Writing to a String does not fail.
    let _ = write!(body, r#","{name}":"{value}""#);
}

/// A text within a JSON string (RFC 8259, section 7).
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '"' | '\\' => write!(f, "\\{char}")?,
                _ if char.is_control() => write!(f, "\\u{:04x}", u32::from(char))?,
                _ => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body(problem: Problem) -> serde_json::Value {
        let response: Response<Bytes> = problem.into_response();
        serde_json::from_slice(response.body()).unwrap()
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let long = format!("{}é", "\"".repeat(MAX_TEXT - 1));
        let body = body(
            Problem::new(StatusCode::CONFLICT)
                .code(long.clone())
                .detail(long),
        );
        for name in ["code", "detail"] {
            assert_eq!(body[name], "\"".repeat(MAX_TEXT - 1));
        }
    }

    #[test]
    fn a_status_without_a_phrase_has_no_title() {
        let body = body(Problem::new(StatusCode::from_u16(599).unwrap()));
        assert_eq!(
            body,
            serde_json::json!({"type": "about:blank", "status": 599})
        );
    }

    proptest! {
        #[test]
        fn what_a_text_says_is_read_back(text in "(?s).{0,64}") {
            let body = body(Problem::new(StatusCode::BAD_REQUEST).detail(text.clone()));
            prop_assert_eq!(body["detail"].as_str(), Some(&*text));
        }
    }
}
