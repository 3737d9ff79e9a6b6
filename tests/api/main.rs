//! The local API over real sockets: who may use it, what it answers, and what a hostile neighbour on this computer gets.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may end at any surprise")]

mod connections;
mod events;
mod fields;
mod files;
mod matrix;
mod openapi;
mod page;
mod routes;
mod world;
