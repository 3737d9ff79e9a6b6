//! Letters: HPKE base mode of RFC 9180 with X25519, HKDF-SHA256 and ChaCha20-Poly1305 (protocol.md §9.5).

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, setup_receiver, setup_sender_with_rng};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::engine::{LETTER_OVERHEAD, Secret};

type PrekeyPublic = <X25519HkdfSha256 as Kem>::PublicKey;
type PrekeySecret = <X25519HkdfSha256 as Kem>::PrivateKey;
type Ephemeral = <X25519HkdfSha256 as Kem>::EncappedKey;

/// The `info` of the key schedule.
const INFO: &[u8] = b"lsnp 1 letter";

/// The exporter context of the secret of a session.
const SESSION: &[u8] = b"lsnp 1 session";

/// Bytes of the ephemeral key in front of the sealed text.
const EPHEMERAL: usize = 32;

pub(super) fn public_half(secret: &Secret) -> [u8; 32] {
    let mut public = [0; 32];
    // Any 32 bytes are an X25519 secret; a key of zeros would be refused by everybody.
    if let Ok(secret) = PrekeySecret::from_bytes(&secret.0) {
        X25519HkdfSha256::sk_to_pk(&secret).write_exact(&mut public);
    }
    public
}

pub(super) fn seal(to: &[u8; 32], aad: &[u8], plain: &[u8], seed: [u8; 32]) -> Option<(Vec<u8>, Secret)> {
    let to = PrekeyPublic::from_bytes(to).ok()?;
    let mut random = StdRng::from_seed(seed);
    let (ephemeral, mut sender) =
        setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(&OpModeS::Base, &to, INFO, &mut random)
            .ok()?;
    let mut sealed = Vec::with_capacity(plain.len() + LETTER_OVERHEAD);
    sealed.extend_from_slice(&ephemeral.to_bytes());
    sealed.extend_from_slice(&sender.seal(plain, aad).ok()?);
    let mut session = Secret([0; 32]);
    sender.export(SESSION, &mut session.0).ok()?;
    Some((sealed, session))
}

pub(super) fn open(prekey: &Secret, aad: &[u8], sealed: &[u8]) -> Option<(Vec<u8>, Secret)> {
    let (ephemeral, sealed) = sealed.split_at_checked(EPHEMERAL)?;
    let ephemeral = Ephemeral::from_bytes(ephemeral).ok()?;
    let prekey = PrekeySecret::from_bytes(&prekey.0).ok()?;
    let mut receiver =
        setup_receiver::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(&OpModeR::Base, &prekey, &ephemeral, INFO)
            .ok()?;
    let plain = receiver.open(sealed, aad).ok()?;
    let mut session = Secret([0; 32]);
    receiver.export(SESSION, &mut session.0).ok()?;
    Some((plain, session))
}
