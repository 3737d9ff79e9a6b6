//! What a data space says and hears through us: signed for many, sealed for one, passed on (protocol.md §11.1, §11.2).

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;

use crate::wire::{
    self, Caps, Carry, DATA_MAX, DataBody, ENVELOPE_MAX, Envelope, Extension, LongText, Message, PublicKey,
    SIGNED_DOMAIN, SealedBody, SealedData, SealedLong, Sid, decode,
};

use super::budget::Bucket;
use super::signed::WRAPPED_MAX;
use super::waiting::Urgency;
use super::{Arrival, Engine, Event, Instant, Output, Peer, PeerId, Rejected};

/// Bytes of a DATA besides its body: TYPE, OF, the key of the body, SID and the envelope.
const HEAD: usize = 10 + 20 + 8 + 16 + ENVELOPE_MAX + 1;

/// Datagrams of others that one peer passes on to us in a second, and at once.
const PASSED: (u32, u32) = (500, 1_000);

/// Of all peers together: each is a signature to check.
const CHECKED: (u32, u32) = (4_000, 4_000);

/// Addresses whose paces are remembered.
const GIVERS: usize = 4_096;

/// A part of the data space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Shared lists.
    List,
    /// The cache.
    Cache,
    /// The board of progress.
    Board,
    /// Messages of programs.
    Message,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::List, Self::Cache, Self::Board, Self::Message];

    /// The word for it on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Cache => "cache",
            Self::Board => "board",
            Self::Message => "message",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.word() == word)
    }
}

/// For whom something is. Those who are not here, have not answered, or take no DATA get nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// Everybody.
    All,
    /// These.
    Keys(Vec<PublicKey>),
}

/// What a data space is to know. Comes only with [`Config::data`](super::Config::data).
#[derive(Debug, Clone)]
pub enum Data {
    /// Somebody who takes DATA is here and has answered, or is called something else, or is trusted more or less.
    Here(Box<Peer>),
    /// It is not here any more, or is not heard, or is blocked.
    Away(PublicKey),
    /// Somebody sent something.
    Arrived(Arrived),
}

/// Something that a data space sent to ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Who wrote it.
    pub author: PublicKey,
    /// Who sent it: its author, or somebody who passes it on.
    pub from: PublicKey,
    /// For which part of the data space.
    pub channel: Channel,
    /// What it says.
    pub body: Arc<[u8]>,
    /// The datagram as its author signed it; none of what was sealed for us.
    pub raw: Option<Arc<[u8]>>,
    /// It was passed on in a CARRY: it may be of any age, and may have come before.
    pub carried: bool,
}

impl Arrived {
    /// Nobody else could read it.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.raw.is_none()
    }
}

impl Engine {
    /// Which start of ours this is.
    #[must_use]
    pub fn sid(&self) -> Sid {
        self.own.sid
    }

    /// What we are called, as it travels.
    #[must_use]
    pub fn own_name(&self) -> Arc<str> {
        self.own.display_name.clone().unwrap_or_else(|| self.own.called().into())
    }

    /// Unix seconds at a moment: a label.
    #[must_use]
    pub fn unix_at(&self, now: Instant) -> u64 {
        self.unix(now)
    }

    /// Writes a body of at most [`DATA_MAX`] bytes as a signed DATA, which is sent to nobody. The pieces of one that does not
    /// fit into a datagram are served for some time.
    pub fn sign_data(&mut self, channel: Channel, body: &[u8]) -> Arc<[u8]> {
        let extension = Extension { sid: Some(self.own.sid), ..Extension::default() };
        let room = WRAPPED_MAX - wire::CARRY_MAX.min(WRAPPED_MAX - 700) - HEAD;
        let encoded;
        let what = if DataBody::is_text(body) && body.len() <= room {
            DataBody::Text(std::str::from_utf8(body).unwrap_or_default())
        } else if BASE64URL_NOPAD.encode_len(body.len()) <= room {
            encoded = BASE64URL_NOPAD.encode(body);
            DataBody::Bytes(&encoded)
        } else {
            let size = u32::try_from(body.len()).unwrap_or(u32::MAX);
            let root = self.texts.serve(body, &self.config.limits).unwrap_or(wire::PieceHash([0; 16]));
            DataBody::Long(LongText { size, root })
        };
        wire::Data { of: channel.word(), body: what }.encode(&extension, &mut self.scratch);
        self.signed()
    }

    /// Sends what [`Engine::sign_data`] just made, once: sent again by its author, it would be no more than a replay.
    pub fn send_signed_data(&mut self, to: &To, raw: &Arc<[u8]>, now: Instant) {
        self.notice_wake(now);
        let ids: Vec<PeerId> = match to {
            To::All => self.peers.ids(),
            To::Keys(keys) => keys.iter().filter_map(|key| self.authors.get(key)?.row).collect(),
        };
        let fit = ids.into_iter().filter(|id| self.can_take_data(*id));
        let to: Vec<SocketAddrV4> = fit.filter_map(|id| self.peers.read(id, Peer::address)).collect();
        self.transmit(&to, Arc::clone(raw));
    }

    /// Seals a body of at most [`DATA_MAX`] bytes for one peer and sends it; false when it is not here, or waits for the
    /// user's word about its key. `anew`, nothing is taken for granted of what it still knows of us.
    pub fn send_sealed_data(
        &mut self,
        to: &PublicKey,
        channel: Channel,
        body: &[u8],
        anew: bool,
        now: Instant,
    ) -> bool {
        self.notice_wake(now);
        let peer = self.authors.get(to).and_then(|author| author.row).and_then(|id| self.peers.get(id));
        let Some(peer) = peer.filter(|peer| self.can_take_data(peer.id)) else { return false };
        if !matches!(self.hindrance(&peer), Ok(None)) {
            return false;
        }
        let long = body.len() + 24 > self.letter_max(&peer);
        // What is long is served once, however often it is told of.
        let id = match long {
            true => self.long_id(to, body),
            false => self.message_id(),
        };
        let of = channel.word().to_owned();
        let data = if !long {
            SealedData { of, bytes: body.to_vec(), long: None }
        } else {
            SealedData { of, bytes: Vec::new(), long: self.seal_long_once(id, body) }
        };
        let body = SealedBody { data: Some(data), ..SealedBody::default() };
        self.send_sealed_body(&peer, id, &body, anew, now)
    }

    /// The id under which a body is sealed for a reader: the same one each time, which tells others nothing of it.
    fn long_id(&self, to: &PublicKey, body: &[u8]) -> wire::OwnMessageId {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.key.0.to_be_bytes());
        key[8..16].copy_from_slice(&self.key.1.to_be_bytes());
        let hash = blake3::Hasher::new_keyed(&key).update(&to.0).update(body).finalize();
        wire::OwnMessageId::new(hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)))
    }

    /// Passes on what somebody signed some time ago. `body` is what it says: its pieces are served when it is long.
    pub fn pass_on_data(&mut self, to: &PublicKey, raw: &Arc<[u8]>, body: &[u8], now: Instant) {
        self.notice_wake(now);
        let Some(id) = self.authors.get(to).and_then(|author| author.row) else { return };
        let Some(to) = self.peers.read(id, Peer::address).filter(|_| self.can_take_data(id)) else { return };
        if memchr::memmem::find(raw, b"\nLONG:").is_some() {
            self.texts.serve(body, &self.config.limits);
        }
        let mut out = Vec::with_capacity(raw.len() + wire::CARRY_MAX);
        Carry { sid: self.own.sid, age: 0, to: None, inner: raw }.encode(&mut out);
        self.transmit(&[to], out.into());
    }

    /// Where somebody who takes DATA answered.
    #[must_use]
    pub fn data_address(&self, key: &PublicKey) -> Option<SocketAddrV4> {
        let id = self.authors.get(key)?.row?;
        self.peers.read(id, Peer::address).filter(|_| self.can_take_data(id))
    }

    /// Bytes of a body that a sealed datagram for one peer holds; a longer one is pulled.
    #[must_use]
    pub fn sealed_room(&self, to: &PublicKey) -> usize {
        let peer = self.authors.get(to).and_then(|author| author.row).and_then(|id| self.peers.get(id));
        peer.map_or(0, |peer| self.letter_max(&peer).saturating_sub(24))
    }

    /// True when the user compared the digits of that key, which may be away.
    #[must_use]
    pub fn is_verified(&self, key: &PublicKey) -> bool {
        self.authors.contact(key).is_some_and(|contact| contact.verified && !contact.changed && !contact.blocked)
    }

    /// True for a peer of our kind that takes DATA, is here and has answered.
    pub(super) fn can_take_data(&self, id: PeerId) -> bool {
        let fresh = |key: &PublicKey| self.authors.get(key).is_some_and(|author| author.fresh);
        let fit = |peer: &Peer| {
            peer.caps.has(Caps::DATA)
                && peer.best_path().proven
                && !peer.blocked
                && peer.key.as_ref().is_some_and(fresh)
        };
        self.config.data && self.peers.read(id, fit).unwrap_or(false)
    }

    /// Tells the data space of somebody who may have become one that it can speak with.
    pub(super) fn tell_data(&mut self, id: PeerId) {
        if self.can_take_data(id)
            && let Some(peer) = self.peers.get(id)
        {
            self.outputs.push_back(Output::Data(Data::Here(Box::new(peer))));
        }
    }

    /// Tells the data space that somebody is away.
    pub(super) fn tell_data_away(&mut self, key: Option<PublicKey>) {
        if let Some(key) = key.filter(|_| self.config.data) {
            self.outputs.push_back(Output::Data(Data::Away(key)));
        }
    }

    /// What an event means for the data space.
    pub(super) fn mirror(&mut self, event: &Event) {
        if !self.config.data {
            return;
        }
        match event {
            Event::Left(peer) | Event::Gone(peer) | Event::Quiet(peer) => self.tell_data_away(peer.key),
            Event::Judged(peer) if peer.blocked => self.tell_data_away(peer.key),
            Event::Back(peer) | Event::Judged(peer) | Event::Profile(peer) => self.tell_data(peer.id),
            Event::Here(_)
            | Event::Post { .. }
            | Event::Dm { .. }
            | Event::Said { .. }
            | Event::KeyChanged { .. }
            | Event::Marked { .. }
            | Event::CaughtUp { .. }
            | Event::PeerList { .. }
            | Event::Avatar { .. }
            | Event::AvatarFailed(_)
            | Event::Followed(_)
            | Event::Unfollowed(_)
            | Event::FollowAnswered { .. }
            | Event::Answered { .. }
            | Event::Renamed { .. }
            | Event::CutOff
            | Event::Traced { .. } => {}
        }
    }

    /// Takes a DATA from its author.
    pub(super) fn on_data(&mut self, data: &wire::Data<'_>, raw: &[u8], arrival: &Arrival) -> Result<(), Rejected> {
        let key = arrival.signed.ok_or(Rejected::Stranger)?.key;
        let channel = Channel::parse(data.of).filter(|_| self.config.data).ok_or(Rejected::OtherType)?;
        let author = self.authors.get(&key).ok_or(Rejected::Stranger)?;
        let (id, fresh) = (author.row.ok_or(Rejected::Stranger)?, author.fresh);
        self.refuse_blocked(id)?;
        self.note_heard(id, arrival.bytes, arrival.from, arrival.now);
        if !fresh {
            self.counters.unproven += 1;
            self.ask_now(id, Urgency::Theirs, arrival.now);
            return Ok(());
        }
        let raw = Some(raw.into());
        let arrived = Arrived { author: key, from: key, channel, body: Arc::new([]), raw, carried: false };
        self.take_data(id, arrived, data.body, arrival.now)
    }

    /// Takes a DATA that somebody passes on. It proves by itself who wrote it; when, nobody knows.
    pub(super) fn on_carried_data(
        &mut self,
        carry: &Carry<'_>,
        from: SocketAddrV4,
        now: Instant,
    ) -> Result<(), Rejected> {
        if self.data.givers.len() >= GIVERS && !self.data.givers.contains_key(&from) {
            self.data.givers.pop_first();
        }
        let giver = self.data.givers.entry(from).or_insert_with(|| (Bucket::full(PASSED, now), None));
        if !giver.0.take(PASSED, now) {
            return Err(Rejected::SourceRate);
        }
        let id = self.giver(carry.sid, from).ok_or(Rejected::Stranger)?;
        let giver = self.peers.read(id, |peer| peer.key).flatten().ok_or(Rejected::Stranger)?;
        let Message::Data(data) = decode(carry.inner)?.message else { return Err(Rejected::OtherType) };
        let channel = Channel::parse(data.of).ok_or(Rejected::OtherType)?;
        let Envelope { key: author, signature, signed, .. } = Envelope::of(carry.inner)?;
        if self.authors.contact(&author).is_some_and(|contact| contact.blocked) {
            return Err(Rejected::Blocked);
        }
        let all = self.data.all.get_or_insert_with(|| Bucket::full(CHECKED, now));
        if !all.take(CHECKED, now) {
            return Err(Rejected::SignatureRate);
        }
        let ring = self.ring.as_ref().ok_or(Rejected::Stranger)?;
        if !ring.crypto.verify(&author, SIGNED_DOMAIN, signed, &signature) {
            self.inflow.spend(from, false, &self.config.limits, now);
            return Err(Rejected::BadSignature);
        }
        self.note_heard(id, carry.inner.len(), from, now);
        let raw = Some(carry.inner.into());
        let arrived = Arrived { author, from: giver, channel, body: Arc::new([]), raw, carried: true };
        self.take_data(id, arrived, data.body, now)
    }

    /// Whose start with this SID passes something on from there.
    fn giver(&mut self, sid: Sid, from: SocketAddrV4) -> Option<PeerId> {
        let fits = |id: &PeerId| {
            self.can_take_data(*id)
                && self.is_proven(*id, from)
                && self.peers.read(*id, |peer| peer.sid == Some(sid)).unwrap_or(false)
        };
        let known = self.data.givers.get(&from).and_then(|(_, id)| *id).filter(fits);
        let id = known.or_else(|| self.peers.ids().into_iter().find(fits))?;
        if let Some(giver) = self.data.givers.get_mut(&from) {
            giver.1 = Some(id);
        }
        Some(id)
    }

    /// Takes what a letter or a session frame held for our data space. One that comes twice is told twice.
    pub(super) fn on_sealed_data(
        &mut self,
        id: PeerId,
        key: PublicKey,
        data: SealedData,
        now: Instant,
    ) -> Result<(), Rejected> {
        let channel = Channel::parse(&data.of).filter(|_| self.config.data).ok_or(Rejected::OtherType)?;
        if !self.authors.get(&key).is_some_and(|author| author.fresh) {
            self.counters.unproven += 1;
            self.ask_now(id, Urgency::Theirs, now);
            return Ok(());
        }
        let body = data.bytes.into();
        let arrived = Arrived { author: key, from: key, channel, body, raw: None, carried: false };
        match data.long {
            Some(SealedLong { root, size, key }) => {
                self.pull_data(id, arrived, (root, size), Some(super::Secret(key)), now);
            }
            None => self.outputs.push_back(Output::Data(Data::Arrived(arrived))),
        }
        Ok(())
    }

    fn take_data(&mut self, id: PeerId, arrived: Arrived, body: DataBody<'_>, now: Instant) -> Result<(), Rejected> {
        if let DataBody::Long(LongText { size, root }) = body {
            self.pull_data(id, arrived, (root, size), None, now);
            return Ok(());
        }
        let body = body.bytes().ok_or(wire::DecodeError::Bad("BODY64"))?.into();
        self.outputs.push_back(Output::Data(Data::Arrived(Arrived { body, ..arrived })));
        Ok(())
    }

    /// What was pulled is here.
    pub(super) fn take_long_data(&mut self, arrived: Arrived, body: Vec<u8>) {
        self.outputs.push_back(Output::Data(Data::Arrived(Arrived { body: body.into(), ..arrived })));
    }
}

/// What is known of those who pass on data.
#[derive(Debug, Default)]
pub(super) struct Passing {
    all: Option<Bucket>,
    /// By their proven addresses: what they may still pass on, and who they were last.
    givers: BTreeMap<SocketAddrV4, (Bucket, Option<PeerId>)>,
}

const _: () = assert!(DATA_MAX > wire::LONG_MAX);
