//! Posts that others passed on: checked, put in their order, and told (protocol.md §10.4).

use std::net::SocketAddrV4;
use std::sync::Arc;

use crate::wire::{
    self, Carry, Chain, Envelope, Message, PieceHash, PublicKey, SIGNED_DOMAIN, Untrusted, decode, unescaped,
};

use super::commits::Incoming;
use super::signed::Signed;
use super::sync::{ASKED, LATEST, ROUND, TICK};
use super::wanted::PATIENCE;
use super::{Engine, Event, Instant, Kind, Peer, PeerId, PostRecord, Rejected, Trust};

/// A post that was passed on to us.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) said: Incoming,
    pub(super) author: PublicKey,
    pub(super) chain: Chain,
    pub(super) raw: Arc<[u8]>,
    pub(super) age: u32,
    pub(super) from: PeerId,
}

impl Engine {
    /// True for a post or a piece that somebody at this address was asked for: whoever sends it spends no budget.
    pub(super) fn expects(&self, bytes: &[u8], from: SocketAddrV4) -> bool {
        if bytes.starts_with(b"TYPE:CARRY\n") {
            let data = bytes.windows(11).take(wire::CARRY_MAX).any(|head| head == b"\nTYPE:DATA\n");
            return self.syncing.sources.contains(&from) || data && self.inflow.is_proven(&from);
        }
        bytes.starts_with(b"TYPE:CHUNK\n") && self.pulls_text_from(from)
    }

    /// Takes a post that somebody passes on. It proves by itself who wrote it; only what we asked for is looked at.
    pub(super) fn on_carried_post(
        &mut self,
        carry: &Carry<'_>,
        from: SocketAddrV4,
        now: Instant,
    ) -> Result<(), Rejected> {
        let Envelope { key, signature, signed, .. } = Envelope::of(carry.inner)?;
        let datagram = decode(carry.inner)?;
        let Message::Post(post) = datagram.message else { return Err(Rejected::OtherType) };
        let chain = Chain::of(carry.inner)?.ok_or(Rejected::OtherType)?;
        let wanted = self.syncing.wanted.get(&(key, chain.number)).ok_or(Rejected::Duplicate)?;
        let id = wanted.sources.iter().copied().find(|id| self.is_proven(*id, from)).ok_or(Rejected::Stranger)?;
        let good = self.ring.as_ref().is_some_and(|ring| ring.crypto.verify(&key, SIGNED_DOMAIN, signed, &signature));
        if !good {
            self.inflow.spend(from, false, &self.config.limits, now);
            return Err(Rejected::BadSignature);
        }
        self.syncing.wanted.remove(&(key, chain.number));
        if u64::from(carry.age) > self.config.catch_up.age.as_secs() {
            self.posts.note_known(key, chain.number..=chain.number);
            return Err(Rejected::Replay);
        }
        let writer = match self.person(&key, now) {
            Some(peer) => peer,
            None => {
                Peer { key: Some(key), trust: Trust::Known, ..Peer::nobody(post.user_id.as_str(), *from.ip(), now) }
            }
        };
        let text = if datagram.extension.escaped { unescaped(post.content) } else { post.content.into() };
        let said = Incoming {
            from: writer,
            message_id: post.message_id.map(|id| id.as_str().to_owned()).unwrap_or_default(),
            kind: Kind::Post,
            text: Untrusted::new(text),
            stamp: post.timestamp.unwrap_or(self.unix(now)),
            lamport: 0,
            post: None,
            late: true,
        };
        if chain.long.is_none() {
            // Nobody is asked for it again while it waits to be told.
            self.posts.note_known(key, chain.number..=chain.number);
        }
        let raw = carry.inner.into();
        self.syncing.late.push(Late { said, author: key, chain, raw, age: carry.age, from: id });
        self.syncing.first.get_or_insert(now);
        self.syncing.news = Some(now);
        self.plan_tick(now + TICK);
        let flying = self
            .syncing
            .wanted
            .values()
            .any(|wanted| wanted.asked.is_some_and(|(source, at)| source == id && now.since(at) < PATIENCE));
        if !flying && !self.syncing.wanted.is_empty() {
            self.ask_for_posts(now);
        }
        Ok(())
    }

    /// Tells what came as soon as nothing more is to come, or some time later: who says to have posts and does not send them
    /// holds up nobody.
    pub(super) fn finish_if_done(&mut self, now: Instant) {
        let syncing = &self.syncing;
        let (pending, heard) = (!syncing.wanted.is_empty(), syncing.news.is_some());
        let quiet = syncing.news.is_none_or(|at| now.since(at) >= TICK);
        let overdue = syncing.first.is_some_and(|at| now.since(at) >= LATEST);
        if (pending || !quiet) && !overdue {
            return self.plan_tick(now + TICK);
        }
        (self.syncing.news, self.syncing.first) = (None, None);
        self.tell_late(now);
        if pending {
            self.plan_tick(now + TICK);
        }
        if self.syncing.joined {
            return;
        }
        let joined = self.syncing.came > 0 || !self.is_unasked();
        if !joined && (heard || self.syncing.round.is_none_or(|round| round > now + TICK * 5)) {
            // Who was asked knew nothing, or did not answer: somebody else may.
            return self.plan_round(now + TICK);
        }
        self.syncing.joined |= joined;
        let most = usize::try_from(self.config.catch_up.posts).unwrap_or(usize::MAX);
        if joined && self.syncing.came >= most {
            // What is older than the first that a newcomer gets is for others.
            self.syncing.since = self.syncing.since.max(self.syncing.least);
        }
    }

    /// True when somebody else may be asked before we go on without an answer.
    fn is_unasked(&self) -> bool {
        let asked = &self.syncing.asked;
        let unasked = |id: &PeerId| !asked.iter().any(|(other, _)| other == id) && self.can_sync(*id);
        asked.len() < ASKED && self.peers.ids().iter().any(unasked)
    }

    /// Tells what came, in its order.
    fn tell_late(&mut self, now: Instant) {
        let mut late = std::mem::take(&mut self.syncing.late);
        late.sort_by_cached_key(|late| (late.chain.lamport, late.author, PieceHash::of(&late.raw)));
        let Some(least) = late.first().map(|late| late.chain.lamport) else { return };
        let before = if self.syncing.came == 0 { least } else { self.syncing.least };
        self.syncing.least = before.min(least);
        self.syncing.came += late.len();
        self.syncing.telling.more = true;
        for post in late {
            self.take_post_of(post, None, now);
        }
        self.syncing.telling.more = false;
        self.say_caught_up();
        self.syncing.gap = ROUND.0;
        let wait = self.jittered(ROUND.0, 20);
        self.plan_round(now + wait);
    }

    /// One more post that came late was told.
    pub(super) fn told_late(&mut self) {
        let telling = &mut self.syncing.telling;
        telling.open = telling.open.saturating_sub(1);
        self.say_caught_up();
    }

    fn say_caught_up(&mut self) {
        let telling = &mut self.syncing.telling;
        if telling.open > 0 || telling.more {
            return;
        }
        let posts = std::mem::take(&mut telling.all);
        if posts > 1 {
            self.event(Event::CaughtUp { posts });
        }
    }

    /// Takes a post: from its author, or passed on by somebody after so many seconds.
    pub(super) fn take_post_of(&mut self, post: Late, signed: Option<Signed>, now: Instant) {
        let Late { said, author, chain, raw, age, from } = post;
        let lamport = self.posts.believe(&chain);
        let record = PostRecord {
            author,
            number: chain.number,
            id: PieceHash::of(&raw),
            lamport,
            raw,
            long: None,
            since: self.unix(now).saturating_sub(u64::from(age)),
        };
        if said.late && lamport < self.syncing.since {
            self.posts.note_known(author, chain.number..=chain.number);
            return;
        }
        let said = Incoming { lamport, post: Some(Box::new(record)), ..said };
        match chain.long {
            Some(long) => self.pull_post(said, long, from, signed, now),
            None => self.take_said(said, signed, now),
        }
    }
}
