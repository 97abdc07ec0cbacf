use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use opentelemetry::KeyValue;
use otelier_metrics::Slots;

use crate::Cidr;
use crate::forwarded::Client;
use crate::semconv::{self, OTHER, REDACTED, REDACTED_QUERY_KEYS, UNKNOWN_METHOD_NAME};

/// The most of a text from the client that goes on a span, in bytes.
const MAX_TEXT: usize = 4_096;

/// What a request's head says of itself, in the words of the semantic conventions.
///
/// It shares the head's bytes; only what is put on a span is copied.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) method: &'static str,
    pub(crate) scheme: &'static str,
    pub(crate) version: Option<&'static str>,
    pub(crate) is_head: bool,
    pub(crate) is_connect: bool,
    pub(crate) bytes_in: Option<u64>,
    unknown_method: Option<Method>,
    uri: Uri,
    host: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    peer: Option<SocketAddr>,
    client: Option<IpAddr>,
}

impl Inbound {
    pub(crate) fn read(
        head: &Parts,
        peer: Option<SocketAddr>,
        proxies: &[Cidr],
        default_scheme: &'static str,
    ) -> Self {
        let known = known_method(&head.method);
        let client = peer.map(|peer| Client::find(&head.headers, peer.ip(), proxies));
        let forwarded_scheme = client.as_ref().and_then(|client| client.scheme);

        Self {
            method: known.unwrap_or(OTHER),
            scheme: forwarded_scheme.unwrap_or(match head.uri.scheme_str() {
                Some("https") => "https",
                Some(_) => "http",
                None => default_scheme,
            }),
            version: protocol_version(head.version),
            is_head: head.method == Method::HEAD,
            is_connect: head.method == Method::CONNECT,
            bytes_in: content_length(&head.headers),
            unknown_method: known.is_none().then(|| head.method.clone()),
            uri: head.uri.clone(),
            host: head.headers.get(HOST).cloned(),
            user_agent: head.headers.get(USER_AGENT).cloned(),
            peer,
            client: client.map(|client| client.address),
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    pub(crate) fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_ref()?.to_str().ok()
    }

    pub(crate) fn client_address(&self) -> Option<IpAddr> {
        self.client
    }

    pub(crate) fn span_name(&self, route: Option<&str>) -> Cow<'static, str> {
        span_name(self.method, route)
    }

    /// The attributes that a sampler should see, with room for those that come at the end.
    pub(crate) fn attributes(&self, usual: &UsualTexts) -> Vec<KeyValue> {
        // All but rare ones, within the sizes that allocators keep at hand for each thread.
        let mut attributes = Vec::with_capacity(16);
        attributes.push(KeyValue::new(semconv::HTTP_REQUEST_METHOD, self.method));
        attributes.push(KeyValue::new(semconv::URL_SCHEME, self.scheme));
        attributes.push(text(semconv::URL_PATH, self.path()));
        if let Some(method) = &self.unknown_method {
            attributes.push(text(semconv::HTTP_REQUEST_METHOD_ORIGINAL, method.as_str()));
        }
        if let Some(query) = self.uri.query() {
            attributes.push(text(semconv::URL_QUERY, &redact_query(query)));
        }
        self.network_attributes(usual, &mut attributes);
        if let Some(user_agent) = self.user_agent() {
            let user_agent = usual.user_agents.value(user_agent);
            attributes.push(KeyValue::new(semconv::USER_AGENT_ORIGINAL, user_agent));
        }
        attributes
    }

    /// Who is asked, by whom, and over what.
    pub(crate) fn network_attributes(&self, usual: &UsualTexts, attributes: &mut Vec<KeyValue>) {
        if let Some((host, port)) = self.server() {
            let host = usual.hosts.value(host);
            attributes.push(KeyValue::new(semconv::SERVER_ADDRESS, host));
            attributes.push(KeyValue::new(semconv::SERVER_PORT, i64::from(port)));
        }
        if let Some(peer) = self.peer {
            let address: Arc<str> = peer.ip().to_string().into();
            let client = match self.client {
                Some(client) if client != peer.ip() => client.to_string().into(),
                _ => Arc::clone(&address),
            };
            attributes.push(KeyValue::new(semconv::CLIENT_ADDRESS, client));
            attributes.push(KeyValue::new(semconv::NETWORK_PEER_ADDRESS, address));
            let port = i64::from(peer.port());
            attributes.push(KeyValue::new(semconv::NETWORK_PEER_PORT, port));
        }
        if let Some(version) = self.version {
            attributes.push(KeyValue::new(semconv::NETWORK_PROTOCOL_VERSION, version));
        }
    }

    /// `server.address` and `server.port`: what the client asked for, in the URI or the Host header,
    /// with the scheme's port where it named none (docs/http/http-spans.md, "Setting server.address
    /// and server.port attributes").
    fn server(&self) -> Option<(&str, u16)> {
        let authority = match self.uri.authority() {
            Some(authority) => authority.as_str(),
            None => self.host.as_ref()?.to_str().ok()?,
        };
        server_of(authority, self.scheme)
    }
}

/// `{method} {http.route}` or, of a client, `{method} {url.template}`; the method alone where there is
/// none (docs/http/http-spans.md, "Name").
pub(crate) fn span_name(method: &'static str, target: Option<&str>) -> Cow<'static, str> {
    let method = match method {
        OTHER => UNKNOWN_METHOD_NAME,
        known => known,
    };
    match target {
        Some(target) => [method, " ", target].concat().into(),
        None => method.into(),
    }
}

/// The host and the port of an authority, with the scheme's port where it names none.
pub(crate) fn server_of<'a>(authority: &'a str, scheme: &str) -> Option<(&'a str, u16)> {
    let (_, authority) = authority.rsplit_once('@').unwrap_or(("", authority));
    let default_port = if scheme == "https" { 443 } else { 80 };
    let (host, port) = match authority.rsplit_once(':') {
        // The last colon of an IPv6 address without a port is inside its brackets.
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().unwrap_or(default_port)),
        _ => (authority, default_port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then_some((host, port))
}

/// Texts that most requests of a server have in common, each kept once.
///
/// Spans are freed by the exporter's thread: a text that they share is neither allocated here nor freed
/// there, where the two would contend for the allocator.
#[derive(Debug, Default)]
pub(crate) struct UsualTexts {
    hosts: Usual<8>,
    user_agents: Usual<16>,
}

#[derive(Debug, Default)]
struct Usual<const N: usize>(Slots<Arc<str>, Arc<str>, N>);

impl<const N: usize> Usual<N> {
    fn value(&self, value: &str) -> Arc<str> {
        let value = cut(value, MAX_TEXT);
        let make = || {
            let value: Arc<str> = value.into();
            (Arc::clone(&value), value)
        };
        self.0.get_or_insert_with(|other| **other == *value, make)
    }
}

/// How long a message says that its body is, in bytes.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether a message's body is a stream of server-sent events.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let media_type = media_type.and_then(|value| value.split(|byte| *byte == b';').next());
    media_type.is_some_and(|it| it.trim_ascii().eq_ignore_ascii_case(b"text/event-stream"))
}

/// An attribute from the client's own text.
pub(crate) fn text(key: &'static str, value: &str) -> KeyValue {
    KeyValue::new(key, cut(value, MAX_TEXT).to_owned())
}

/// As much of a text as has at most so many bytes, to the end of a character.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

pub(crate) fn known_method(method: &Method) -> Option<&'static str> {
    Some(match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ if method.as_str() == "QUERY" => "QUERY",
        _ => return None,
    })
}

pub(crate) fn protocol_version(version: Version) -> Option<&'static str> {
    Some(match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => return None,
    })
}

/// The query with the values of those keys hidden that the conventions name; the rest byte for byte.
pub(crate) fn redact_query(query: &str) -> Cow<'_, str> {
    let secret = |pair: &str| {
        let (key, _) = pair.split_once('=')?;
        REDACTED_QUERY_KEYS.contains(&key).then_some(key.len())
    };
    if !query.split('&').any(|pair| secret(pair).is_some()) {
        return Cow::Borrowed(query);
    }
    let pairs = query.split('&').map(|pair| match secret(pair) {
        Some(key_len) => Cow::Owned([&pair[..=key_len], REDACTED].concat()),
        None => Cow::Borrowed(pair),
    });
    Cow::Owned(pairs.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbound(uri: &str, host: Option<&str>) -> Inbound {
        let mut request = http::Request::builder().uri(uri);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        Inbound::read(&request.body(()).unwrap().into_parts().0, None, &[], "http")
    }

    #[test]
    fn the_server_is_what_the_client_asked_for() {
        for (uri, host, expected) in [
            ("/", Some("svc.local:8080"), Some(("svc.local", 8080))),
            ("/", Some("svc.local"), Some(("svc.local", 80))),
            (
                "https://a.example/",
                Some("other"),
                Some(("a.example", 443)),
            ),
            ("/", Some("[::1]:8080"), Some(("::1", 8080))),
            ("/", Some("[::1]"), Some(("::1", 80))),
            (
                "http://user:pw@a.example:81/",
                None,
                Some(("a.example", 81)),
            ),
            ("/", Some("a:99999"), Some(("a", 80))),
            ("/", Some(""), None),
            ("/", None, None),
        ] {
            assert_eq!(inbound(uri, host).server(), expected, "{uri} {host:?}");
        }
    }

    #[test]
    fn the_scheme_is_never_the_clients_invention() {
        assert_eq!(inbound("ftp://a/", None).scheme, "http");
        assert_eq!(inbound("https://a/", None).scheme, "https");
    }

    #[test]
    fn the_seven_keys_of_the_query_are_redacted() {
        for key in REDACTED_QUERY_KEYS {
            let query = format!("a=1&{key}=s3cret&{key}&b=2");
            assert_eq!(
                redact_query(&query),
                format!("a=1&{key}=REDACTED&{key}&b=2")
            );
        }
        assert!(matches!(redact_query("Sig=1&a&=&b="), Cow::Borrowed(_)));
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let path = format!("/{}", "é".repeat(3_000));
        let cut = text("k", &path).value.as_str().into_owned();
        assert_eq!(cut.len(), MAX_TEXT - 1);
        assert!(path.starts_with(&cut));
    }

    #[test]
    fn an_unknown_method_is_other_on_the_span() {
        let request = http::Request::builder().method("BREW").body(()).unwrap();
        let inbound = Inbound::read(&request.into_parts().0, None, &[], "http");
        assert_eq!(inbound.method, "_OTHER");
        assert_eq!(inbound.span_name(Some("/pot")), "HTTP /pot");
        let original = KeyValue::new(semconv::HTTP_REQUEST_METHOD_ORIGINAL, "BREW".to_owned());
        assert!(
            inbound
                .attributes(&UsualTexts::default())
                .contains(&original)
        );
    }
}
