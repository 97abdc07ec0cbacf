use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use opentelemetry_proto::tonic::common::v1::KeyValue;

use crate::Value;

/// Attributes in the order of their keys; it dereferences to the map. Of a key sent twice the last
/// value counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(BTreeMap<String, Value>);

impl Attributes {
    /// The value of an attribute that must be there; [`get`](BTreeMap::get) gives an `Option`.
    ///
    /// # Panics
    ///
    /// If there is none; the message lists those that are there.
    #[track_caller]
    pub fn attribute(&self, key: &str) -> &Value {
        match self.0.get(key) {
            Some(value) => value,
            None => panic!("no attribute {key:?} among [{self}]"),
        }
    }
}

impl Deref for Attributes {
    type Target = BTreeMap<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// `key=value` pairs on one line.
impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}={value}", key.escape_debug())?;
        }
        Ok(())
    }
}

impl From<Vec<KeyValue>> for Attributes {
    fn from(pairs: Vec<KeyValue>) -> Self {
        let value = |pair: KeyValue| (pair.key, pair.value.map(Value::from).unwrap_or_default());
        Self(pairs.into_iter().map(value).collect())
    }
}
