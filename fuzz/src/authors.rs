//! Peers with a key, as the fuzzers play them: what they sign and seal is known, so nothing else may be believed.

use std::collections::BTreeSet;

use lsnp::engine::{Crypto, Secret};
use lsnp::sim::FakeCrypto;
use lsnp::wire::{
    Dm, DmBody, Extension, GroupFrame, Message, MessageId, Octets, Place, Prekey, PublicKey, SIGNED_DOMAIN, Sealed,
    SealedBody, Sid, Style, UserId, decode, seal, unescaped,
};

/// The secret of the group that some engines are in.
pub const GROUP: Secret = Secret([9; 32]);

/// Somebody with a key.
#[derive(Debug)]
pub struct Author {
    pub crypto: FakeCrypto,
    seq: u64,
    sid: Sid,
    session: Option<(Secret, u64)>,
}

/// Everybody with a key, and all that they said.
#[derive(Debug)]
pub struct Authors {
    all: Vec<Author>,
    /// Text that a key signed or sealed.
    said: BTreeSet<(PublicKey, String)>,
    /// Text that a key sealed.
    sealed: BTreeSet<(PublicKey, String)>,
    frames: u64,
}

impl Authors {
    pub fn new() -> Self {
        let author = |number: u64| Author {
            crypto: FakeCrypto::new(100 + number),
            seq: 0,
            sid: Octets(number + 1),
            session: None,
        };
        Self { all: (0..4).map(author).collect(), said: BTreeSet::new(), sealed: BTreeSet::new(), frames: 0 }
    }

    pub fn key(&self, which: u8) -> PublicKey {
        self.all[usize::from(which % 4)].crypto.public_key()
    }

    /// Signs a text as a datagram. `step` tells the next SEQ: the last one again, some later one, one far ahead, or one
    /// of another start.
    pub fn sign(&mut self, which: u8, step: u8, text: &[u8]) -> Vec<u8> {
        let author = &mut self.all[usize::from(which % 4)];
        match step {
            0 => {}
            255 => author.sid = Octets(author.sid.0 + 4),
            254 => author.seq += 1 << 33,
            253 => author.seq = author.seq.saturating_sub(3),
            step => author.seq += u64::from(step),
        }
        let mut out = text.strip_suffix(b"\n").unwrap_or(text).to_vec();
        if !out.windows(5).any(|part| part == b"\nSID:") {
            out.extend_from_slice(format!("\nSID:{}", author.sid).as_bytes());
        }
        out.extend_from_slice(b"\n\n");
        let key = author.crypto.public_key();
        seal(&mut out, &key, author.seq, u32::from(step), |bytes| author.crypto.sign(SIGNED_DOMAIN, bytes));
        if let Ok(datagram) = decode(&out) {
            let text = match datagram.message {
                Message::Post(post) => Some(post.content),
                Message::Dm(Dm { body: DmBody::Plain(text), .. }) => Some(text),
                _ => None,
            };
            self.said.extend(text.into_iter().flat_map(|text| [(key, text.to_owned()), (key, unescaped(text))]));
        }
        out
    }

    /// Writes a letter to `to`, or a frame in the session that the last letter began.
    pub fn seal(&mut self, which: u8, to: PublicKey, prekey: Prekey, text: &str, id: u8, frame: bool) -> Vec<u8> {
        let author = &mut self.all[usize::from(which % 4)];
        let key = author.crypto.public_key();
        let id = format!("{id:02x}");
        let aad = [b"DM\0", key.0.as_slice(), to.0.as_slice(), id.as_bytes()].concat();
        let mut body = SealedBody::text(text, 7).encode();
        self.said.insert((key, text.to_owned()));
        self.sealed.insert((key, text.to_owned()));
        let mut dm = Dm {
            from: UserId::new("a@10.0.0.2").unwrap_or_else(|| unreachable!()),
            to: UserId::new("fuzz@10.0.0.1").unwrap_or_else(|| unreachable!()),
            body: DmBody::Plain(""),
            timestamp: None,
            message_id: MessageId::new(&id),
        };
        let mut out = Vec::new();
        match &mut author.session {
            Some((secret, counter)) if frame => {
                let session = author.crypto.derive(secret, &[b"session id"]);
                let session = session.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
                let place = Place { session: Octets(session), salt: [which; 16], counter: *counter };
                let frame_key = author.crypto.derive(secret, &[b"frame", &key.0, &place.salt]);
                author.crypto.seal(&frame_key, *counter, &aad, &mut body);
                *counter += 1;
                let sealed = data_encoding::BASE64URL_NOPAD.encode(&body);
                dm.body = DmBody::Frame { place, sealed: Sealed::new(&sealed) };
                dm.encode(&Extension::default(), None, Style::Tight, &mut out);
                out
            }
            _ => {
                let Some((sealed, secret)) = author.crypto.seal_letter(&prekey.key, &aad, &body, [which; 32]) else {
                    return out;
                };
                author.session = Some((secret, 0));
                let sealed = data_encoding::BASE64URL_NOPAD.encode(&sealed);
                dm.body = DmBody::Letter { prekey: prekey.id, sealed: Sealed::new(&sealed) };
                dm.encode(&Extension::default(), None, Style::Tight, &mut out);
                self.sign(which, 1, &out.strip_suffix(b"\n").map(<[u8]>::to_vec).unwrap_or_default())
            }
        }
    }

    /// What a member of the group sends in place of this.
    pub fn wrap(&mut self, which: u8, inner: &[u8]) -> Vec<u8> {
        let author = &self.all[usize::from(which % 4)];
        let (mut out, mut sealed) = (Vec::new(), inner.to_vec());
        GroupFrame::begin(author.sid, self.frames, &mut out);
        author.crypto.seal(&subkey(&author.crypto, author.sid), self.frames, &out, &mut sealed);
        self.frames += 1;
        GroupFrame::end(&sealed, &mut out);
        out
    }

    /// Nothing is shown as somebody's who did not say it.
    pub fn check(&self, key: Option<PublicKey>, text: &str, private: bool) {
        let Some(key) = key else {
            assert!(!private, "a private DM of nobody");
            return;
        };
        let said = if private { &self.sealed } else { &self.said };
        assert!(said.contains(&(key, text.to_owned())), "a key never said {text:?}");
    }
}

fn subkey(crypto: &FakeCrypto, sid: Sid) -> Secret {
    crypto.derive(&GROUP, &[b"group frame", &sid.0.to_be_bytes()])
}

/// What is in a group frame of the engine.
pub fn unwrapped(crypto: &FakeCrypto, bytes: &[u8]) -> Option<Vec<u8>> {
    let frame = GroupFrame::of(bytes)?;
    let mut inner = frame.bytes()?;
    crypto.open(&subkey(crypto, frame.sid), frame.counter, frame.head, &mut inner).then_some(inner)
}
