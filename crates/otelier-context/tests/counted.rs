//! Alone in its process: what it counts is counted for all requests together.

use otelier_context::{RequestContext, RequestId};

#[test]
fn fields_that_are_refused_or_cut_or_late_are_counted() {
    let request = RequestContext::new(RequestId::make());
    let counts = || {
        (
            RequestContext::fields_refused(),
            RequestContext::late_writes(),
        )
    };
    assert!(request.set_field("whole", "x".repeat(4_000)));
    assert_eq!(counts(), (0, 0));
    assert!(request.set_field("cut", "x".repeat(4_000)));
    assert_eq!(counts(), (1, 0));
    assert!(!request.set_field("refused", 1));
    assert_eq!(counts(), (2, 0));

    request.end();
    assert!(!request.set_field("late", 1));
    assert!(!request.set_field("cut", 1));
    assert_eq!(counts(), (2, 2));
    assert_eq!(request.fields().len(), 2);
}
