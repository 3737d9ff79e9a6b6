//! The wire floor against golden datagrams, against itself, and against hostile text.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail")]

mod chain;
mod delivery;
mod envelope;
mod escape;
mod forgery;
mod golden;
mod key;
mod lines;
mod link;
mod long;
mod protocol;
mod round_trip;
mod safe;
mod sealed;
mod skeleton;
mod splitting;
mod vectors;
