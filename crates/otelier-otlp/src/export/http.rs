use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_http::{HttpClient, HttpError, ResponseBodyTooLarge};

use super::tls::Connector;

/// What answers with more than this is not a collector.
const MAX_RESPONSE: usize = 4 * 1024 * 1024;

/// Sends export requests over HTTP/1.1. It is polled in the export runtime, which has its connections.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client<Connector, Full<Bytes>>,
    headers: HeaderMap,
    cause: Cause,
}

/// The last failure of a [`Sender`], in words.
#[derive(Debug, Clone, Default)]
pub(super) struct Cause(Arc<Mutex<Option<String>>>);

impl Sender {
    pub(super) fn new(connector: Connector, headers: HeaderMap, cause: Cause) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self {
            client,
            headers,
            cause,
        }
    }

    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        request.headers_mut().extend(self.headers.clone());
        let response = self.client.request(request.map(Full::new)).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_RESPONSE)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    ResponseBodyTooLarge::new().into()
                } else {
                    error
                }
            })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.send(request).await;
        self.cause
            .set(response.as_ref().err().map(|error| chain(&**error)));
        response
    }
}

impl Cause {
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, cause: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = cause;
    }
}

fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
