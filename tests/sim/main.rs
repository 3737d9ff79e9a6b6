//! The protocol on a virtual LAN: one behaviour a module. Every failure prints the seed of its run.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, clippy::print_stderr, reason = "a test may fail")]

mod amplifier;
mod avatar;
mod away;
mod board;
mod cache;
mod calls;
mod carry;
mod catch_up;
mod contacts;
mod counted;
mod data;
mod data_wire;
mod delivery;
mod determinism;
mod discovery;
mod disks;
mod floods;
mod forged;
mod groups;
mod hints;
mod idle;
mod key_change;
mod kills;
mod letters;
mod liars;
mod limits;
#[cfg(feature = "shared")]
mod list_forks;
#[cfg(feature = "shared")]
mod lists;
mod long;
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
mod topics;
