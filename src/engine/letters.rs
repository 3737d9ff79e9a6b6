//! Our prekeys, and letters: a DM sealed to one of them (protocol.md §9.5, §9.7).

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::wire::{Dm, DmBody, Extension, OwnMessageId, Prekey, PublicKey, Sealed, SealedBody, Style};

use super::{Config, Crypto, Engine, Instant, Output, OwnPrekey, Peer, Posted, Record, Rejected, Secret, Timer};

use super::signed::Sequence;

/// What we sign and seal with.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) crypto: Box<dyn Crypto>,
    pub(super) sequence: Sequence,
    /// The newest last.
    pub(super) prekeys: Vec<OwnPrekey>,
    pub(super) posted: Posted,
    pub(super) seeds: Seeds,
}

/// Secret random bytes. What was given out cannot be found out from what is left, so a prekey that was erased, and the
/// ephemeral key of a letter that was sent, are gone.
#[derive(Debug)]
pub(super) struct Seeds(Secret);

impl Seeds {
    /// Takes its beginning from `rng`, which goes on from another place.
    pub(super) fn new(rng: &mut StdRng) -> Self {
        let (mut first, mut next) = (Secret([0; 32]), Secret([0; 32]));
        rng.fill_bytes(&mut first.0);
        rng.fill_bytes(&mut next.0);
        *rng = StdRng::from_seed(next.0);
        Self(first)
    }

    pub(super) fn next(&mut self) -> Secret {
        let seed = Secret(blake3::derive_key("lsnp 1 seed", &self.0.0));
        self.0 = Secret(blake3::derive_key("lsnp 1 next seeds", &self.0.0));
        seed
    }
}

/// What is bound to sealed text besides its key: TYPE, both ends and the message.
pub(super) fn bound(from: &PublicKey, to: &PublicKey, message: &str) -> Vec<u8> {
    [b"DM\0", &from.0[..], &to.0[..], message.as_bytes()].concat()
}

impl Ring {
    fn prekey(&self, id: u32) -> Option<&Secret> {
        self.prekeys.iter().find(|prekey| prekey.public.id == id).map(|prekey| &prekey.secret)
    }
}

impl Engine {
    /// The prekey that we announce.
    pub(super) fn own_prekey(&self) -> Option<Prekey> {
        self.ring.as_ref()?.prekeys.last().map(|prekey| prekey.public)
    }

    /// Makes a new prekey once a day, and erases what is too old for any letter.
    pub(super) fn turn_prekeys(&mut self, now: Instant) {
        let unix = self.unix(now);
        let id = self.rng.next_u32();
        let Some(ring) = &mut self.ring else { return };
        let count = ring.prekeys.len();
        // One from the future was made before the clock was set back: nobody knows how old it is.
        let age = |prekey: &OwnPrekey| Duration::from_secs(unix.abs_diff(prekey.made));
        ring.prekeys.retain(|prekey| age(prekey) < Config::PREKEY_KEPT);
        let newest = ring.prekeys.last().map(age);
        let due = newest.is_none_or(|age| age >= Config::PREKEY_TURN);
        if due {
            let secret = ring.seeds.next();
            let public = Prekey { id, key: ring.crypto.prekey(&secret) };
            ring.prekeys.push(OwnPrekey { public, secret, made: unix });
        }
        if due || ring.prekeys.len() != count {
            let prekeys = ring.prekeys.clone();
            self.outputs.push_back(Output::Store(Record::Prekeys(prekeys)));
        }
        let wait = if due { Config::PREKEY_TURN } else { Config::PREKEY_TURN - newest.unwrap_or_default() };
        self.timers.set(now + wait, Timer::Prekey);
    }

    /// Writes a signed letter to a peer whose prekey is known; none when that is no good key.
    pub(super) fn write_letter(&mut self, peer: &Peer, body: &SealedBody, id: OwnMessageId) -> Option<Letter> {
        let (to_key, prekey, to) = (peer.key?, peer.prekey?, peer.user_id()?);
        let body = body.encode();
        let ring = self.ring.as_mut()?;
        let seed = ring.seeds.next();
        let aad = bound(&ring.crypto.public_key(), &to_key, id.as_field().as_str());
        let (sealed, secret) = ring.crypto.seal_letter(&prekey.key, &aad, &body, seed.0)?;
        let sealed = BASE64URL_NOPAD.encode(&sealed);
        let dm = Dm {
            from: self.own.field(),
            to,
            body: DmBody::Letter { prekey: prekey.id, sealed: Sealed::new(&sealed) },
            timestamp: None,
            message_id: Some(id.as_field()),
        };
        let extension = Extension { sid: Some(self.own.sid), ..Extension::default() };
        let mut out = Vec::new();
        dm.encode(&extension, None, Style::Tight, &mut out);
        self.sign(&mut out);
        Some(Letter { bytes: out, secret })
    }

    /// Opens a letter that `from` signed.
    pub(super) fn open_letter(
        &self,
        from: &PublicKey,
        message: &str,
        prekey: u32,
        sealed: Sealed<'_>,
    ) -> Result<(SealedBody, Secret), Rejected> {
        let ring = self.ring.as_ref().ok_or(Rejected::Unopened)?;
        let secret = ring.prekey(prekey).ok_or(Rejected::Unopened)?;
        let mut bytes = Vec::new();
        if !sealed.read(&mut bytes) {
            return Err(Rejected::Unopened);
        }
        let aad = bound(from, &ring.crypto.public_key(), message);
        let (plain, secret) = ring.crypto.open_letter(secret, &aad, &bytes).ok_or(Rejected::Unopened)?;
        let body = SealedBody::decode(&plain).ok_or(Rejected::Unopened)?;
        Ok((body, secret))
    }
}

/// A letter ready to go, and the secret that it shares with its reader.
pub(super) struct Letter {
    pub(super) bytes: Vec<u8>,
    pub(super) secret: Secret,
}
