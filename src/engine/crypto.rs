//! What the engine needs of cryptography. It is injected: [`crate::crypto`] has the real one, and a large simulation
//! or a fuzzer may bring a keyed hash in its place.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::wire::{PublicKey, Signature};

/// Signs, verifies, seals and opens. It holds the identity's secret key and nothing else; the same input gives the same
/// output, so whatever must be random comes in as a seed.
pub trait Crypto: fmt::Debug + Send {
    /// Our identity.
    fn public_key(&self) -> PublicKey;

    /// Signs `domain` followed by `bytes`.
    fn sign(&self, domain: &[u8], bytes: &[u8]) -> Signature;

    /// True when `key` signed `domain` followed by `bytes`; weak keys and other spellings of a signature never pass.
    fn verify(&self, key: &PublicKey, domain: &[u8], bytes: &[u8], signature: &Signature) -> bool;

    /// The public half of a prekey.
    fn prekey(&self, secret: &Secret) -> [u8; 32];

    /// Seals `plain` to a prekey, bound to `aad`, with what `seed` makes of an ephemeral key: the sealed bytes, and the
    /// secret that only both ends have. `None` for a prekey that is no good key.
    fn seal_letter(&self, to: &[u8; 32], aad: &[u8], plain: &[u8], seed: [u8; 32]) -> Option<(Vec<u8>, Secret)>;

    /// Opens a letter with the secret half of the prekey: what it holds, and the secret that only both ends have.
    fn open_letter(&self, prekey: &Secret, aad: &[u8], sealed: &[u8]) -> Option<(Vec<u8>, Secret)>;

    /// Derives a key from a secret for a purpose: the parts of `info` are taken one after the other.
    fn derive(&self, secret: &Secret, info: &[&[u8]]) -> Secret;

    /// Seals `bytes` in place under `key`; a counter may be used once with a key. Grows by [`SEAL_OVERHEAD`].
    fn seal(&self, key: &Secret, counter: u64, aad: &[u8], bytes: &mut Vec<u8>);

    /// Opens `bytes` in place; false, and garbage in `bytes`, when they were not sealed so.
    fn open(&self, key: &Secret, counter: u64, aad: &[u8], bytes: &mut Vec<u8>) -> bool;
}

/// Bytes that [`Crypto::seal`] adds: the authentication tag.
pub const SEAL_OVERHEAD: usize = 16;

/// Bytes that [`Crypto::seal_letter`] adds: the ephemeral key and the authentication tag.
pub const LETTER_OVERHEAD: usize = 48;

/// 32 secret bytes, erased when dropped and never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(pub [u8; 32]);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
