//! The non-blocking writer: each line is written or counted as dropped, and no sink blocks a thread
//! that logs.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod bounds;
mod end;
mod harness;
mod sinks;
