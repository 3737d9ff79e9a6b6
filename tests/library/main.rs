//! Programs that are peers by the library, over the loopback.
#![expect(clippy::unwrap_used, reason = "a test may end at any surprise")]

mod calls;
mod life;
mod messages;
mod world;
