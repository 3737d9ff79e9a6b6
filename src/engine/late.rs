//! Posts that others passed on: checked, put in their order, and told (protocol.md §10.4).

use std::net::SocketAddrV4;
use std::sync::Arc;

use crate::wire::{Carry, Chain, Envelope, Message, PieceHash, PublicKey, SIGNED_DOMAIN, Untrusted, decode, unescaped};

use super::commits::Incoming;
use super::signed::Signed;
use super::sync::{ASKED, ROUND, TICK};
use super::wanted::PATIENCE;
use super::{Engine, Event, Instant, Kind, Peer, PeerId, PostRecord, Rejected};

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
            return self.syncing.sources.contains(&from);
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
            None => Peer {
                key: Some(key),
                trust: super::Trust::Known,
                ..Peer::nobody(post.user_id.as_str(), *from.ip(), now)
            },
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
        let raw = carry.inner.into();
        self.syncing.late.push(Late { said, author: key, chain, raw, age: carry.age, from: id });
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

    /// Tells what came, in its order, as soon as nothing more is to come.
    pub(super) fn finish_if_done(&mut self, now: Instant) {
        let quiet = self.syncing.news.is_some_and(|at| now.since(at) >= TICK);
        if !self.syncing.wanted.is_empty() {
            return;
        }
        if !quiet {
            if self.syncing.news.is_some() {
                self.plan_tick(now + TICK);
            } else if !self.syncing.joined && self.syncing.round.is_none_or(|round| round > now + TICK * 5) {
                // Nobody has answered yet: somebody else may, up to a point.
                self.syncing.joined = self.syncing.asked.len() >= ASKED;
                self.plan_round(now + TICK);
            }
            return;
        }
        self.syncing.news = None;
        let mut late = std::mem::take(&mut self.syncing.late);
        late.sort_by_cached_key(|late| (late.chain.lamport, late.author, PieceHash::of(&late.raw)));
        let came = late.len();
        if !std::mem::replace(&mut self.syncing.joined, true) {
            let full = came >= usize::try_from(self.config.catch_up.posts).unwrap_or(usize::MAX);
            let least = late.first().map(|late| late.chain.lamport);
            // What is older than the first that a newcomer gets is for others.
            if full && let Some(least) = least {
                self.syncing.since = self.syncing.since.max(least);
            }
        }
        for Late { said, author, chain, raw, age, from } in late {
            self.take_post_of(said, author, &chain, &raw, None, (age, from), now);
        }
        if came > 0 {
            self.syncing.gap = ROUND.0;
            let wait = self.jittered(ROUND.0, 20);
            self.plan_round(now + wait);
            if came > 1 {
                self.event(Event::CaughtUp { posts: came });
            }
        }
    }

    /// Takes a post: from its author, or passed on by somebody after so many seconds.
    pub(super) fn take_post_of(
        &mut self,
        said: Incoming,
        author: PublicKey,
        chain: &Chain,
        raw: &[u8],
        signed: Option<Signed>,
        (age, from): (u32, PeerId),
        now: Instant,
    ) {
        let lamport = self.posts.believe(chain);
        let record = PostRecord {
            author,
            number: chain.number,
            id: PieceHash::of(raw),
            lamport,
            raw: raw.into(),
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
