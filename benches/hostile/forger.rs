//! An attacker with keys of its own: whatever a peer may say, well formed and rightly signed.

use std::net::SocketAddrV4;
use std::time::{SystemTime, UNIX_EPOCH};

use lsnp::crypto::KeyPair;
use lsnp::engine::{Crypto, Secret};
use lsnp::wire::{
    Caps, Chain, ChunkRequest, Discovery, Dm, DmBody, Extension, Follow, MessageId, Octets, PeerListRequest,
    PeerListResponse, PieceHash, Post, Prekey, Profile, PublicKey, SIGNED_DOMAIN, Scope, Sealed, SealedBody, Style,
    Token, UserId, VERSION, seal,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// One identity, at one address.
pub(crate) struct Forger {
    pub(crate) address: SocketAddrV4,
    pub(crate) id: String,
    crypto: KeyPair,
    rng: StdRng,
    sid: Octets,
    seq: u64,
    posts: u64,
}

/// What an announcement says besides who it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Says {
    pub(crate) ask: Option<Octets>,
    pub(crate) ans: Option<Octets>,
    pub(crate) bye: bool,
}

impl Forger {
    /// Somebody of this name, with a key made from `seed`.
    pub(crate) fn new(name: &str, address: SocketAddrV4, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut secret = [0; 32];
        rng.fill_bytes(&mut secret);
        Self {
            address,
            id: format!("{name}@{}", address.ip()),
            crypto: KeyPair::new(&Secret(secret)),
            sid: Octets(rng.next_u64()),
            rng,
            seq: 1,
            posts: 0,
        }
    }

    pub(crate) fn key(&self) -> PublicKey {
        self.crypto.public_key()
    }

    pub(crate) fn nonce(&mut self) -> Octets {
        Octets(self.rng.next_u64())
    }

    /// An announcement, an answer, an echo or a goodbye.
    pub(crate) fn announcement(&mut self, says: Says) -> Vec<u8> {
        let message_id = self.message_id();
        let secret = self.secret();
        let prekey = Prekey { id: self.rng.next_u32(), key: self.crypto.prekey(&secret) };
        let discovery = Discovery {
            user_id: id(&self.id),
            port: Some(self.address.port()),
            timestamp: Some(unix()),
            message_id: MessageId::new(&message_id),
            display_name: None,
            status: None,
            avatar: None,
            prekey: Some(prekey),
        };
        let mut out = Vec::new();
        let bye = says.bye.then_some(self.sid);
        let extension = Extension { ask: says.ask, ans: says.ans, bye, beat: Some(30), ..self.extension() };
        discovery.encode(&extension, Style::Tight, &mut out);
        self.signed(out)
    }

    pub(crate) fn post(&mut self, text: &str) -> Vec<u8> {
        let message_id = self.message_id();
        let post = Post {
            user_id: id(&self.id),
            content: text,
            timestamp: Some(unix()),
            message_id: MessageId::new(&message_id),
        };
        let mut out = Vec::new();
        post.encode(&self.extension(), None, Style::Tight, &mut out);
        self.posts += 1;
        Chain { number: self.posts, lamport: self.posts, ..Chain::default() }.append(&mut out);
        self.signed(out)
    }

    /// A letter to whoever has this key and prekey.
    pub(crate) fn letter(&mut self, to: &str, key: &PublicKey, prekey: &Prekey, text: &str) -> Option<Vec<u8>> {
        let message_id = self.message_id();
        let own = self.key();
        let aad = [b"DM\0".as_slice(), &own.0, &key.0, message_id.as_bytes()].concat();
        let plain = SealedBody::text(text, unix()).encode();
        let seed = self.secret().0;
        let (sealed, _) = self.crypto.seal_letter(&prekey.key, &aad, &plain, seed)?;
        let sealed = data_encoding::BASE64URL_NOPAD.encode(&sealed);
        let dm = Dm {
            from: id(&self.id),
            to: id(to),
            body: DmBody::Letter { prekey: prekey.id, sealed: Sealed::new(&sealed) },
            timestamp: None,
            message_id: MessageId::new(&message_id),
        };
        let mut out = Vec::new();
        dm.encode(&self.extension(), None, Style::Tight, &mut out);
        Some(self.signed(out))
    }

    pub(crate) fn list(&mut self, ids: &[String]) -> Vec<u8> {
        let message_id = self.message_id();
        let mut out = Vec::new();
        let Some(message_id) = MessageId::new(&message_id) else { return out };
        let names = ids.iter().map(String::as_str);
        PeerListResponse::encode(id(&self.id), names, unix(), message_id, &self.extension(), 1000, &mut out);
        self.signed(out)
    }

    /// One datagram of every TYPE that is spoken, with what kind it is; not signed yet.
    pub(crate) fn of_every_type(&mut self, to: &str) -> Vec<(&'static str, Vec<u8>)> {
        let message_id = self.message_id();
        let message_id = MessageId::new(&message_id);
        let (user_id, timestamp) = (id(&self.id), Some(unix()));
        let (port, extension) = (Some(self.address.port()), self.extension());
        let ask = Extension { ask: Some(Octets(self.rng.next_u64())), ..extension };
        let discovery = Discovery {
            user_id,
            port,
            timestamp,
            message_id,
            display_name: None,
            status: None,
            avatar: None,
            prekey: None,
        };
        let dm = Dm { from: user_id, to: id(to), body: DmBody::Plain("x"), timestamp, message_id };
        let profile = Profile {
            user_id,
            display_name: Some("x"),
            status: None,
            timestamp,
            message_id,
            avatar: None,
            avatar_data: None,
        };
        let post = Post { user_id, content: "x", timestamp, message_id };
        let follow = Follow { from: user_id, to: id(to), message_id };
        let request = PeerListRequest { from: user_id, timestamp, message_id };
        let chunk = ChunkRequest { from: user_id, hash: PieceHash::of(b"x") };
        let token = Token { user_id, expiry: unix() + 3_600, scope: Scope::Follow };
        let write = |with: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            with(&mut out);
            out
        };
        vec![
            ("PEER_DISCOVERY", write(&|out| discovery.encode(&extension, Style::Tight, out))),
            ("PEER_DISCOVERY with ASK", write(&|out| discovery.encode(&ask, Style::Tight, out))),
            ("PROFILE", write(&|out| profile.encode(&extension, None, Style::Tight, out))),
            ("POST", write(&|out| post.encode(&extension, None, Style::Tight, out))),
            ("POST with ASK", write(&|out| post.encode(&ask, None, Style::Tight, out))),
            ("DM", write(&|out| dm.encode(&extension, None, Style::Tight, out))),
            ("DM with ASK", write(&|out| dm.encode(&ask, None, Style::Tight, out))),
            ("PEER_LIST_REQUEST", write(&|out| request.encode(&extension, Style::Tight, out))),
            ("FOLLOW", write(&|out| follow.encode(false, unix(), token, &extension, Style::Tight, out))),
            ("UNFOLLOW", write(&|out| follow.encode(true, unix(), token, &extension, Style::Tight, out))),
            ("CHUNK_REQUEST", write(&|out| chunk.encode(&extension, out))),
        ]
    }

    /// Keys that any message may carry.
    fn extension(&self) -> Extension {
        Extension { version: Some(VERSION), sid: Some(self.sid), caps: Some(Caps::OURS), ..Extension::default() }
    }

    /// Signs a datagram as a peer does.
    pub(crate) fn signed(&mut self, mut datagram: Vec<u8>) -> Vec<u8> {
        self.seq += 1;
        let noise = self.rng.next_u32();
        let crypto = &self.crypto;
        seal(&mut datagram, &crypto.public_key(), self.seq, noise, |bytes| crypto.sign(SIGNED_DOMAIN, bytes));
        datagram
    }

    fn secret(&mut self) -> Secret {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        Secret(bytes)
    }

    fn message_id(&mut self) -> String {
        format!("{:016x}", self.rng.next_u64())
    }
}

/// An id that is one.
fn id(text: &str) -> UserId<'_> {
    UserId::new(text).unwrap_or_else(|| unreachable!("every name here makes an id"))
}

fn unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_secs()).unwrap_or_default()
}
