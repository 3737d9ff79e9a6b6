//! What is sealed under a shared secret: session frames and group frames (protocol.md §9.6, §9.10).

use hkdf::Hkdf;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::Sha256;

use crate::engine::{SEAL_OVERHEAD, Secret};

/// The salt of every derivation.
const SALT: &[u8] = b"lsnp 1";

pub(super) fn derive(secret: &Secret, info: &[&[u8]]) -> Secret {
    let hkdf = Hkdf::<Sha256>::new(Some(SALT), &secret.0);
    let mut parts = Vec::with_capacity(info.iter().map(|part| 1 + part.len()).sum());
    for part in info {
        debug_assert!(part.len() <= usize::from(u8::MAX), "a part of the info is too long for its length byte");
        parts.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
        parts.extend_from_slice(part);
    }
    let mut derived = Secret([0; 32]);
    // 32 bytes are far below what HKDF can give.
    let _ = hkdf.expand(&parts, &mut derived.0);
    derived
}

pub(super) fn seal(key: &Secret, counter: u64, aad: &[u8], bytes: &mut Vec<u8>) {
    bytes.reserve(SEAL_OVERHEAD);
    let sealed = bound(key).and_then(|key| key.seal_in_place_append_tag(nonce(counter), Aad::from(aad), bytes).ok());
    if sealed.is_none() {
        // Cannot happen below 256 GiB; what is not sealed must not leave.
        bytes.clear();
    }
}

pub(super) fn open(key: &Secret, counter: u64, aad: &[u8], bytes: &mut Vec<u8>) -> bool {
    let Some(key) = bound(key) else { return false };
    let Ok(plain) = key.open_in_place(nonce(counter), Aad::from(aad), bytes) else { return false };
    let length = plain.len();
    bytes.truncate(length);
    true
}

fn bound(key: &Secret) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, &key.0).ok().map(LessSafeKey::new)
}

/// 4 zero bytes, then the counter, big endian.
fn nonce(counter: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}
