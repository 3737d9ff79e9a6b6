//! Programs that are peers by the library, over the loopback.
#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may end at any surprise")]

mod attacker;
mod boards;
mod caches;
mod calls;
mod hostile;
mod life;
#[cfg(feature = "shared")]
mod lists;
mod messages;
#[path = "../port/mod.rs"]
mod port;
mod world;
