//! A serverless messenger for local networks.
//!
//! Eight floors, each importing only what stands below it:
//!
//! - [`wire`]: bytes to messages and back. Knows no peer, no time, no configuration.
//! - [`engine`]: the protocol. Takes datagrams, commands and the time, returns what should happen. Holds no socket,
//!   reads no clock, starts no task.
//! - [`data`]: what peers share besides talk, beside an engine and as free of sockets and clocks.
//! - `node` (feature `node`): the tokio shell that does what the engine says.
//! - `store` (feature `node`): the history.
//! - `web` (feature `node`): the local API.
//! - `peer` (feature `node`): a peer inside of another program, in a few lines. Who wants one begins there.
//! - `cli` (feature `node`): arguments, prompt and rendering of the program `peer`.
//!
//! `sim` (feature `sim`) runs many engines on one virtual LAN in virtual time.
//!
//! The protocol itself is specified in `protocol.md` at the root of the repository.

#[cfg(feature = "node")]
pub mod cli;
pub mod crypto;
pub mod data;
pub mod engine;
#[cfg(feature = "node")]
pub mod node;
#[cfg(feature = "node")]
pub mod peer;
#[cfg(any(feature = "sim", test))]
pub mod sim;
#[cfg(feature = "node")]
pub mod store;
#[cfg(feature = "node")]
pub mod web;
pub mod wire;

#[cfg(feature = "node")]
pub use peer::Peer;
