//! The protocol on a virtual LAN: one behaviour a module. Every failure prints the seed of its run.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, clippy::print_stderr, reason = "a test may fail")]

mod amplifier;
mod avatar;
mod contacts;
mod determinism;
mod discovery;
mod floods;
mod forged;
mod groups;
mod hints;
mod idle;
mod key_change;
mod letters;
mod limits;
mod loops;
mod messages;
mod model;
mod numbers;
mod older;
mod paths;
mod posts;
mod presence;
mod replay;
mod run;
mod sessions;
mod signed;
mod signer;
