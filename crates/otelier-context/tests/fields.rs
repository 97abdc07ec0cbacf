//! Fields that an application adds to its request.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::sync::{Arc, Barrier};
use std::thread;

use opentelemetry::Context;
use otelier_context::{ContextExt as _, FieldValue, RequestContext, RequestId, set_field};

fn request() -> Arc<RequestContext> {
    RequestContext::new(RequestId::make())
}

/// As many different keys as are wanted.
fn keys(prefix: &str, count: usize) -> Vec<&'static str> {
    let key = |index| -> &'static str { format!("{prefix}{index}").leak() };
    (0..count).map(key).collect()
}

fn size(request: &RequestContext) -> usize {
    let size = |(key, value): &(&str, FieldValue)| match value {
        FieldValue::Str(text) => key.len() + text.len(),
        _ => key.len(),
    };
    request.fields().iter().map(size).sum()
}

#[test]
fn fields_go_to_the_current_request() {
    assert!(!set_field("step", "pay"), "there is none");
    let request = request();
    let _guard = Context::new().with_request(Arc::clone(&request)).attach();
    assert!(set_field("order_id", 42));
    assert!(set_field("step", "pay"));
    let fields = request.fields();
    assert_eq!(
        fields[..],
        [("order_id", 42.into()), ("step", "pay".into())]
    );
}

#[test]
fn the_last_writer_wins_in_the_first_ones_place() {
    let request = request();
    for (key, value) in [("step", "cart"), ("order", "a"), ("step", "pay")] {
        assert!(request.set_field(key, value));
    }
    let fields = request.fields();
    assert_eq!(fields[..], [("step", "pay".into()), ("order", "a".into())]);
}

#[test]
fn what_was_read_does_not_change() {
    let request = request();
    request.set_field("step", "cart");
    let before = request.fields();
    request.set_field("step", "pay");
    assert_eq!(before[..], [("step", "cart".into())]);
}

#[test]
fn a_field_set_a_million_times_does_not_grow() {
    let request = request();
    request.set_field("order_id", 42);
    for step in 0..1_000_000_u32 {
        assert!(request.set_field("step", step));
    }
    let text = "x".repeat(1_000);
    for _ in 0..1_000 {
        assert!(request.set_field("order_id", text.as_str()));
    }
    let expected = [("order_id", text.into()), ("step", 999_999_u32.into())];
    assert_eq!(request.fields()[..], expected);
}

#[test]
fn a_field_that_finds_no_room_is_refused_and_the_others_stay() {
    let request = request();
    for key in keys("k", RequestContext::MAX_FIELDS) {
        assert!(request.set_field(key, true));
    }
    assert!(!request.set_field("one_more", true));
    assert!(request.set_field("k7", false), "a known key has its place");
    assert_eq!(request.fields().len(), RequestContext::MAX_FIELDS);
    assert_eq!(request.fields()[7], ("k7", false.into()));

    let long: &'static str = "k".repeat(RequestContext::MAX_FIELD_BYTES + 1).leak();
    assert!(!self::request().set_field(long, true));
}

#[test]
fn a_text_is_cut_at_a_character_where_the_room_ends() {
    let request = request();
    assert!(request.set_field("a", "x".repeat(4_000)));
    assert!(request.set_field("b", "é".repeat(1_000_000)));
    let FieldValue::Str(cut) = &request.fields()[1].1 else {
        panic!("a text stays one");
    };
    assert_eq!(**cut, "é".repeat(45) + "…");
    assert!(
        request.set_field("c", 1),
        "a number needs room for its key only"
    );
    assert!(!request.set_field("d", "no room"));
    assert!(size(&request) <= RequestContext::MAX_FIELD_BYTES);

    assert!(request.set_field("a", "short"));
    assert!(request.set_field("d", "room again"));
}

#[test]
fn the_bounds_hold_for_many_threads() {
    let request = request();
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (request, start) = (&request, &start);
            scope.spawn(move || {
                let own = keys(&format!("t{thread}-"), 20);
                start.wait();
                for round in 0..200 {
                    for (index, key) in own.iter().copied().enumerate() {
                        request.set_field(key, "é".repeat(index * round));
                        request.set_field("shared", thread);
                        assert!(size(request) <= RequestContext::MAX_FIELD_BYTES);
                    }
                }
            });
        }
    });
    let fields = request.fields();
    assert!(fields.len() <= RequestContext::MAX_FIELDS);
    let mut keys: Vec<_> = fields.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), fields.len(), "no key twice");
    assert!(keys.contains(&"shared"));
}

#[test]
fn a_field_is_there_at_the_end_or_was_refused() {
    for _ in 0..2_000 {
        let request = request();
        let start = Barrier::new(2);
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                start.wait();
                request.set_field("step", "pay")
            });
            start.wait();
            request.end();
            let at_the_end = request.fields().len();
            let taken = writer.join().unwrap();
            assert_eq!(at_the_end, usize::from(taken));
            assert_eq!(request.fields().len(), at_the_end);
        });
    }
}
