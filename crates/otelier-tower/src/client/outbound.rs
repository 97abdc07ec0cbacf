use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::header::{HOST, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, Uri};
use opentelemetry::KeyValue;

use super::grpc;
use super::metrics::{Method, Server, Servers};
use crate::inbound::{content_length, known_method, redact_query, server_of, span_name, text};
use crate::semconv::{self, OTHER};

/// The template of a call's path, such as `/orders/{id}`, as an extension of its request: it is
/// `url.template` and a part of the span's name.
///
/// ```
/// let mut request = http::Request::get("http://orders.internal/orders/42").body(())?;
/// request.extensions_mut().insert(otelier_tower::UrlTemplate("/orders/{id}"));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UrlTemplate(pub &'static str);

/// Numbers the attempts of a call, as an extension of its request: from the second on, a span has
/// `http.request.resend_count`.
///
/// Clones of a request count together. Put it in where the call begins, and the client layer below
/// whatever sends it again:
///
/// ```
/// # fn stack<T: Clone, P: Clone>(layer: otelier_tower::ClientLayer<T>, policy: P) {
/// use http::Request;
/// use otelier_tower::ResendCount;
///
/// tower::ServiceBuilder::new()
///     .map_request(|mut request: Request<String>| {
///         request.extensions_mut().insert(ResendCount::default());
///         request
///     })
///     .retry(policy) // its `clone_request` must keep the extensions, as `Request::clone` does
///     .layer(layer);
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct ResendCount(Arc<AtomicU32>);

impl ResendCount {
    /// How many attempts there were before this one.
    fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// What a call's head says of it, in the words of the semantic conventions.
#[derive(Debug)]
pub(crate) struct Outbound {
    pub(crate) method: &'static str,
    /// Of a gRPC call.
    pub(crate) rpc_method: Option<Arc<Method>>,
    pub(crate) server: Arc<Server>,
    pub(crate) template: Option<&'static str>,
    pub(crate) bytes_in: Option<u64>,
    uri: Uri,
    user_agent: Option<HeaderValue>,
}

impl Outbound {
    /// Reads a head, and makes the attributes that a sampler should see, with room for those that come
    /// at the end.
    pub(crate) fn read(
        head: &Parts,
        origin: Option<&Uri>,
        servers: &Servers,
    ) -> (Self, Vec<KeyValue>) {
        let known = known_method(&head.method);
        let scheme = head.uri.scheme_str();
        let scheme = match scheme.or_else(|| origin?.scheme_str()) {
            Some("https") => "https",
            _ => "http",
        };
        let authority = authority(head, origin);
        let outbound = Self {
            method: known.unwrap_or(OTHER),
            rpc_method: grpc::is_grpc(&head.headers)
                .then(|| servers.method(grpc::method(head.uri.path()).unwrap_or(OTHER))),
            server: servers.get(authority.and_then(|authority| server_of(authority, scheme))),
            template: head
                .extensions
                .get::<UrlTemplate>()
                .map(|template| template.0),
            bytes_in: content_length(&head.headers),
            uri: head.uri.clone(),
            user_agent: head.headers.get(USER_AGENT).cloned(),
        };

        let mut attributes = Vec::with_capacity(12);
        if let Some((address, port)) = outbound.server.address() {
            attributes.push(KeyValue::new(semconv::SERVER_ADDRESS, Arc::clone(address)));
            attributes.push(KeyValue::new(semconv::SERVER_PORT, i64::from(*port)));
        }
        if let Some(method) = &outbound.rpc_method {
            let method = method.name();
            attributes.push(KeyValue::new(semconv::RPC_SYSTEM_NAME, semconv::GRPC));
            attributes.push(KeyValue::new(semconv::RPC_METHOD, Arc::clone(method)));
            if **method == *OTHER {
                attributes.push(text(semconv::RPC_METHOD_ORIGINAL, head.uri.path()));
            }
            return (outbound, attributes);
        }
        attributes.push(KeyValue::new(semconv::HTTP_REQUEST_METHOD, outbound.method));
        if known.is_none() {
            let original = text(semconv::HTTP_REQUEST_METHOD_ORIGINAL, head.method.as_str());
            attributes.push(original);
        }
        let url = url_full(scheme, authority, &head.uri);
        attributes.push(text(semconv::URL_FULL, &url));
        if let Some(template) = outbound.template {
            attributes.push(KeyValue::new(semconv::URL_TEMPLATE, template));
        }
        let resent = head.extensions.get().map_or(0, ResendCount::next);
        if resent > 0 {
            let resent = i64::from(resent);
            attributes.push(KeyValue::new(semconv::HTTP_REQUEST_RESEND_COUNT, resent));
        }
        (outbound, attributes)
    }

    pub(crate) fn span_name(&self) -> Cow<'static, str> {
        match &self.rpc_method {
            Some(method) => String::from(&**method.name()).into(),
            None => span_name(self.method, self.template),
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    pub(crate) fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_ref()?.to_str().ok()
    }
}

/// Where the call goes: as its URI says, else the layer's setting, else its Host header.
fn authority<'a>(head: &'a Parts, origin: Option<&'a Uri>) -> Option<&'a str> {
    let authority = head.uri.authority().or_else(|| origin?.authority());
    match authority {
        Some(authority) => Some(authority.as_str()),
        None => head.headers.get(HOST)?.to_str().ok(),
    }
}

/// `url.full`, without what must not be told (docs/http/http-spans.md, "HTTP client span"). Of a call
/// whose server is not known it is what is known: the path and the query.
fn url_full(scheme: &str, authority: Option<&str>, uri: &Uri) -> String {
    let query = uri.query().map(redact_query);
    let mut url = String::with_capacity(256);
    if let Some(authority) = authority {
        url.push_str(scheme);
        url.push_str("://");
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                url.push_str("REDACTED:REDACTED@");
                url.push_str(host);
            }
            None => url.push_str(authority),
        }
    }
    url.push_str(uri.path());
    if let Some(query) = query {
        url.push('?');
        url.push_str(&query);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(uri: &str, origin: Option<&str>) -> String {
        let head = http::Request::get(uri).header(HOST, "host.example:81");
        let head = head.body(()).unwrap().into_parts().0;
        let origin: Option<Uri> = origin.map(|origin| origin.parse().unwrap());
        let (_, attributes) = Outbound::read(&head, origin.as_ref(), &Servers::new(None));
        let url = attributes
            .iter()
            .find(|attribute| attribute.key.as_str() == "url.full");
        url.unwrap().value.to_string()
    }

    #[test]
    fn the_url_is_absolute_and_tells_no_secret() {
        let origin = Some("https://svc.example");
        for (uri, origin, expected) in [
            ("https://a.example/p?q=1", origin, "https://a.example/p?q=1"),
            (
                "http://me:pw@a.example:81/",
                None,
                "http://REDACTED:REDACTED@a.example:81/",
            ),
            (
                "http://me@a.example",
                None,
                "http://REDACTED:REDACTED@a.example/",
            ),
            (
                "http://a:b@c@[::1]:81/",
                None,
                "http://REDACTED:REDACTED@[::1]:81/",
            ),
            ("http://a/?sig=s&b=2", None, "http://a/?sig=REDACTED&b=2"),
            ("/p", origin, "https://svc.example/p"),
            ("/p", None, "http://host.example:81/p"),
        ] {
            assert_eq!(url(uri, origin), expected);
        }
    }

    #[test]
    fn a_host_is_one_server_however_it_is_written() {
        let servers = Servers::new(None);
        let one = servers.get(Some(("A.example", 80)));
        assert!(Arc::ptr_eq(&one, &servers.get(Some(("a.Example", 80)))));
        assert!(!Arc::ptr_eq(&one, &servers.get(Some(("a.example", 81)))));
        assert_eq!(one.address(), Some(&("a.example".into(), 80)));
        let long = "x".repeat(256);
        assert_eq!(servers.get(Some((&long, 80))).address(), None);
    }
}
