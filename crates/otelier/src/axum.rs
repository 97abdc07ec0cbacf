//! Where axum keeps what the middleware needs.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, MatchedPath};
use http::request::Parts;

/// The template of the route that matched, as it was given to `Router::route`.
pub(crate) fn matched_path(head: &Parts) -> Option<&str> {
    head.extensions
        .get::<MatchedPath>()
        .map(MatchedPath::as_str)
}

/// The peer of the connection, which [`Serve`](crate::Serve) notes.
pub(crate) fn peer(head: &Parts) -> Option<SocketAddr> {
    head.extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(peer)| *peer)
}
