//! The identity of a peer (protocol.md §9.1).

use std::fmt;

use ed25519_dalek::ed25519::signature::MultipartSigner;
use ed25519_dalek::{Signature as DalekSignature, SigningKey, VerifyingKey};

use crate::engine::{Crypto, Secret};
use crate::wire::{PublicKey, Signature};

use super::{frame, letter};

/// An Ed25519 key with its secret half, which is erased when dropped and never shown.
pub struct KeyPair {
    signing: SigningKey,
}

impl KeyPair {
    /// The identity that has these secret bytes; for a new one they come from the system's random source.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        Self { signing: SigningKey::from_bytes(&secret.0) }
    }

    /// The bytes that [`KeyPair::new`] makes this identity of.
    #[must_use]
    pub fn secret(&self) -> Secret {
        Secret(self.signing.to_bytes())
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.public_key())
    }
}

impl Crypto for KeyPair {
    fn public_key(&self) -> PublicKey {
        PublicKey(self.signing.verifying_key().to_bytes())
    }

    fn sign(&self, domain: &[u8], bytes: &[u8]) -> Signature {
        // Signing with a key of our own cannot fail; a signature of zeros would be refused by everybody.
        Signature(self.signing.try_multipart_sign(&[domain, bytes]).map_or([0; 64], |signature| signature.to_bytes()))
    }

    fn verify(&self, key: &PublicKey, domain: &[u8], bytes: &[u8], signature: &Signature) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&key.0) else { return false };
        key.verify_strict(&[domain, bytes].concat(), &DalekSignature::from_bytes(&signature.0)).is_ok()
    }

    fn prekey(&self, secret: &Secret) -> [u8; 32] {
        letter::public_half(secret)
    }

    fn seal_letter(&self, to: &[u8; 32], aad: &[u8], plain: &[u8], seed: [u8; 32]) -> Option<(Vec<u8>, Secret)> {
        letter::seal(to, aad, plain, seed)
    }

    fn open_letter(&self, prekey: &Secret, aad: &[u8], sealed: &[u8]) -> Option<(Vec<u8>, Secret)> {
        letter::open(prekey, aad, sealed)
    }

    fn derive(&self, secret: &Secret, info: &[&[u8]]) -> Secret {
        frame::derive(secret, info)
    }

    fn seal(&self, key: &Secret, counter: u64, aad: &[u8], bytes: &mut Vec<u8>) {
        frame::seal(key, counter, aad, bytes);
    }

    fn open(&self, key: &Secret, counter: u64, aad: &[u8], bytes: &mut Vec<u8>) -> bool {
        frame::open(key, counter, aad, bytes)
    }
}
