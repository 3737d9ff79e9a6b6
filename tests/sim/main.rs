//! The protocol on a virtual LAN: one behaviour a module. Every failure prints the seed of its run.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, clippy::print_stderr, reason = "a test may fail")]

mod avatar;
mod determinism;
mod discovery;
mod forged;
mod hints;
mod idle;
mod limits;
mod loops;
mod messages;
mod model;
mod numbers;
mod older;
mod paths;
mod presence;
mod replay;
mod run;
mod signed;
mod signer;
