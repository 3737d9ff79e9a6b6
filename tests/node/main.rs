//! Real peers over the loopback: sockets, files and timers as in the program.
#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may end at any surprise")]

mod data;
mod delivery;
mod disk;
mod history;
mod peers;
mod people;
#[path = "../port/mod.rs"]
mod port;
mod signed;
mod world;
