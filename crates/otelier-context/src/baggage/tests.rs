use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

/// What is read, by key, and how much is dropped.
fn read(headers: &[&str]) -> (Vec<(String, String, String)>, u64) {
    let (baggage, dropped) = decode(headers);
    let mut members: Vec<_> = baggage
        .iter()
        .map(|(key, (value, metadata))| (key.to_string(), value.to_string(), metadata.to_string()))
        .collect();
    members.sort();
    (members, dropped)
}

fn member(key: &str, value: &str, metadata: &str) -> (String, String, String) {
    (key.to_owned(), value.to_owned(), metadata.to_owned())
}

#[test]
fn members_are_read_as_the_grammar_says() {
    for (headers, expected) in [
        (&["a=1"][..], vec![member("a", "1", "")]),
        (
            &["a = 1\t, b=2"],
            vec![member("a", "1", ""), member("b", "2", "")],
        ),
        (
            &["a=1", "b=2"],
            vec![member("a", "1", ""), member("b", "2", "")],
        ),
        (&["a="], vec![member("a", "", "")]),
        (&["a=b=c=="], vec![member("a", "b=c==", "")]),
        (&["a=1, ,,"], vec![member("a", "1", "")]),
        (&["a=%C3%a9%20%25"], vec![member("a", "é %", "")]),
        (&["a=1%0D%0Ax:%00"], vec![member("a", "1\r\nx:\0", "")]),
        (
            &["a=1; p ;q = 2;r=%C3"],
            vec![member("a", "1", "p;q = 2;r=%C3")],
        ),
        (&["a=1;"], vec![member("a", "1", "")]),
        (
            &["!#$%&'*+-.^_`|~=1"],
            vec![member("!#$%&'*+-.^_`|~", "1", "")],
        ),
    ] {
        assert_eq!(read(headers), (expected, 0), "{headers:?}");
    }
}

#[test]
fn a_broken_member_is_dropped_and_counted_and_the_others_stay() {
    for broken in [
        "b",
        "=1",
        "b c=1",
        "b(=1",
        "é=1",
        "b=1 2",
        "b=\"1\"",
        "b=a\\c",
        "b=\u{7f}",
        "b=é",
        "b=%",
        "b=%4",
        "b=%zz",
        "b=%+1",
        "b=%ff",
        "b=%C3",
        "b=%C0%8A",
        "b=%ED%A0%80",
    ] {
        let header = format!("a=1,{broken},c=3");
        let expected = vec![member("a", "1", ""), member("c", "3", "")];
        assert_eq!(read(&[&header]), (expected, 1), "{broken}");
    }
    assert_eq!(read(&["", "a=1"]), (vec![member("a", "1", "")], 1));
}

#[test]
fn a_broken_property_is_dropped_and_counted_alone() {
    let expected = vec![member("a", "1", "p;q=2")];
    assert_eq!(read(&["a=1;p;x y;q=2;=;z=\"\""]), (expected, 3));
}

#[test]
fn of_a_repeated_key_the_last_member_stays() {
    let expected = vec![member("a", "3", ""), member("b", "2", "")];
    assert_eq!(read(&["a=1;p,b=2", "a=3"]), (expected, 0));
}

#[test]
fn members_beyond_the_bounds_are_dropped_and_counted() {
    let many: Vec<_> = (0..1_000).map(|i| format!("k{i}=v")).collect();
    let (members, dropped) = read(&[&many.join(",")]);
    assert_eq!((members.len(), dropped), (64, 936));
    assert_eq!(members.last(), Some(&member("k9", "v", "")));

    let fits = format!("a=1,b={}", "x".repeat(8_192 - 6));
    assert_eq!(fits.len(), 8_192);
    assert_eq!(read(&[&fits]).1, 0);
    let (members, dropped) = read(&[&format!("{fits}x,c=3")]);
    assert_eq!(members, [member("a", "1", ""), member("c", "3", "")]);
    assert_eq!(dropped, 1);
    assert_eq!(read(&[&format!("b={}", "x".repeat(9 * 1_024))]).1, 1);
}

fn inject(baggage: Baggage) -> Option<String> {
    let mut carrier = HashMap::new();
    BaggagePropagator.inject_context(&Context::new().with_baggage(baggage), &mut carrier);
    carrier.remove(BAGGAGE)
}

#[test]
fn what_is_injected_is_within_the_grammar() {
    let mut baggage = Baggage::new();
    assert_eq!(inject(Baggage::new()), None);
    baggage.insert("b", "é,;\"\\% \r\n=");
    baggage.insert_with_metadata("a", "1", "p;x\r\ny: z;q=2,c=3;r = 4");
    let header = inject(baggage).unwrap();
    assert_eq!(header, "a=1;p;r = 4,b=%C3%A9%2C%3B%22%5C%25%20%0D%0A=");
}

#[test]
fn what_is_injected_is_within_the_bounds() {
    let mut baggage = Baggage::new();
    baggage.insert("a", "1");
    baggage.insert("b", "é".repeat(2_000));
    baggage.insert("c", "3");
    assert_eq!(encode(&baggage), ("a=1,c=3".to_owned(), 1));
}

#[test]
fn what_is_dropped_is_counted_for_the_process() {
    let before = BaggagePropagator::dropped();
    let carrier = HashMap::from([(BAGGAGE.to_owned(), "broken".to_owned())]);
    let cx = BaggagePropagator.extract_with_context(&Context::new(), &carrier);
    assert!(cx.baggage().is_empty());
    assert!(BaggagePropagator::dropped() > before);
}

#[test]
fn a_carrier_without_baggage_leaves_what_there_is() {
    let cx = Context::new().with_baggage([opentelemetry::KeyValue::new("a", "1")]);
    for header in ["", "broken"] {
        let carrier = HashMap::from([(BAGGAGE.to_owned(), header.to_owned())]);
        let cx = BaggagePropagator.extract_with_context(&cx, &carrier);
        assert_eq!(cx.baggage().len(), 1);
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_or_exceed_the_bounds(headers in prop::collection::vec(".*|([a-c]=[%0-9a-f]{0,6}[;,]?)*", 0..4)) {
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        let (baggage, _) = decode(&headers);
        prop_assert!(baggage.len() <= BaggagePropagator::MAX_MEMBERS);
        prop_assert!(encode(&baggage).0.len() <= BaggagePropagator::MAX_BYTES);
    }

    #[test]
    fn what_is_injected_is_extracted(members in prop::collection::hash_map("[!#-'*+.^-z|~-]{1,9}", ".{0,20}", 0..20)) {
        let baggage: Baggage = members
            .iter()
            .map(|(key, value)| opentelemetry::KeyValue::new(key.clone(), value.clone()))
            .collect();
        let (header, dropped) = encode(&baggage);
        prop_assert_eq!(dropped, 0);
        prop_assert!(http::HeaderValue::from_str(&header).is_ok());
        let (read, dropped) = decode(&[&header]);
        prop_assert_eq!(dropped, u64::from(header.is_empty()));
        prop_assert_eq!(read.len(), members.len());
        for (key, value) in &members {
            prop_assert_eq!(read.get(key).map(opentelemetry::StringValue::as_str), Some(value.as_str()));
        }
    }
}
