//! Carrying letters and acknowledgements for those who are not here (protocol.md §10.5).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use crate::wire::{
    Carry, Dm, DmBody, Envelope, Message, OWN_DATAGRAM_MAX, PieceHash, PublicKey, SIGNED_DOMAIN, SealedBody, Sid,
    Untrusted, decode,
};

use super::commits::{Fate, Incoming};
use super::{Carried, Commit, Config, Engine, Instant, Kind, Limits, Output, Peer, PeerId, Presence, Rejected};

/// Peers that are asked to carry one letter.
const CARRIERS: usize = 3;

/// Datagrams that one peer is passed at a time.
const PASSED: usize = 16;

/// How often an acknowledgement is passed on, which nobody acknowledges.
const ACK_PASSES: u8 = 3;

/// Letters that came through others, whose carriers are remembered.
const REMEMBERED: usize = 256;

/// What we carry for others, and who carried for us.
#[derive(Debug, Default)]
pub(super) struct Carrier {
    /// The oldest first, and how often each was passed on.
    carried: Vec<(Carried, u8)>,
    bytes: usize,
    /// Who brought the letter with this author and MESSAGE_ID.
    brought: VecDeque<(PublicKey, String, SocketAddrV4)>,
}

impl Carrier {
    pub(super) fn restored(carried: Vec<Carried>, limits: &Limits) -> Self {
        let mut carrier = Self::default();
        for one in carried {
            if carrier.has_room(&one, limits) {
                carrier.add(one);
            }
        }
        carrier
    }

    /// The bytes of all that is carried.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn has_room(&self, one: &Carried, limits: &Limits) -> bool {
        let of_author = self.carried.iter().filter(|(other, _)| other.author == one.author);
        let bytes: usize = of_author.map(|(other, _)| other.raw.len()).sum();
        bytes + one.raw.len() <= limits.carried.0 && self.bytes + one.raw.len() <= limits.carried.1
    }

    fn add(&mut self, one: Carried) {
        self.bytes += one.raw.len();
        self.carried.push((one, 0));
    }

    /// Carries these no more; returns their content ids.
    fn drop_if(&mut self, mut over: impl FnMut(&Carried, u8) -> bool) -> Vec<PieceHash> {
        let gone: Vec<_> = self.carried.extract_if(.., |(one, passes)| over(one, *passes)).collect();
        self.bytes -= gone.iter().map(|(one, _)| one.raw.len()).sum::<usize>();
        gone.into_iter().map(|(one, _)| one.id).collect()
    }

    fn note_brought(&mut self, author: PublicKey, message_id: &str, by: SocketAddrV4) {
        self.brought.push_back((author, message_id.to_owned(), by));
        if self.brought.len() > REMEMBERED {
            self.brought.pop_front();
        }
    }
}

impl Engine {
    /// Somebody passes on what somebody else signed.
    pub(super) fn on_carry(&mut self, carry: &Carry<'_>, from: SocketAddrV4, now: Instant) -> Result<(), Rejected> {
        if carry.sid == self.own.sid {
            return Err(Rejected::OwnEcho);
        }
        if !self.inflow.is_proven(&from) {
            return Err(Rejected::Stranger);
        }
        let Some(to) = carry.to else {
            return match carry.inner.starts_with(b"TYPE:DATA\n") {
                true => self.on_carried_data(carry, from, now),
                false => self.on_carried_post(carry, from, now),
            };
        };
        if carry.inner.len() > OWN_DATAGRAM_MAX || u64::from(carry.age) >= Config::OUTBOX.as_secs() {
            return Err(Rejected::Replay);
        }
        let own = self.own_key().ok_or(Rejected::Stranger)?;
        let author = Envelope::claimed_key(carry.inner).filter(|key| *key != own).ok_or(Rejected::OwnEcho)?;
        if to == own {
            self.take_carried(author, carry, from, now)
        } else {
            self.take_to_carry(author, to, carry, from, now)
        }
    }

    /// Checks who signed what somebody passes on.
    fn check_carried(
        &mut self,
        author: PublicKey,
        inner: &[u8],
        from: SocketAddrV4,
        now: Instant,
    ) -> Result<(), Rejected> {
        let known = self.authors.get(&author).is_some();
        if !self.authors.may_check(known, &self.config.limits, now) {
            return Err(Rejected::SignatureRate);
        }
        let Envelope { key, signature, signed, .. } = Envelope::of(inner)?;
        let good = self.ring.as_ref().is_some_and(|ring| ring.crypto.verify(&key, SIGNED_DOMAIN, signed, &signature));
        self.inflow.spend(from, good, &self.config.limits, now);
        if good { Ok(()) } else { Err(Rejected::BadSignature) }
    }

    /// Takes a letter or an acknowledgement for us that somebody carried. A history tells whether it came before, so it
    /// needs no other proof of when it was written.
    fn take_carried(
        &mut self,
        author: PublicKey,
        carry: &Carry<'_>,
        from: SocketAddrV4,
        now: Instant,
    ) -> Result<(), Rejected> {
        let blocked = self.authors.contact(&author).ok_or(Rejected::Stranger)?.blocked;
        if blocked {
            return Err(Rejected::Blocked);
        }
        let message = decode(carry.inner)?.message;
        if let Message::Ack(ack) = &message {
            if ack.to != self.own_key() {
                return Err(Rejected::NotForUs);
            }
            self.check_carried(author, carry.inner, from, now)?;
            let ours = self.acknowledge(&author, ack.message_id.as_str(), ack.stored, now);
            return if ours { Ok(()) } else { Err(Rejected::StrayAck) };
        }
        let Message::Dm(Dm { body: DmBody::Letter { prekey, sealed }, message_id: Some(message), .. }) = message else {
            return Err(Rejected::OtherType);
        };
        if !self.config.history {
            return Err(Rejected::Unopened);
        }
        self.check_carried(author, carry.inner, from, now)?;
        let message = message.as_str();
        self.carrier.note_brought(author, message, from);
        match self.commits.fate(&author, message) {
            Some(Fate::Done { stored: true }) => {
                self.acknowledge_to(&author, message, true, now);
                return Err(Rejected::Duplicate);
            }
            Some(_) => return Err(Rejected::Duplicate),
            None => {}
        }
        let (body, _) = self.open_letter(&author, message, prekey, sealed)?;
        if body.text.is_empty() {
            return Err(Rejected::OtherType);
        }
        let said = Incoming {
            from: self.person(&author, now).ok_or(Rejected::Stranger)?,
            message_id: message.to_owned(),
            kind: Kind::Dm { private: true },
            text: Untrusted::new(body.text),
            stamp: body.timestamp,
            lamport: self.posts.greatest(),
            post: None,
            late: true,
        };
        self.keep_said(said, now);
        Ok(())
    }

    /// Takes something to carry, from who signed it: a letter for somebody, or an acknowledgement of one.
    fn take_to_carry(
        &mut self,
        author: PublicKey,
        to: PublicKey,
        carry: &Carry<'_>,
        from: SocketAddrV4,
        now: Instant,
    ) -> Result<(), Rejected> {
        // Only for those who are here, and hand it over themselves.
        let giver = self.authors.get(&author).filter(|author| author.fresh).and_then(|author| author.row);
        let giver = giver.filter(|id| self.is_proven(*id, from)).ok_or(Rejected::Stranger)?;
        self.refuse_blocked(giver)?;
        let message = decode(carry.inner)?.message;
        let message_id = if let Message::Ack(ack) = &message {
            Some(ack.message_id).filter(|_| ack.stored && ack.to == Some(to))
        } else if let Message::Dm(Dm { body: DmBody::Letter { .. }, message_id, .. }) = &message {
            *message_id
        } else {
            None
        };
        let message_id = message_id.ok_or(Rejected::OtherType)?.as_str().to_owned();
        let same = |one: &Carried| one.author == author && one.to == to && one.message_id == message_id;
        if self.carrier.carried.iter().any(|(one, _)| same(one)) {
            return Err(Rejected::Duplicate);
        }
        self.check_carried(author, carry.inner, from, now)?;
        let since = self.unix(now).saturating_sub(u64::from(carry.age));
        let id = PieceHash::of(carry.inner);
        let raw: Arc<[u8]> = carry.inner.into();
        let is_ack = is_ack(&raw);
        let one = Carried { to, author, id, message_id, raw, since };
        if is_ack {
            // What it acknowledges has arrived.
            let message_id = one.message_id.clone();
            self.carry_no_more(|other, _| other.author == to && other.to == author && other.message_id == message_id);
        }
        self.make_room_to_carry(&one);
        if !self.carrier.has_room(&one, &self.config.limits) {
            return Err(Rejected::TableFull);
        }
        if self.config.history {
            self.outputs.push_back(Output::Commit(Commit::Carry(Box::new(one.clone()))));
        }
        self.carrier.add(one);
        if let Some(row) = self.authors.get(&to).and_then(|author| author.row) {
            self.pass_carried(row, now);
        }
        Ok(())
    }

    /// When all is full, who has most of it makes place for who has less.
    fn make_room_to_carry(&mut self, one: &Carried) {
        while self.carrier.bytes + one.raw.len() > self.config.limits.carried.1 {
            let mut shares: BTreeMap<PublicKey, usize> = BTreeMap::new();
            for (other, _) in &self.carrier.carried {
                *shares.entry(other.author).or_default() += other.raw.len();
            }
            let own = shares.get(&one.author).copied().unwrap_or(0);
            let most = shares.into_iter().max_by_key(|(_, bytes)| *bytes).filter(|(_, bytes)| *bytes > own);
            let Some((author, _)) = most else { return };
            let oldest =
                self.carrier.carried.iter().find(|(other, _)| other.author == author).map(|(other, _)| other.id);
            self.carry_no_more(|other, _| Some(other.id) == oldest);
        }
    }

    fn carry_no_more(&mut self, over: impl FnMut(&Carried, u8) -> bool) {
        for id in self.carrier.drop_if(over) {
            if self.config.history {
                self.outputs.push_back(Output::Commit(Commit::Delivered(id)));
            }
        }
    }

    /// Passes on to a peer that has answered what we carry for it.
    pub(super) fn pass_carried(&mut self, to: PeerId, now: Instant) {
        if self.carrier.carried.is_empty() || !self.can_sync(to) {
            return;
        }
        let unix = self.unix(now);
        self.carry_no_more(|one, passes| {
            unix.saturating_sub(one.since) >= Config::OUTBOX.as_secs() || passes >= ACK_PASSES && is_ack(&one.raw)
        });
        let Some((Some(key), address)) = self.peers.read(to, |peer| (peer.key, peer.address())) else { return };
        let sid = self.own.sid;
        let mut payloads = Vec::new();
        for (one, passes) in self.carrier.carried.iter_mut().filter(|(one, _)| one.to == key).take(PASSED) {
            *passes = passes.saturating_add(1);
            payloads.push(written(sid, one.since, unix, one.to, &one.raw));
        }
        for payload in payloads {
            self.transmit(&[address], payload.into());
        }
    }

    /// Gives letters for a reader who is not here to others, who may meet it before we do.
    pub(super) fn carry_open(&mut self, key: &PublicKey, now: Instant) {
        let Some(reader) = self.person(key, now).filter(|reader| reader.prekey.is_some()) else { return };
        let unix = self.unix(now);
        let away = self.authors.contact(key).is_some_and(|contact| {
            // A prekey that is older is erased before the letter comes.
            unix.saturating_sub(contact.last) < Config::OUTBOX.as_secs() && !contact.changed && !contact.blocked
        });
        if !away || reader.presence == Presence::Live {
            return;
        }
        let carriers = self.carriers(key);
        if carriers.is_empty() {
            return;
        }
        for (id, text, at) in self.uncarried(key) {
            if text.len() > self.letter_max(&reader) {
                continue;
            }
            let body = SealedBody::text(&text, at);
            let Some(letter) = self.write_letter(&reader, &body, id) else { continue };
            self.note_carried(key, id);
            let payload = written(self.own.sid, at.min(unix), unix, *key, &letter.bytes);
            self.transmit(&carriers, payload.into());
        }
    }

    /// Somebody answered who may carry what waits for others.
    pub(super) fn carry_all(&mut self, now: Instant) {
        for key in self.outbox.readers() {
            let here = self.authors.get(&key).is_some_and(|author| author.row.is_some());
            if !here {
                self.carry_open(&key, now);
            }
        }
    }

    /// Some peers that may carry something for this one.
    fn carriers(&mut self, to: &PublicKey) -> Vec<SocketAddrV4> {
        let fit: Vec<PeerId> = self.peers.ids().into_iter().filter(|id| self.can_sync(*id)).collect();
        let other = |peer: &Peer| (peer.key.as_ref() != Some(to)).then(|| peer.address());
        let mut fit: Vec<_> = fit.into_iter().filter_map(|id| self.peers.read(id, other).flatten()).collect();
        let mut chosen = Vec::new();
        while chosen.len() < CARRIERS && !fit.is_empty() {
            let at = self.share(Duration::from_secs(1)).as_secs_f64() * fit.len() as f64;
            chosen.push(fit.swap_remove((at as usize).min(fit.len() - 1)));
        }
        chosen
    }

    /// Says through who brought a letter that it has arrived; its author may not be here.
    pub(super) fn send_ack_by_carriers(&mut self, author: &PublicKey, message_id: &str, now: Instant) {
        let brought = |(key, id, _): &&(PublicKey, String, SocketAddrV4)| key == author && id == message_id;
        let Some((.., to)) = self.carrier.brought.iter().rev().find(brought) else { return };
        let to = *to;
        if !self.inflow.is_proven(&to) {
            return;
        }
        let Some(ack) = self.signed_ack(author, message_id, true) else { return };
        let unix = self.unix(now);
        let payload = written(self.own.sid, unix, unix, *author, &ack);
        self.transmit(&[to], payload.into());
    }
}

fn is_ack(raw: &[u8]) -> bool {
    raw.starts_with(b"TYPE:ACK\n")
}

fn written(sid: Sid, since: u64, unix: u64, to: PublicKey, inner: &[u8]) -> Vec<u8> {
    let age = u32::try_from(unix.saturating_sub(since)).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(inner.len() + 90);
    Carry { sid, age, to: Some(to), inner }.encode(&mut out);
    out
}
