//! Somebody who is no program here, and has a key.

use std::net::SocketAddrV4;

use lsnp::engine::{Crypto, Instant, Secret, Socket};
use lsnp::sim::{FakeCrypto, ProgramId};
use lsnp::wire::{Envelope, Prekey, PublicKey, SIGNED_DOMAIN, seal};

use super::forged::{datagram, octets};
use super::run::{Run, millis};

/// A key, and what was signed with it.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) crypto: FakeCrypto,
    /// Its label, `name@ip`.
    pub(crate) label: String,
    pub(crate) at: SocketAddrV4,
    pub(crate) sid: String,
    pub(crate) seq: u64,
}

impl Signer {
    /// Somebody called so at this address; another number makes another key.
    pub(crate) fn new(number: u64, name: &str, at: SocketAddrV4) -> Self {
        let label = format!("{name}@{}", at.ip());
        Self { crypto: FakeCrypto::new(0x5170_0000 + number), label, at, sid: octets(number ^ 0xabcdef), seq: 1 }
    }

    pub(crate) fn key(&self) -> PublicKey {
        self.crypto.public_key()
    }

    pub(crate) fn prekey_secret() -> Secret {
        Secret([42; 32])
    }

    /// Signs a datagram as it is.
    pub(crate) fn sign(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        self.seq += 1;
        let crypto = &self.crypto;
        seal(&mut bytes, &crypto.public_key(), self.seq, 0x1234_5678, |signed| crypto.sign(SIGNED_DOMAIN, signed));
        bytes
    }

    /// A signed datagram with these keys, and the SID.
    pub(crate) fn says(&mut self, kind: &str, fields: &[(&str, &str)]) -> Vec<u8> {
        let sid = self.sid.clone();
        let fields: Vec<_> = fields.iter().copied().chain([("SID", sid.as_str())]).collect();
        self.sign(datagram(kind, &fields))
    }

    /// A signed announcement with these keys more.
    pub(crate) fn announces(&mut self, more: &[(&str, &str)]) -> Vec<u8> {
        let (label, port) = (self.label.clone(), self.at.port().to_string());
        let key = self.crypto.prekey(&Self::prekey_secret());
        let prekey = format!("0000002a,{}", data_encoding::BASE64URL_NOPAD.encode(&key));
        debug_assert!(Prekey::parse(&prekey).is_some());
        let mut fields = vec![("USER_ID", label.as_str()), ("PORT", &port), ("PREKEY", &prekey), ("PV", "1")];
        fields.extend([("CAP", "bye,chunk,esc,sync"), ("BEAT", "30")]);
        fields.extend(more);
        self.says("PEER_DISCOVERY", &fields)
    }

    /// A signed POST.
    pub(crate) fn posts(&mut self, text: &str) -> Vec<u8> {
        let (label, id) = (self.label.clone(), format!("{:016x}", self.seq));
        self.says("POST", &[("USER_ID", &label), ("CONTENT", text), ("MESSAGE_ID", &id)])
    }

    /// Sends a datagram to a peer of ours.
    pub(crate) fn sends(&self, run: &mut Run, to: ProgramId, bytes: &[u8]) {
        run.inject(self.at, to, Socket::Unicast, bytes);
    }

    /// What a peer of ours asked at this address since then, and was not answered.
    pub(crate) fn asked(&self, run: &Run, since: Instant) -> Option<String> {
        let asks = run.frames().iter().rev().take_while(|frame| frame.at >= since);
        let mut asks = asks.filter(|frame| frame.to == self.at).filter_map(|frame| frame.value("ASK"));
        asks.next().map(str::to_owned)
    }

    /// Announces itself to a peer of ours and answers its ASK; true when it was asked.
    pub(crate) fn meets(&mut self, run: &mut Run, peer: ProgramId) -> bool {
        let since = run.now();
        let announcement = self.announces(&[]);
        run.inject(self.at, peer, Socket::Discovery, &announcement);
        for _ in 0..200 {
            if let Some(ask) = self.asked(run, since) {
                let answer = self.announces(&[("ANS", &ask)]);
                self.sends(run, peer, &answer);
                run.run_for(millis(5));
                return true;
            }
            run.run_for(millis(20));
        }
        false
    }
}

/// True when this is signed, and by this key.
pub(crate) fn is_signed_by(bytes: &[u8], key: &PublicKey) -> bool {
    let crypto = FakeCrypto::new(0);
    Envelope::of(bytes).is_ok_and(|e| e.key == *key && crypto.verify(key, SIGNED_DOMAIN, e.signed, &e.signature))
}

/// What is left of a signed datagram without its last lines: somebody took the signature off.
pub(crate) fn without_signature(bytes: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(bytes).unwrap();
    let kept = text
        .lines()
        .filter(|line| !line.is_empty() && !["PK:", "SEQ:", "SIG:"].iter().any(|key| line.starts_with(key)));
    let mut out: String = kept.flat_map(|line| [line, "\n"]).collect();
    out.push('\n');
    out.into_bytes()
}
