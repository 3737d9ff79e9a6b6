//! What others say: posts, direct messages, profiles, follows (protocol.md §4).

use std::time::Duration;

use crate::wire::{Dm, DmBody, Follow, FollowResponse, MessageId, Post, Profile, Revoke, Untrusted, UserId, unescaped};

use super::avatar::Picture;
use super::meet::{Met, Sender};
use super::peer::{Greeting, Tier};
use super::{Arrival, Engine, Event, PeerId, Rejected};

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
        let text = match id {
            Some(id) => format!("{}\n{}", label.as_str(), id.as_str()),
            None => format!("{}\n\n{stamp}\n{content}", label.as_str()),
        };
        let proven = self.peers.read(sender, |peer| peer.tier == Tier::Proven).unwrap_or(false);
        let message = self.key.hash(text.as_bytes());
        self.seen.note(message, proven, self.config.limits.seen)
    }

    fn text_of(content: &str, arrival: &Arrival) -> Untrusted {
        if arrival.extension.escaped { Untrusted::new(unescaped(content)) } else { Untrusted::new(content) }
    }

    pub(super) fn on_post(&mut self, post: &Post<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let met = self.hear(post.user_id, arrival)?;
        if !self.is_new(
            met.id,
            post.user_id,
            post.message_id,
            post.content,
            post.timestamp.unwrap_or(self.unix(arrival.now)),
        ) {
            return Err(Rejected::Duplicate);
        }
        if let Some(from) = self.peers.get(met.id) {
            self.event(Event::Post { from, text: Self::text_of(post.content, arrival) });
        }
        Ok(())
    }

    pub(super) fn on_dm(&mut self, dm: &Dm<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let met = self.hear(dm.from, arrival)?;
        if !self.own.is(dm.to.as_str(), arrival.now) {
            return Err(Rejected::NotForUs);
        }
        let DmBody::Plain(content) = dm.body else { return Err(Rejected::OtherType) };
        if !self.is_new(met.id, dm.from, dm.message_id, content, dm.timestamp.unwrap_or(self.unix(arrival.now))) {
            return Err(Rejected::Duplicate);
        }
        if let Some(from) = self.peers.get(met.id) {
            self.event(Event::Dm { from, text: Self::text_of(content, arrival), private: false });
        }
        Ok(())
    }

    pub(super) fn on_profile(&mut self, profile: &Profile<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let sender = match arrival.extension.sid {
            Some(_) => Sender::speaking(profile.user_id, arrival),
            None => Sender::announcing(profile.user_id, None, Greeting::Profile, arrival, &self.config),
        };
        let met = self.meet(&sender)?;
        let mut changed = met.believed && self.learn(met.id, profile.display_name, profile.status, profile.avatar);
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
        let payload = self.scratch.as_slice().into();
        self.send_within_budget(met.id, to, payload);
        self.event(if unfollow { Event::Unfollowed(peer) } else { Event::Followed(peer) });
        Ok(())
    }

    pub(super) fn on_follow_response(
        &mut self,
        response: &FollowResponse<'_>,
        unfollow: bool,
        arrival: &Arrival,
    ) -> Result<(), Rejected> {
        let id = self.peers.find(response.from.as_str(), arrival.extension.sid, arrival.from, &self.links);
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
