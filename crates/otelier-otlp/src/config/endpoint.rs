use std::fmt;

use http::Uri;
use http::uri::{Authority, Scheme};

use crate::Signal;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    HttpProtobuf,
    Grpc,
}

impl Protocol {
    pub(crate) fn default_endpoint(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "http://localhost:4318",
            Self::Grpc => "http://localhost:4317",
        }
    }
}

/// A URL of http or https, without user information.
///
/// It prints without its query, which may hold a key.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) uri: Uri,
    /// Whether user information was cut from it.
    pub(crate) had_userinfo: bool,
    /// The variable that set it, if it is not the default.
    pub(crate) set_by: Option<String>,
}

impl Endpoint {
    const MAX_LEN: usize = 4_096;

    pub(crate) fn default_of(protocol: Protocol) -> Self {
        Self {
            uri: Uri::from_static(protocol.default_endpoint()),
            had_userinfo: false,
            set_by: None,
        }
    }

    /// For gRPC the scheme may be missing: then it is https, unless that is switched off.
    pub(crate) fn read(text: &str, protocol: Protocol, insecure: bool) -> Option<Self> {
        if text.len() > Self::MAX_LEN {
            return None;
        }
        let scheme = if insecure { "http" } else { "https" };
        let uri: Uri = match protocol {
            Protocol::Grpc if !text.contains("://") => format!("{scheme}://{text}").parse().ok()?,
            _ => text.parse().ok()?,
        };
        let mut parts = uri.into_parts();
        if !matches!(parts.scheme.as_ref()?.as_str(), "http" | "https") {
            return None;
        }
        let given = parts.authority?;
        let authority: Authority = given.as_str().rsplit('@').next()?.parse().ok()?;
        let has_port = authority.as_str().len() > authority.host().len();
        if authority.host().is_empty() || (has_port && authority.port_u16().is_none()) {
            return None;
        }
        let had_userinfo = given != authority;
        parts.authority = Some(authority);
        Some(Self {
            uri: Uri::from_parts(parts).ok()?,
            had_userinfo,
            set_by: None,
        })
    }

    pub(crate) fn is_https(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }

    /// Appends the path of a signal to this base URL, before its query.
    pub(crate) fn append(&mut self, signal: Signal) {
        let base = self.uri.path().trim_end_matches('/');
        let query = self.uri.query().map(|query| format!("?{query}"));
        let path = format!("{base}/v1/{signal}{}", query.unwrap_or_default());
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = path.parse().ok();
        self.uri = Uri::from_parts(parts).expect("a path within MAX_LEN can be extended");
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let authority = self.uri.authority().map_or("", Authority::as_str);
        write!(f, "{scheme}://{authority}{}", self.uri.path())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_url_of_http_is_refused() {
        for text in [
            "",
            "collector",
            "collector:4318",
            "://collector",
            "http://",
            "http://:4318",
            "http:///v1/traces",
            "http://collector:99999",
            "http://collector:",
            "http://user@",
            "http://a b",
            "http://[::1",
            "ftp://collector",
            "unix:///run/collector.sock",
            "http://collector\u{7}",
            &format!("http://collector/{}", "x".repeat(5_000)),
        ] {
            let read = Endpoint::read(text, Protocol::HttpProtobuf, false);
            assert!(read.is_none(), "{text} {read:?}");
        }
    }

    #[test]
    fn the_path_of_a_signal_comes_after_the_base_and_before_the_query() {
        for (base, expected) in [
            ("http://c:4318", "http://c:4318/v1/traces"),
            ("http://c:4318/", "http://c:4318/v1/traces"),
            ("https://c/otlp", "https://c/otlp/v1/traces"),
            (
                "https://c/otlp/?key=s3cret",
                "https://c/otlp/v1/traces?key=s3cret",
            ),
            ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
        ] {
            let mut endpoint = Endpoint::read(base, Protocol::HttpProtobuf, false).unwrap();
            endpoint.append(Signal::Traces);
            assert_eq!(endpoint.uri.to_string(), expected);
            assert!(!endpoint.to_string().contains("s3cret"));
        }
    }

    #[test]
    fn a_grpc_endpoint_without_a_scheme_is_https_unless_that_is_switched_off() {
        for (insecure, scheme) in [(false, "https"), (true, "http")] {
            let endpoint = Endpoint::read("collector:4317", Protocol::Grpc, insecure).unwrap();
            assert_eq!(
                endpoint.uri.to_string(),
                format!("{scheme}://collector:4317/")
            );
        }
        let explicit = Endpoint::read("http://collector:4317", Protocol::Grpc, false).unwrap();
        assert!(!explicit.is_https());
    }

    #[test]
    fn user_information_is_cut() {
        let url = "http://user:pass@c:4318/x";
        let endpoint = Endpoint::read(url, Protocol::HttpProtobuf, false).unwrap();
        assert!(endpoint.had_userinfo);
        assert_eq!(endpoint.uri.to_string(), "http://c:4318/x");
    }
}
