use libfuzzer_sys::arbitrary::Unstructured;
use serde_json::{Map, Value};

use crate::case::fields_of;
use crate::special::is_special;
use crate::{bytes, json, written};

/// Whatever is logged is one short line of strict JSON without anything special in it, and says what was
/// logged where it does not say that something was cut.
pub(crate) fn check(input: &mut Unstructured<'_>) {
    let (Ok(naming), Ok(case)) = (bytes::naming(input), bytes::case(input)) else {
        return;
    };
    let line = written(case.builder(&naming), &case);
    assert!(!line.contains(is_special), "{line:?}");
    assert_eq!(json::check(&line), Ok(()), "{line:?}");
    let line: Map<String, Value> = serde_json::from_str(&line).expect("serde_json reads it too");
    let (fields, expected) = (fields_of(&line, &naming), case.fields(&naming));
    assert!(fields.keys().all(|key| expected.contains_key(key)));
    if !line.contains_key(&naming.part("truncated_bytes")) {
        assert_eq!(fields, expected);
        let message = line.get(&naming.message()).cloned();
        assert_eq!(message, case.message().map(Value::from));
    }
}
