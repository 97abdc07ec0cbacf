use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rand::Rng as _;
use uuid::Uuid;

/// The id of one request: made here, or kept from an `x-request-id` that came with it.
///
/// A made id is a UUIDv7 (RFC 9562, section 5.7): ids sort by the time they were made.
///
/// ```
/// use otelier_context::RequestId;
///
/// let kept: RequestId = "edge-7f.42".parse()?;
/// assert_eq!(kept.to_string(), "edge-7f.42");
/// assert_eq!(RequestId::make().to_string().len(), 36);
/// # Ok::<(), otelier_context::InvalidId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Repr);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Repr {
    Made(Uuid),
    Kept(Arc<str>),
}

impl RequestId {
    /// The longest id that is kept, in characters.
    pub const MAX_LEN: usize = 128;

    /// Makes a new id, now.
    pub fn make() -> Self {
        Self::made_at(SystemTime::now())
    }

    /// Makes a new id from this time and the thread's random generator. A time before 1970 counts as 1970.
    pub fn made_at(time: SystemTime) -> Self {
        let millis = time
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        let random: [u8; 10] = rand::rng().random();
        Self(Repr::Made(
            uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid(),
        ))
    }

    /// The id as text, written into `buffer` if it was made here; never allocates.
    pub fn encode<'a>(&'a self, buffer: &'a mut [u8; 36]) -> &'a str {
        match &self.0 {
            Repr::Made(uuid) => uuid.as_hyphenated().encode_lower(buffer),
            Repr::Kept(text) => text,
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.encode(&mut [0; 36]))
    }
}

impl FromStr for RequestId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        check("request id", text, Self::MAX_LEN)?;
        Ok(Self(Repr::Kept(text.into())))
    }
}

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The longest accepted id, in characters.
            pub const MAX_LEN: usize = 64;

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                check($what, text, Self::MAX_LEN)?;
                Ok(Self(text.into()))
            }
        }

        impl From<$name> for opentelemetry::Value {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }
    };
}

identity! {
    /// The tenant on whose behalf a request runs.
    ///
    /// It comes from a resolver that the application supplies; a client's word alone is not a tenant.
    TenantId, "tenant id"
}

identity! {
    /// The user on whose behalf a request runs, as the application names its users.
    UserId, "user id"
}

fn check(what: &'static str, text: &str, max: usize) -> Result<(), InvalidId> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if text.is_empty() || text.len() > max || !text.bytes().all(allowed) {
        return Err(InvalidId { what, max });
    }
    Ok(())
}

/// A text that is not an id: empty, too long, or with a character outside `A-Z a-z 0-9 . _ -`.
///
/// It does not repeat the text, which may be hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidId {
    what: &'static str,
    max: usize,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, max } = self;
        write!(
            f,
            "invalid {what}: it must be 1 to {max} characters of A-Z a-z 0-9 . _ -"
        )
    }
}

impl std::error::Error for InvalidId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_id_is_a_version_7_uuid_of_now() {
        let text = RequestId::make().to_string();
        let uuid: Uuid = text.parse().unwrap();
        assert_eq!(uuid.get_version_num(), 7);
        let (seconds, _) = uuid.get_timestamp().unwrap().to_unix();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(now.as_secs().abs_diff(seconds) <= 1);
    }

    #[test]
    fn made_ids_differ() {
        let ids: std::collections::HashSet<_> = (0..10_000).map(|_| RequestId::make()).collect();
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn hostile_ids_are_refused_without_being_repeated() {
        for text in [
            "",
            "a b",
            "a\r\nx: y",
            "é",
            "a\"b",
            "a\u{202e}b",
            &"x".repeat(129),
        ] {
            let error = text.parse::<RequestId>().unwrap_err();
            assert!(text.is_empty() || !error.to_string().contains(text));
        }
        assert!("x".repeat(128).parse::<RequestId>().is_ok());
        assert!("x".repeat(64).parse::<TenantId>().is_ok());
        assert!("x".repeat(65).parse::<TenantId>().is_err());
        assert!("".parse::<UserId>().is_err());
    }
}
