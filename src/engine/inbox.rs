//! What others say: posts, direct messages, profiles, follows (protocol.md §4).

use std::net::SocketAddrV4;
use std::time::Duration;

use crate::wire::{
    Chain, Dm, DmBody, Follow, FollowResponse, MessageId, PieceHash, Post, Profile, PublicKey, Revoke, Sealed,
    SealedBody, Untrusted, UserId, unescaped,
};

use super::avatar::Picture;
use super::commits::{Fate, Incoming};
use super::late::Late;
use super::meet::{Met, Sender};
use super::peer::{Greeting, Tier};
use super::sessions::Opened;
use super::signed::Signed;
use super::{Arrival, Engine, Event, Instant, Kind, PeerId, Presence, Rejected};

impl Engine {
    /// Meets the sender of a message that is no announcement.
    fn hear(&mut self, label: UserId<'_>, arrival: &Arrival) -> Result<Met, Rejected> {
        let met = self.meet(&Sender::speaking(label, arrival))?;
        self.introduce(met, false);
        if let Some(answer) = arrival.extension.ans {
            self.on_echo(met.id, answer, arrival);
        }
        if arrival.extension.ask.is_some() {
            self.answer(met, arrival);
        }
        Ok(met)
    }

    /// Notes a message; false when it was seen before. Without an id it is known by all that it says, and when.
    fn is_new(
        &mut self,
        sender: PeerId,
        label: UserId<'_>,
        id: Option<MessageId<'_>>,
        content: &str,
        stamp: u64,
    ) -> bool {
        // What nobody signed never stands in the way of what somebody did.
        let key = self.peers.read(sender, |peer| peer.key).flatten();
        let who = key.map_or_else(|| label.as_str().to_owned(), |key| format!("\n{key}"));
        let text = match id {
            Some(id) => format!("{who}\n{}", id.as_str()),
            None => format!("{who}\n\n{stamp}\n{content}"),
        };
        let proven = self.peers.read(sender, |peer| peer.tier == Tier::Proven).unwrap_or(false);
        let cap = self.config.limits.seen;
        let new = self.seen.note(self.key.hash(text.as_bytes()), proven, cap);
        if let (true, Some(_), Some(id)) = (new, key, id) {
            // What older clients got of it, sent on to us, says nothing new.
            let unsigned = format!("{}\n{}", label.as_str(), id.as_str());
            self.seen.note(self.key.hash(unsigned.as_bytes()), proven, cap);
        }
        new
    }

    fn text_of(content: &str, arrival: &Arrival) -> Untrusted {
        if arrival.extension.escaped { Untrusted::new(unescaped(content)) } else { Untrusted::new(content) }
    }

    pub(super) fn on_post(&mut self, post: &Post<'_>, bytes: &[u8], arrival: &Arrival) -> Result<(), Rejected> {
        let met = self.hear(post.user_id, arrival)?;
        self.refuse_blocked(met.id)?;
        let now = arrival.now;
        let stamp = post.timestamp.unwrap_or(self.unix(now));
        let place = match arrival.signed {
            Some(signed) => Chain::of(bytes)?.map(|chain| (signed.key, chain)),
            None => None,
        };
        let new = match &place {
            // The same post may have come by others, and a text that somebody signed says what it is.
            Some(_) => !self.posts.has(&PieceHash::of(bytes)),
            None => true,
        };
        if !self.is_new(met.id, post.user_id, post.message_id, post.content, stamp) || !new {
            return Err(Rejected::Duplicate);
        }
        let from = self.peers.get(met.id).ok_or(Rejected::Stranger)?;
        let message_id = post.message_id.map(|id| id.as_str().to_owned()).unwrap_or_default();
        let text = Self::text_of(post.content, arrival);
        let said = Incoming { from, message_id, kind: Kind::Post, text, stamp, lamport: 0, post: None, late: false };
        match place {
            Some((author, chain)) => {
                let post = Late { said, author, chain, raw: bytes.into(), age: 0, from: met.id };
                self.take_post_of(post, arrival.signed, now);
            }
            None => {
                let said = Incoming { lamport: self.posts.greatest(), ..said };
                self.take_said(said, arrival.signed, now);
            }
        }
        Ok(())
    }

    pub(super) fn refuse_blocked(&self, id: PeerId) -> Result<(), Rejected> {
        if self.peers.read(id, |peer| peer.blocked).unwrap_or(false) { Err(Rejected::Blocked) } else { Ok(()) }
    }

    /// Text that came in a session: nobody but the peer can have written it, wherever it comes from.
    pub(super) fn on_frame(
        &mut self,
        opened: Opened,
        bytes: usize,
        from: SocketAddrV4,
        now: Instant,
    ) -> Result<(), Rejected> {
        let id = self.authors.get(&opened.peer).and_then(|author| author.row).ok_or(Rejected::Stranger)?;
        self.refuse_blocked(id)?;
        self.note_heard(id, bytes, from, now);
        let Opened { peer, message_id, body } = opened;
        if let Some(ack) = body.ack {
            let ours = self.acknowledge(&peer, &ack.message_id, ack.stored, now);
            return if ours { Ok(()) } else { Err(Rejected::StrayAck) };
        }
        self.take_sealed(id, peer, &message_id, body, None, now)
    }

    /// A peer is heard by what nobody else can have made.
    pub(super) fn note_heard(&mut self, id: PeerId, bytes: usize, from: SocketAddrV4, now: Instant) {
        self.watch.heard(now, self.links.is_own(*from.ip()));
        let back = self.peers.update(id, |peer| {
            (peer.heard, peer.probes) = (now, 0);
            if let Some(path) = peer.path_mut(from) {
                path.note(bytes, now);
            }
            let back = peer.presence == Presence::Quiet;
            if back {
                peer.presence = if peer.best_path().proven { Presence::Live } else { Presence::Heard };
            }
            back
        });
        if back == Some(true)
            && let Some(peer) = self.peers.get(id)
        {
            self.event(Event::Back(peer));
        }
    }

    pub(super) fn on_dm(&mut self, dm: &Dm<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let content = match dm.body {
            DmBody::Plain(content) => content,
            DmBody::Letter { prekey, sealed } => return self.on_letter(dm, prekey, sealed, arrival),
            // One of a session of ours never comes here.
            DmBody::Frame { .. } => return Err(Rejected::Unopened),
        };
        let met = self.hear(dm.from, arrival)?;
        if !self.own.is(dm.to.as_str(), arrival.now) {
            return Err(Rejected::NotForUs);
        }
        self.refuse_blocked(met.id)?;
        if !self.is_new(met.id, dm.from, dm.message_id, content, dm.timestamp.unwrap_or(self.unix(arrival.now))) {
            return Err(Rejected::Duplicate);
        }
        let from = self.peers.get(met.id).ok_or(Rejected::Stranger)?;
        let said = Incoming {
            from,
            message_id: dm.message_id.map(|id| id.as_str().to_owned()).unwrap_or_default(),
            kind: Kind::Dm { private: false },
            text: Self::text_of(content, arrival),
            stamp: dm.timestamp.unwrap_or(self.unix(arrival.now)),
            lamport: self.posts.greatest(),
            post: None,
            late: false,
        };
        self.take_said(said, arrival.signed, arrival.now);
        Ok(())
    }

    /// A letter: whom it is for is who can open it.
    fn on_letter(&mut self, dm: &Dm<'_>, prekey: u32, sealed: Sealed<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let (Some(signed), Some(message)) = (arrival.signed, dm.message_id) else { return Err(Rejected::Unopened) };
        let (body, secret) = self.open_letter(&signed.key, message.as_str(), prekey, sealed)?;
        let met = self.hear(dm.from, arrival)?;
        self.refuse_blocked(met.id)?;
        if self.authors.get(&signed.key).is_some_and(|author| author.fresh) {
            self.open_session(signed.key, signed.sid, false, secret, arrival.now);
        }
        self.take_sealed(met.id, signed.key, message.as_str(), body, Some(signed), arrival.now)
    }

    /// Takes what a letter or frame held. One that came before is acknowledged once more, as its ACK may be lost.
    fn take_sealed(
        &mut self,
        id: PeerId,
        key: PublicKey,
        message_id: &str,
        body: SealedBody,
        signed: Option<Signed>,
        now: Instant,
    ) -> Result<(), Rejected> {
        if let Some(data) = body.data {
            return self.on_sealed_data(id, key, data, now);
        }
        let mut told = false;
        match self.commits.fate(&key, message_id) {
            // There may be room on the disk again.
            Some(Fate::Done { stored: false }) if self.config.history && body.long.is_none() => told = true,
            Some(Fate::Done { stored }) => {
                self.acknowledge_again(&key, message_id, stored, now);
                return Err(Rejected::Duplicate);
            }
            Some(Fate::Committing(true)) => {
                self.acknowledge_again(&key, message_id, false, now);
                return Err(Rejected::Duplicate);
            }
            Some(Fate::Committing(false) | Fate::Held) => return Err(Rejected::Duplicate),
            None => {}
        }
        let from = self.peers.get(id).ok_or(Rejected::Stranger)?;
        let said = Incoming {
            from,
            message_id: message_id.to_owned(),
            kind: Kind::Dm { private: true },
            text: Untrusted::new(body.text),
            stamp: body.timestamp,
            lamport: self.posts.greatest(),
            post: None,
            late: false,
        };
        match body.long {
            Some(long) => self.pull_dm(said, &long, signed, now),
            None if told => self.keep_told(said, now),
            None => self.take_said(said, signed, now),
        }
        Ok(())
    }

    pub(super) fn on_profile(&mut self, profile: &Profile<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let sender = match arrival.extension.sid {
            Some(_) => Sender::speaking(profile.user_id, arrival),
            None => Sender::announcing(profile.user_id, None, Greeting::Profile, arrival, &self.config),
        };
        let met = self.meet(&sender)?;
        let mut changed =
            met.believed && self.learn(met.id, profile.display_name, profile.status, profile.avatar, None);
        if arrival.extension.sid.is_none() && met.believed {
            let picture = profile.avatar_data.and_then(|data| data.bytes());
            changed |= picture.is_some();
            self.peers.update(met.id, |peer| peer.pictured = picture.is_some());
            if let Some((kind, bytes)) = picture {
                let picture = Picture { label: None, kind, bytes: bytes.into() };
                self.pictures.keep(met.id, picture, self.config.limits.avatars);
            }
        }
        self.introduce(met, changed);
        self.answer(met, arrival);
        Ok(())
    }

    pub(super) fn on_follow(&mut self, follow: &Follow<'_>, unfollow: bool, arrival: &Arrival) -> Result<(), Rejected> {
        let met = self.hear(follow.from, arrival)?;
        if !self.own.is(follow.to.as_str(), arrival.now) {
            return Err(Rejected::NotForUs);
        }
        let Some(peer) = self.peers.get(met.id) else { return Err(Rejected::Stranger) };
        let to = peer.address();
        let own = self.links.is_own(*to.ip());
        let identity = self.key.hash(if unfollow { b"UNFOLLOW" } else { b"FOLLOW" });
        if !self.answered.allow(to, identity, Duration::from_secs(1), own, arrival.now) {
            return Err(Rejected::Unanswered);
        }
        let id = self.message_id();
        let response =
            FollowResponse { from: self.own.field(), to: follow.from, message_id: Some(id.as_field()), accepted: true };
        let extension = self.extension_for(&peer, false);
        response.encode(unfollow, self.unix(arrival.now), &extension, peer.dialect.style, &mut self.scratch);
        let payload = if peer.is_older() { self.scratch.as_slice().into() } else { self.signed() };
        self.send_within_budget(met.id, to, payload, arrival.now);
        self.event(if unfollow { Event::Unfollowed(peer) } else { Event::Followed(peer) });
        Ok(())
    }

    pub(super) fn on_follow_response(
        &mut self,
        response: &FollowResponse<'_>,
        unfollow: bool,
        arrival: &Arrival,
    ) -> Result<(), Rejected> {
        let id = self.row_of(response.from.as_str(), arrival);
        let by = id.and_then(|id| self.peers.get(id)).ok_or(Rejected::Stranger)?;
        if !self.own.is(response.to.as_str(), arrival.now) {
            return Err(Rejected::NotForUs);
        }
        self.event(Event::FollowAnswered { by, accepted: response.accepted, unfollow });
        Ok(())
    }

    /// An older client ends; it is listed again when it is heard again.
    pub(super) fn on_revoke(&mut self, revoke: &Revoke<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let id = self.peers.find(revoke.user_id.as_str(), None, arrival.from, &self.links).filter(|id| {
            let own = |peer: &super::Peer| {
                peer.is_older() && peer.paths.iter().any(|path| path.address.ip() == arrival.from.ip())
            };
            self.peers.read(*id, own).unwrap_or(false)
        });
        let peer = id.and_then(|id| self.forget(id)).ok_or(Rejected::StrayGoodbye)?;
        self.event(Event::Left(peer));
        Ok(())
    }
}
