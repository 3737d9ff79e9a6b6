//! A keyed hash in place of all cryptography: fast, the same on every run, and safe against nobody.

use crate::engine::{Crypto, LETTER_OVERHEAD, SEAL_OVERHEAD, Secret};
use crate::wire::{PublicKey, Signature};

/// Bytes of the ephemeral key that a letter begins with.
const EPHEMERAL: usize = LETTER_OVERHEAD - SEAL_OVERHEAD;

/// Signs and seals by hashing. It keeps to the rules of [`Crypto`] for everyone who does not hash by themselves: what is
/// changed by a bit is not verified or opened, and plain text does not appear in what is sealed.
#[derive(Debug, Clone)]
pub struct FakeCrypto {
    public: PublicKey,
}

impl FakeCrypto {
    /// An identity; another number makes another.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self { public: PublicKey(hash("identity", &[&number.to_le_bytes()])) }
    }
}

impl Crypto for FakeCrypto {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, domain: &[u8], bytes: &[u8]) -> Signature {
        signature(&self.public, domain, bytes)
    }

    fn verify(&self, key: &PublicKey, domain: &[u8], bytes: &[u8], signature: &Signature) -> bool {
        key.0 != [0; 32] && *signature == self::signature(key, domain, bytes)
    }

    fn prekey(&self, secret: &Secret) -> [u8; 32] {
        hash("prekey", &[&secret.0])
    }

    fn seal_letter(&self, to: &[u8; 32], aad: &[u8], plain: &[u8], seed: [u8; 32]) -> Option<(Vec<u8>, Secret)> {
        if *to == [0; 32] {
            return None;
        }
        let ephemeral: [u8; EPHEMERAL] = hash("ephemeral", &[&seed]);
        let shared = Secret(hash("shared", &[to, &ephemeral]));
        let mut sealed = plain.to_vec();
        self.seal(&shared, 0, aad, &mut sealed);
        sealed.splice(0..0, ephemeral);
        Some((sealed, Secret(hash("exported", &[&shared.0]))))
    }

    fn open_letter(&self, prekey: &Secret, aad: &[u8], sealed: &[u8]) -> Option<(Vec<u8>, Secret)> {
        let (ephemeral, rest) = sealed.split_at_checked(EPHEMERAL)?;
        let shared = Secret(hash("shared", &[&self.prekey(prekey), ephemeral]));
        let mut plain = rest.to_vec();
        self.open(&shared, 0, aad, &mut plain).then(|| (plain, Secret(hash("exported", &[&shared.0]))))
    }

    fn derive(&self, secret: &Secret, info: &[&[u8]]) -> Secret {
        let parts: Vec<&[u8]> = std::iter::once(secret.0.as_slice()).chain(info.iter().copied()).collect();
        Secret(hash("derived", &parts))
    }

    fn seal(&self, key: &Secret, counter: u64, aad: &[u8], bytes: &mut Vec<u8>) {
        mask(key, counter, bytes);
        let tag = tag(key, counter, aad, bytes);
        bytes.extend_from_slice(&tag);
    }

    fn open(&self, key: &Secret, counter: u64, aad: &[u8], bytes: &mut Vec<u8>) -> bool {
        let Some(length) = bytes.len().checked_sub(SEAL_OVERHEAD) else { return false };
        let genuine = bytes[length..] == tag(key, counter, aad, &bytes[..length]);
        bytes.truncate(length);
        mask(key, counter, bytes);
        genuine
    }
}

fn signature(key: &PublicKey, domain: &[u8], bytes: &[u8]) -> Signature {
    Signature(hash("signature", &[&key.0, domain, bytes]))
}

fn tag(key: &Secret, counter: u64, aad: &[u8], sealed: &[u8]) -> [u8; SEAL_OVERHEAD] {
    hash("tag", &[&key.0, &counter.to_le_bytes(), aad, sealed])
}

/// Covers bytes with the stream of a key and a counter; twice gives them back.
fn mask(key: &Secret, counter: u64, bytes: &mut [u8]) {
    let mut hasher = blake3::Hasher::new_keyed(&key.0);
    hasher.update(&counter.to_le_bytes());
    let mut stream = hasher.finalize_xof();
    let mut block = [0; 64];
    for chunk in bytes.chunks_mut(block.len()) {
        stream.fill(&mut block);
        chunk.iter_mut().zip(block).for_each(|(byte, cover)| *byte ^= cover);
    }
}

/// Hashes parts, each with its length, for one purpose.
fn hash<const N: usize>(purpose: &str, parts: &[&[u8]]) -> [u8; N] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(purpose.as_bytes());
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let mut out = [0; N];
    hasher.finalize_xof().fill(&mut out);
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_for_one_key_one_purpose_and_one_text() {
        let (alice, bob) = (FakeCrypto::new(1), FakeCrypto::new(2));
        let signature = alice.sign(b"domain", b"text");
        assert!(bob.verify(&alice.public_key(), b"domain", b"text", &signature));
        assert!(!bob.verify(&bob.public_key(), b"domain", b"text", &signature));
        assert!(!bob.verify(&alice.public_key(), b"domai", b"ntext", &signature));
        assert!(!bob.verify(&alice.public_key(), b"domain", b"texts", &signature));
    }

    #[test]
    fn a_letter_opens_for_its_prekey_only_and_gives_both_the_same_secret() {
        let (alice, bob) = (FakeCrypto::new(1), FakeCrypto::new(2));
        let secret = Secret([7; 32]);
        let (sealed, ours) = alice.seal_letter(&bob.prekey(&secret), b"aad", b"canary", [9; 32]).unwrap();
        assert_eq!(sealed.len(), 6 + LETTER_OVERHEAD);
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        let (plain, theirs) = bob.open_letter(&secret, b"aad", &sealed).unwrap();
        assert_eq!((plain.as_slice(), theirs), (&b"canary"[..], ours));
        assert!(bob.open_letter(&Secret([8; 32]), b"aad", &sealed).is_none());
        assert!(bob.open_letter(&secret, b"add", &sealed).is_none());
        for at in 0..sealed.len() * 8 {
            let mut turned = sealed.clone();
            turned[at / 8] ^= 1 << (at % 8);
            assert!(bob.open_letter(&secret, b"aad", &turned).is_none());
        }
    }

    #[test]
    fn a_frame_opens_under_its_key_and_counter_only() {
        let (crypto, key) = (FakeCrypto::new(1), Secret([7; 32]));
        let opens = |key: &Secret, counter, aad: &[u8]| {
            let mut bytes = b"plain text longer than one block of the stream, so that two of them are used".to_vec();
            let plain = bytes.clone();
            crypto.seal(&Secret([7; 32]), 5, b"aad", &mut bytes);
            assert_eq!(bytes.len(), plain.len() + SEAL_OVERHEAD);
            crypto.open(key, counter, aad, &mut bytes) && bytes == plain
        };
        assert!(opens(&key, 5, b"aad"));
        assert!(!opens(&key, 6, b"aad") && !opens(&key, 5, b"") && !opens(&Secret([6; 32]), 5, b"aad"));
        assert!(!crypto.open(&key, 0, b"", &mut vec![0; 15]));
        assert_ne!(crypto.derive(&key, &[b"ab", b"c"]), crypto.derive(&key, &[b"a", b"bc"]));
    }
}
