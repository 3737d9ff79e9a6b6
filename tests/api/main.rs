//! The local API over real sockets: who may use it, what it answers, and what a hostile neighbour on this computer gets.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may end at any surprise")]

mod avatars;
mod comeback;
mod connections;
mod data;
mod data_fields;
mod entry;
mod events;
mod fields;
mod files;
mod matrix;
mod metrics;
mod openapi;
mod page;
#[path = "../port/mod.rs"]
mod port;
mod program;
mod reach;
mod routes;
mod world;
