use std::iter;
use std::net::IpAddr;
use std::str;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

use crate::Cidr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How many hops are looked at, from the nearest.
const MAX_HOPS: usize = 32;

/// Who began a request, as far as its peer and the proxies before that are trusted.
#[derive(Debug, PartialEq)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// By which scheme it reached the first trusted proxy, if that is said.
    pub(crate) scheme: Option<&'static str>,
}

impl Client {
    /// Walks from the peer towards the client, through trusted proxies only, each of which says whom it
    /// forwards for. What is no address ends the walk at the last one that was believed. `Forwarded`
    /// (RFC 7239) wins over `X-Forwarded-For`.
    ///
    /// Headers are read from their end, where the nearest proxy has written: nothing that stands before
    /// an element can change what it says.
    pub(crate) fn find(headers: &HeaderMap, peer: IpAddr, proxies: &[Cidr]) -> Self {
        let mut client = Self {
            address: peer,
            scheme: None,
        };
        if !Cidr::any(proxies, peer) {
            return client;
        }
        if headers.contains_key(FORWARDED) {
            for element in backwards(headers, FORWARDED, b',').take(MAX_HOPS) {
                client.scheme = parameter(element, "proto").and_then(scheme);
                if !client.came_by(parameter(element, "for"), proxies) {
                    break;
                }
            }
        } else {
            let mut hops = 0;
            for hop in backwards(headers, X_FORWARDED_FOR, b',').take(MAX_HOPS) {
                hops += 1;
                if !client.came_by(str::from_utf8(hop).ok(), proxies) {
                    break;
                }
            }
            // Beyond the hops that were walked, the list is not a trusted proxy's.
            let schemes = backwards(headers, X_FORWARDED_PROTO, b',');
            let outermost = schemes.take(hops.max(1)).last();
            client.scheme = outermost
                .and_then(|text| str::from_utf8(text).ok())
                .and_then(scheme);
        }
        client
    }

    /// Goes on to the hop before; false if that is no address, or one that is not to be believed.
    fn came_by(&mut self, node: Option<&str>, proxies: &[Cidr]) -> bool {
        let Some(address) = node.and_then(address) else {
            return false;
        };
        self.address = address;
        Cidr::any(proxies, address)
    }
}

/// The elements of a header, the last one first.
fn backwards(headers: &HeaderMap, name: HeaderName, separator: u8) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all(name).into_iter().rev();
    values.flat_map(move |value| split_backwards(value.as_bytes(), separator))
}

/// What stands between the separators, the last first; a separator in a quoted string is none.
fn split_backwards(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        let at = (0..text.len()).rev().find(|&at| {
            quoted ^= text[at] == b'"' && !is_escaped(&text[..at]);
            text[at] == separator && !quoted
        });
        rest = at.map(|at| &text[..at]);
        let part = at.map_or(text, |at| &text[at + 1..]);
        Some(part.trim_ascii())
    })
}

/// Whether an odd number of backslashes stands before.
fn is_escaped(before: &[u8]) -> bool {
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
}

/// The value of a parameter of an element of `Forwarded`.
fn parameter<'a>(element: &'a [u8], name: &str) -> Option<&'a str> {
    split_backwards(element, b';').find_map(|pair| {
        let (key, value) = str::from_utf8(pair).ok()?.split_once('=')?;
        let quoted = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        key.eq_ignore_ascii_case(name)
            .then_some(quoted.unwrap_or(value))
    })
}

/// A node's address without its port and zone; none for `unknown` and names like `_hidden`
/// (RFC 7239, section 6).
fn address(node: &str) -> Option<IpAddr> {
    let (host, port) = match node.strip_prefix('[') {
        Some(node) => node.split_once(']')?,
        None => match node.find(':') {
            Some(colon) if colon == node.rfind(':')? => node.split_at(colon),
            _ => (node, ""),
        },
    };
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    let (host, _zone) = host.split_once('%').unwrap_or((host, ""));
    host.parse().ok().filter(|_| is_port)
}

/// A number, or a name like `_hidden`.
fn is_port(text: &str) -> bool {
    text.starts_with('_') || text.parse::<u16>().is_ok()
}

fn scheme(text: &str) -> Option<&'static str> {
    let known = ["http", "https"];
    known
        .into_iter()
        .find(|scheme| scheme.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests;
