//! Each name of the semantic conventions (v1.44.0, docs/http, docs/rpc and docs/general) that this crate uses.

use opentelemetry::Key;

pub(crate) const CLIENT_ADDRESS: &str = "client.address";
pub(crate) const ERROR_TYPE: &str = "error.type";
pub(crate) const HTTP_REQUEST_BODY_SIZE: &str = "http.request.body.size";
pub(crate) const HTTP_REQUEST_METHOD: &str = "http.request.method";
pub(crate) const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
pub(crate) const HTTP_RESPONSE_BODY_SIZE: &str = "http.response.body.size";
pub(crate) const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
pub(crate) const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
pub(crate) const HTTP_ROUTE: &str = "http.route";
/// The beginnings of the attributes that headers become.
pub(crate) const HTTP_REQUEST_HEADER: &str = "http.request.header.";
pub(crate) const HTTP_RESPONSE_HEADER: &str = "http.response.header.";
pub(crate) const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
pub(crate) const NETWORK_PEER_PORT: &str = "network.peer.port";
pub(crate) const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
pub(crate) const RPC_METHOD: &str = "rpc.method";
pub(crate) const RPC_METHOD_ORIGINAL: &str = "rpc.method_original";
/// Renamed to `rpc.status_code` after v1.44.0.
pub(crate) const RPC_RESPONSE_STATUS_CODE: &str = "rpc.response.status_code";
pub(crate) const RPC_SYSTEM_NAME: &str = "rpc.system.name";
pub(crate) const SERVER_ADDRESS: &str = "server.address";
pub(crate) const SERVER_PORT: &str = "server.port";
pub(crate) const URL_FULL: &str = "url.full";
pub(crate) const URL_PATH: &str = "url.path";
pub(crate) const URL_QUERY: &str = "url.query";
pub(crate) const URL_SCHEME: &str = "url.scheme";
pub(crate) const URL_TEMPLATE: &str = "url.template";
pub(crate) const USER_AGENT_ORIGINAL: &str = "user_agent.original";

/// Our own, on the server span where resolved.
pub(crate) const REQUEST_ID: &str = "request.id";
/// Our own, on the server span where the application named it.
pub(crate) const OPERATION: &str = "otelier.operation";
/// Our own: the request came with an id that could not be kept.
pub(crate) const REQUEST_ID_REPLACED: &str = "request.id.replaced";
/// Our own, on the server span where resolved.
pub(crate) const TENANT_ID: &str = "tenant.id";
/// Our own, on the server span where resolved.
pub(crate) const USER_ID: &str = "user.id";

/// In place of a value outside the known set.
pub(crate) const OTHER: &str = "_OTHER";
/// The value of `rpc.system.name`.
pub(crate) const GRPC: &str = "grpc";
/// The span's name in place of an unknown method.
pub(crate) const UNKNOWN_METHOD_NAME: &str = "HTTP";

/// The metrics, by their Prometheus names: without the unit, which the exposition adds.
pub(crate) const HTTP_CLIENT_REQUEST_DURATION: &str = "http_client_request_duration";
pub(crate) const HTTP_SERVER_REQUEST_DURATION: &str = "http_server_request_duration";
pub(crate) const HTTP_SERVER_REQUEST_BODY_SIZE: &str = "http_server_request_body_size";
pub(crate) const HTTP_SERVER_RESPONSE_BODY_SIZE: &str = "http_server_response_body_size";
pub(crate) const HTTP_SERVER_STREAM_DURATION: &str = "otelier_http_server_stream_duration";
pub(crate) const HTTP_SERVER_ACTIVE_REQUESTS: &str = "http_server_active_requests";
pub(crate) const RPC_CLIENT_CALL_DURATION: &str = "rpc_client_call_duration";
pub(crate) const RPC_SERVER_CALL_DURATION: &str = "rpc_server_call_duration";

/// The same attributes as Prometheus labels.
pub(crate) mod label {
    pub(crate) const ERROR_TYPE: &str = "error_type";
    pub(crate) const HTTP_REQUEST_METHOD: &str = "http_request_method";
    pub(crate) const HTTP_RESPONSE_STATUS_CODE: &str = "http_response_status_code";
    pub(crate) const HTTP_ROUTE: &str = "http_route";
    pub(crate) const NETWORK_PROTOCOL_VERSION: &str = "network_protocol_version";
    pub(crate) const RPC_METHOD: &str = "rpc_method";
    pub(crate) const RPC_RESPONSE_STATUS_CODE: &str = "rpc_response_status_code";
    pub(crate) const RPC_SYSTEM_NAME: &str = "rpc_system_name";
    pub(crate) const SERVER_ADDRESS: &str = "server_address";
    pub(crate) const SERVER_PORT: &str = "server_port";
    pub(crate) const URL_SCHEME: &str = "url_scheme";
}

/// The values of the query's keys that docs/http/http-spans.md says to redact (case-sensitive).
pub(crate) const REDACTED_QUERY_KEYS: [&str; 7] = [
    "AWSAccessKeyId",
    "Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Goog-Signature",
    "sig",
];
pub(crate) const REDACTED: &str = "REDACTED";

/// Where all names are the conventions'.
const NAMESPACES: [&str; 7] = [
    "client.",
    "http.",
    "network.",
    "rpc.",
    "server.",
    "url.",
    "user_agent.",
];

/// The attribute of an application's field. One that could be the middleware's own is `field.<name>`;
/// so is one that is called so already, for different fields to stay different attributes.
pub(crate) fn field_key(name: &'static str) -> Key {
    let base = name.trim_start_matches("field.");
    let own = matches!(
        base,
        ERROR_TYPE | OPERATION | REQUEST_ID | REQUEST_ID_REPLACED | TENANT_ID | USER_ID
    );
    if own || NAMESPACES.iter().any(|space| base.starts_with(space)) {
        format!("field.{name}").into()
    } else {
        name.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_of_our_own_cannot_be_forged() {
        for (name, key) in [
            ("step", "step"),
            ("", ""),
            ("user.plan", "user.plan"),
            ("https", "https"),
            ("field.step", "field.step"),
            ("http.anything", "field.http.anything"),
            ("error.type", "field.error.type"),
            ("field.error.type", "field.field.error.type"),
        ] {
            assert_eq!(field_key(name).as_str(), key);
        }
    }
}
