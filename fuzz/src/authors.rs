//! Peers with a key, as the fuzzers play them: what they sign and seal is known, so nothing else may be believed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lsnp::engine::{Crypto, Secret};
use lsnp::sim::FakeCrypto;
use lsnp::wire::{
    Ack, Carry, Chain, Dm, DmBody, Extension, GroupFrame, LongText, Message, MessageId, Numbers, Octets, PieceHash,
    Pieces, Place, Post, Prekey, PublicKey, SIGNED_DOMAIN, Sealed, SealedAck, SealedBody, SealedLong, Sid, Style, Sync,
    Synced, UserId, decode, seal, unescaped,
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
    /// The last post, and its content id.
    posted: (u64, Option<PieceHash>),
}

/// Everybody with a key, and all that they said.
#[derive(Debug)]
pub struct Authors {
    all: Vec<Author>,
    /// Text that a key signed or sealed.
    said: BTreeSet<(PublicKey, String)>,
    /// Text that a key sealed.
    sealed: BTreeSet<(PublicKey, String)>,
    /// Messages that somebody acknowledged, and whether as stored.
    acked: BTreeSet<(PublicKey, String, bool)>,
    /// What was signed last.
    recent: VecDeque<Vec<u8>>,
    /// All pieces of all long texts.
    pieces: BTreeMap<PieceHash, Vec<u8>>,
    frames: u64,
}

/// What an author does besides posts and letters.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    pub who: u8,
    pub kind: u8,
    pub number: u8,
}

impl Authors {
    pub fn new() -> Self {
        let author = |number: u64| Author {
            crypto: FakeCrypto::new(100 + number),
            seq: 0,
            sid: Octets(number + 1),
            session: None,
            posted: (0, None),
        };
        Self {
            all: (0..4).map(author).collect(),
            said: BTreeSet::new(),
            sealed: BTreeSet::new(),
            acked: BTreeSet::new(),
            recent: VecDeque::new(),
            pieces: BTreeMap::new(),
            frames: 0,
        }
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
            if let Message::Ack(ack) = datagram.message
                && ack.to.is_some()
            {
                self.acked.insert((key, ack.message_id.as_str().to_owned(), ack.stored));
            }
        }
        self.recent.push_back(out.clone());
        if self.recent.len() > 8 {
            self.recent.pop_front();
        }
        out
    }

    /// Writes a letter to `to`, or a frame in the session that the last letter began.
    pub fn seal(&mut self, which: u8, to: PublicKey, prekey: Prekey, text: &str, id: u8, frame: bool) -> Vec<u8> {
        let key = self.key(which);
        self.said.insert((key, text.to_owned()));
        self.sealed.insert((key, text.to_owned()));
        let long = self.long(which, text, id);
        let body = match long {
            Some(long) => SealedBody { long: Some(long), timestamp: 7, ..SealedBody::default() },
            None => SealedBody::text(text, 7),
        };
        self.seal_body(which, to, prekey, &body, &format!("{id:02x}"), frame)
    }

    /// A text of a DM that is to be pulled; of every fourth id.
    fn long(&mut self, which: u8, text: &str, id: u8) -> Option<SealedLong> {
        let (key, mut bytes) = (Secret([id; 32]), text.as_bytes().to_vec());
        if !id.is_multiple_of(4) || bytes.is_empty() {
            return None;
        }
        self.all[usize::from(which % 4)].crypto.seal(&key, 0, b"long", &mut bytes);
        let root = self.stock(&bytes)?;
        Some(SealedLong { root, size: u32::try_from(bytes.len()).ok()?, key: key.0 })
    }

    fn stock(&mut self, bytes: &[u8]) -> Option<PieceHash> {
        let pieces = Pieces::cut(bytes)?;
        let root = pieces.root();
        self.pieces.extend(pieces.into_pieces());
        Some(root)
    }

    /// The piece with this hash.
    pub fn piece(&self, hash: &PieceHash) -> Option<&[u8]> {
        self.pieces.get(hash).map(Vec::as_slice)
    }

    fn seal_body(
        &mut self,
        which: u8,
        to: PublicKey,
        prekey: Prekey,
        body: &SealedBody,
        id: &str,
        frame: bool,
    ) -> Vec<u8> {
        let author = &mut self.all[usize::from(which % 4)];
        let key = author.crypto.public_key();
        let aad = [b"DM\0", key.0.as_slice(), to.0.as_slice(), id.as_bytes()].concat();
        let mut body = body.encode();
        let mut dm = Dm {
            from: UserId::new("a@10.0.0.2").unwrap_or_else(|| unreachable!()),
            to: UserId::new("fuzz@10.0.0.1").unwrap_or_else(|| unreachable!()),
            body: DmBody::Plain(""),
            timestamp: None,
            message_id: MessageId::new(id),
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

    /// Acknowledges a message: in the session, signed, or for somebody else.
    pub fn ack(&mut self, turn: Turn, to: PublicKey, prekey: Prekey, id: &str) -> Vec<u8> {
        let stored = turn.kind & 1 == 0;
        let key = self.key(turn.who);
        if turn.kind & 2 == 0 {
            self.acked.insert((key, id.to_owned(), stored));
            let ack = Some(SealedAck { message_id: id.to_owned(), stored });
            let body = SealedBody { ack, ..SealedBody::default() };
            let number = format!("a{:02x}", turn.number);
            return self.seal_body(turn.who, to, prekey, &body, &number, true);
        }
        let Some(message_id) = MessageId::new(id) else { return Vec::new() };
        let wrong = turn.kind & 4 == 4;
        let mut out = Vec::new();
        let to = if wrong { self.key(turn.number) } else { to };
        Ack { message_id, to: Some(to), stored }.encode(&Extension::default(), Style::Tight, &mut out);
        let before = self.acked.clone();
        let out = self.sign(turn.who, 1, out.strip_suffix(b"\n").unwrap_or_default());
        if wrong {
            self.acked = before;
        }
        out
    }

    /// Passes on what was signed lately, or a bit of it.
    pub fn carry(&self, turn: Turn, to: PublicKey, age: u16) -> Vec<u8> {
        let Some(inner) = self.recent.iter().rev().nth(usize::from(turn.number % 8)) else { return Vec::new() };
        let cut = if turn.kind & 8 == 8 { inner.len() / 2 } else { inner.len() };
        let to = match turn.kind % 4 {
            0 | 1 => None,
            2 => Some(to),
            _ => Some(self.key(turn.kind >> 4)),
        };
        let sid = self.all[usize::from(turn.who % 4)].sid;
        let mut out = Vec::new();
        Carry { sid, age: u32::from(age) * 16, to, inner: &inner[..cut] }.encode(&mut out);
        out
    }

    /// Says which posts it has or wants: of somebody, from a number on.
    pub fn sync(&mut self, turn: Turn, own: PublicKey, first: u16, count: u8) -> Vec<u8> {
        let author = if turn.number % 5 == 4 { own } else { self.key(turn.number) };
        let first = u64::from(first % 300) + 1;
        let last = if count == u8::MAX { u64::MAX - 1 } else { first + u64::from(count) };
        let list = vec![Numbers { author, ranges: vec![first..=last] }];
        let what = match turn.kind % 4 {
            0 => Synced::Offer(list),
            1 => Synced::Want(list),
            2 => {
                let span = (PublicKey([0; 32]), PublicKey([0xff; 32]));
                Synced::Ask { span, have: list, last: u32::from(count), since: first }
            }
            _ => Synced::Ask { span: (author, author), have: Vec::new(), last: u32::MAX, since: 0 },
        };
        let from = UserId::new("a@10.0.0.2").unwrap_or_else(|| unreachable!());
        let mut out = Vec::new();
        Sync { from, what }.encode(&Extension::default(), &mut out);
        self.sign(turn.who, 1, out.strip_suffix(b"\n").unwrap_or_default())
    }

    /// The next post of somebody, or one after a gap; long ones too. It need not arrive.
    pub fn post(&mut self, turn: Turn, lamport: u64, text: &str) -> Vec<u8> {
        let key = self.key(turn.who);
        let long = (turn.kind & 1 == 1).then(|| self.stock(text.as_bytes())).flatten();
        let long = long.map(|root| LongText { size: text.len() as u32, root });
        self.said.insert((key, text.to_owned()));
        let author = &self.all[usize::from(turn.who % 4)];
        let number = author.posted.0 + 1 + u64::from(turn.kind >> 6);
        let prev = author.posted.1.or((number > 1).then_some(PieceHash([turn.number; 16])));
        let chain =
            Chain { number, prev: prev.filter(|_| number > 1), lamport: lamport.max(1), long, ..Chain::default() };
        let id = format!("p{number:x}-{:x}", turn.who % 4);
        let post = Post {
            user_id: UserId::new("a@10.0.0.2").unwrap_or_else(|| unreachable!()),
            content: if long.is_some() { "" } else { text },
            timestamp: Some(7),
            message_id: MessageId::new(&id),
        };
        let mut out = Vec::new();
        post.encode(&Extension::default(), None, Style::Tight, &mut out);
        chain.append(&mut out);
        let out = self.sign(turn.who, 1, out.strip_suffix(b"\n").unwrap_or_default());
        self.all[usize::from(turn.who % 4)].posted = (number, Some(PieceHash::of(&out)));
        out
    }

    /// True when somebody, or this one, said that it has the message.
    pub fn has_acked(&self, key: Option<PublicKey>, id: &str, stored: bool) -> bool {
        let right = |(who, acked, as_stored): &&(PublicKey, String, bool)| {
            acked == id && key.is_none_or(|key| *who == key) && (*as_stored || !stored)
        };
        self.acked.iter().any(|acked| right(&acked))
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
