use super::*;
use http::HeaderValue;
use proptest::prelude::*;

const PEER: &str = "10.0.0.1";

/// What the headers say to a server behind proxies of 10.0.0.0/8 and fd00::/8.
fn find(headers: &[(&HeaderName, &[u8])], peer: &str) -> (String, Option<&'static str>) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_bytes(value).unwrap());
    }
    let proxies = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
    let client = Client::find(&map, peer.parse().unwrap(), &proxies);
    (client.address.to_string(), client.scheme)
}

#[test]
fn an_untrusted_peer_is_the_client() {
    let headers: [(&HeaderName, &[u8]); 3] = [
        (&FORWARDED, b"for=192.0.2.1;proto=https"),
        (&X_FORWARDED_FOR, b"192.0.2.1"),
        (&X_FORWARDED_PROTO, b"https"),
    ];
    for peer in ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::9"] {
        assert_eq!(find(&headers, peer), (peer.to_owned(), None));
    }
    assert_eq!(find(&headers, "::ffff:10.0.0.1").0, "192.0.2.1");
    assert_eq!(find(&[], PEER).0, PEER);
}

#[test]
fn the_client_is_the_first_that_is_no_trusted_proxy() {
    for (header, client) in [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ("203.0.113.9,192.0.2.1 ,\t10.0.0.3, 10.0.0.2", "192.0.2.1"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:db8::1, fd00::2", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        // What is no address ends the walk.
        ("", PEER),
        ("unknown", PEER),
        ("192.0.2.1,", PEER),
        ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1, _hidden", PEER),
        ("192.0.2.1:x", PEER),
        ("192.0.2.1:99999", PEER),
        ("192.0.2.1:1:2", PEER),
        ("192.0.2.01", PEER),
        ("192.0.2.256", PEER),
        ("[2001:db8::1", PEER),
        ("2001:db8::1]", PEER),
        ("[2001:db8::1]x", PEER),
        ("example.org", PEER),
        ("192.0.2.1 10.0.0.2", PEER),
    ] {
        let found = find(&[(&X_FORWARDED_FOR, header.as_bytes())], PEER);
        assert_eq!(found.0, client, "{header}");
    }
}

#[test]
fn forwarded_is_read_as_rfc_7239_says() {
    for (header, client, scheme) in [
        ("for=192.0.2.1", "192.0.2.1", None),
        ("For=\"192.0.2.1:47011\"", "192.0.2.1", None),
        ("for=\"192.0.2.1:_p\"", "192.0.2.1", None),
        (
            "FOR=\"[2001:db8::1]:4711\";proto=https",
            "2001:db8::1",
            Some("https"),
        ),
        (
            "by=10.0.0.1;proto=HTTP;for=192.0.2.1;host=a",
            "192.0.2.1",
            Some("http"),
        ),
        ("for=\"[fe80::1%eth0]\"", "fe80::1", None),
        (
            "for=192.0.2.1;proto=https, for=10.0.0.2;proto=http",
            "192.0.2.1",
            Some("https"),
        ),
        (
            "for=9.9.9.9;proto=https, for=192.0.2.1;proto=http",
            "192.0.2.1",
            Some("http"),
        ),
        (
            "for=192.0.2.1;host=\"a,for=9.9.9.9;for=9.9.9.9\"",
            "192.0.2.1",
            None,
        ),
        ("host=\"a;for=9.9.9.9;\";for=192.0.2.1", "192.0.2.1", None),
        (
            r#"for=192.0.2.1;host="\",for=9.9.9.9;for=9.9.9.9;\"""#,
            "192.0.2.1",
            None,
        ),
        (
            r#"for=192.0.2.1;host="a\\";proto=https"#,
            "192.0.2.1",
            Some("https"),
        ),
        ("for=192.0.2.1;proto=gopher", "192.0.2.1", None),
        // What is no address ends the walk, at an element that is still a trusted proxy's.
        ("for=9.9.9.9, for=unknown;proto=https", PEER, Some("https")),
        ("for=9.9.9.9, for=_hidden, for=10.0.0.2", "10.0.0.2", None),
        ("for=9.9.9.9, proto=https", PEER, Some("https")),
        ("for=9.9.9.9, ", PEER, None),
        ("for=\"192.0.2.1", PEER, None),
        ("for=", PEER, None),
        ("for", PEER, None),
        ("192.0.2.1", PEER, None),
    ] {
        let found = find(&[(&FORWARDED, header.as_bytes())], PEER);
        assert_eq!(found, (client.to_owned(), scheme), "{header}");
    }
}

#[test]
fn forwarded_wins_over_x_forwarded_for() {
    let headers: [(&HeaderName, &[u8]); 3] = [
        (&X_FORWARDED_FOR, b"9.9.9.9"),
        (&X_FORWARDED_PROTO, b"https"),
        (&FORWARDED, b"for=192.0.2.1"),
    ];
    assert_eq!(find(&headers, PEER), ("192.0.2.1".to_owned(), None));
}

#[test]
fn the_scheme_is_the_one_that_the_outermost_trusted_proxy_saw() {
    for (hops, schemes, scheme) in [
        ("192.0.2.1", "https", Some("https")),
        ("192.0.2.1", "http, HTTPS", Some("https")),
        ("192.0.2.1, 10.0.0.2", "https, http", Some("https")),
        (
            "9.9.9.9, 192.0.2.1, 10.0.0.2",
            "gopher, http, https",
            Some("http"),
        ),
        ("192.0.2.1, 10.0.0.3, 10.0.0.2", "https", Some("https")),
        ("192.0.2.1", "gopher", None),
        ("192.0.2.1", "", None),
        ("unknown", "https", Some("https")),
    ] {
        let headers: [(&HeaderName, &[u8]); 2] = [
            (&X_FORWARDED_FOR, hops.as_bytes()),
            (&X_FORWARDED_PROTO, schemes.as_bytes()),
        ];
        assert_eq!(find(&headers, PEER).1, scheme, "{hops} {schemes}");
    }
    assert_eq!(
        find(&[(&X_FORWARDED_PROTO, b"https")], PEER).1,
        Some("https")
    );
}

#[test]
fn several_headers_are_one_list() {
    let headers: [(&HeaderName, &[u8]); 3] = [
        (&X_FORWARDED_FOR, b"9.9.9.9, 192.0.2.1"),
        (&X_FORWARDED_FOR, b"10.0.0.3"),
        (&X_FORWARDED_FOR, b"10.0.0.2"),
    ];
    assert_eq!(find(&headers, PEER).0, "192.0.2.1");
}

#[test]
fn thirty_two_hops_are_looked_at() {
    for (name, prefix) in [(&X_FORWARDED_FOR, ""), (&FORWARDED, "for=")] {
        let chain = |hops: u32| {
            let hops = (1..=hops)
                .rev()
                .map(|hop| format!("{prefix}10.0.{}.{}", hop >> 8, hop & 255));
            let list = [format!("{prefix}192.0.2.1")].into_iter().chain(hops);
            list.collect::<Vec<_>>().join(", ")
        };
        for (hops, client) in [(31, "192.0.2.1"), (32, "10.0.0.32"), (1_000, "10.0.0.32")] {
            assert_eq!(find(&[(name, chain(hops).as_bytes())], PEER).0, client);
        }
    }
}

/// What a client may put into a header.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let like = r#"(for=|,|;|"|\\|9\.9\.9\.9|10\.0\.0\.2|proto=https|\[|\]|%| ){0,12}"#;
    prop_oneof![
        prop::collection::vec(prop_oneof![0x20u8..0x7f, 0x80u8..=0xff], 0..40),
        like.prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn a_client_cannot_choose_its_address(before in hostile(), own_header: bool, host in "[a-z,;=.0-9\"\\\\]{0,12}") {
        // As a careful proxy writes what the client sent as its host.
        let host = host.replace('\\', r"\\").replace('"', r#"\""#);
        let element = format!("for=192.0.2.1;proto=http;host=\"{host}\"");
        for (name, last) in [(&X_FORWARDED_FOR, "192.0.2.1"), (&FORWARDED, &*element)] {
            let joined = [&before, &b","[..], last.as_bytes()].concat();
            let two: [(&HeaderName, &[u8]); 2] = [(name, &before), (name, last.as_bytes())];
            let one: [(&HeaderName, &[u8]); 1] = [(name, &joined)];
            let found = find(if own_header { &two } else { &one }, PEER);
            prop_assert_eq!(found.0, "192.0.2.1");
        }
    }

    #[test]
    fn nothing_makes_it_panic(forwarded in hostile(), hops in hostile(), schemes in hostile()) {
        let all: [(&HeaderName, &[u8]); 3] = [
            (&X_FORWARDED_FOR, &hops),
            (&X_FORWARDED_PROTO, &schemes),
            (&FORWARDED, &forwarded),
        ];
        let _ = find(&all, PEER);
        let _ = find(&all[..2], PEER);
    }
}
