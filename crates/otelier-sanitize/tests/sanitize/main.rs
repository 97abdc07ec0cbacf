//! The promises made to users.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod hostile;
mod properties;
mod reference;
