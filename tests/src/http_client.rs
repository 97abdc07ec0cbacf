use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// A response with its whole body.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body, which has to be UTF-8.
    pub body: String,
}

/// [`get_with`] without header fields.
pub async fn get(url: &str) -> Option<Response> {
    get_with(url, &[]).await
}

/// Sends `GET url` with `headers` on a connection of its own; `None` if there is no whole response.
///
/// # Panics
/// If the URL or a header is not valid.
pub async fn get_with(url: &str, headers: &[(&str, &str)]) -> Option<Response> {
    let request = headers
        .iter()
        .fold(Request::get(url), |request, (name, value)| {
            request.header(*name, *value)
        })
        .body(Empty::<Bytes>::new())
        .expect("a valid request");
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let (head, body) = client.request(request).await.ok()?.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    Some(Response {
        status: head.status.as_u16(),
        headers: head.headers,
        body: String::from_utf8(body.into()).ok()?,
    })
}
