use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as Connections;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::Error;

/// A plain HTTP client, for requests to this service itself.
pub(crate) struct Client(Connections<HttpConnector, Full<Bytes>>);

impl Client {
    pub(crate) fn new() -> Self {
        Self(Connections::builder(TokioExecutor::new()).build_http())
    }

    pub(crate) async fn get(&self, at: SocketAddr, path: &str) -> Result<Response<String>, Error> {
        let request = Request::get(format!("http://{at}{path}"));
        self.send(request.body(Full::default())?).await
    }

    pub(crate) async fn post_json(
        &self,
        at: SocketAddr,
        path: &str,
        json: &'static str,
    ) -> Result<Response<String>, Error> {
        let request =
            Request::post(format!("http://{at}{path}")).header("content-type", "application/json");
        self.send(request.body(json.into())?).await
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<String>, Error> {
        let (head, body) = self.0.request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(head, String::from_utf8(body.into())?))
    }
}
