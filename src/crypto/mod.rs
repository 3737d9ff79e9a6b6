//! The cryptography of peers: an identity that signs, letters, session frames, the key of a closed group, and the file
//! that carries an identity to another machine (protocol.md §9).
//!
//! [`KeyPair`] is what [`crate::engine`] is given as [`Crypto`](crate::engine::Crypto). Nothing here asks the system
//! for random bytes: they come in as seeds.

#[cfg(feature = "node")]
mod export;
mod frame;
#[cfg(feature = "node")]
mod group;
mod letter;
mod pair;
#[cfg(test)]
mod tests;

#[cfg(feature = "node")]
pub use export::{ExportError, ImportError, export, import};
#[cfg(feature = "node")]
pub use group::{GroupKeyError, group_key, new_group_secret};
pub use pair::KeyPair;
