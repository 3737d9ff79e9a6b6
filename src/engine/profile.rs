//! What we are called, and our picture: told to everyone who is here, and to older clients that are new
//! (protocol.md §4.5, §6.3).

use std::net::SocketAddrV4;
use std::sync::Arc;

use crate::wire::{AvatarKind, Extension, OwnMessageId, Profile, Safe};

use super::avatar::OwnAvatar;
use super::outbox::Rendition;
use super::peer::Tier;
use super::{CommandError, Config, Engine, Instant, Peer, PeerId, Reply};

/// Most bytes of a PROFILE with a picture besides the picture.
const PICTURE_HEAD: usize = 1_200;

impl Engine {
    pub(super) fn set_profile(
        &mut self,
        display_name: Option<String>,
        status: Option<String>,
        now: Instant,
    ) -> Result<Reply, CommandError> {
        let display_name = display_name.filter(|name| !name.trim().is_empty());
        let display_name = display_name.map(|name| Safe::name(&name)).transpose().map_err(CommandError::DisplayName)?;
        let status = status.map(|status| status.trim().to_owned()).filter(|status| !status.is_empty());
        if status.as_ref().is_some_and(|text| text.chars().count() > 140 || Safe::changes(text)) {
            return Err(CommandError::Status);
        }
        let before = (self.own.display_name.take(), self.own.status.take());
        self.own.display_name = display_name.map(Into::into);
        self.own.status = status.map(Into::into);
        if !self.announcement_fits() {
            (self.own.display_name, self.own.status) = before;
            return Err(CommandError::ProfileTooLong);
        }
        self.keep_own_profile(now);
        Ok(self.tell_profile_to_all(now))
    }

    pub(super) fn set_avatar(&mut self, picture: Option<Vec<u8>>, now: Instant) -> Result<Reply, CommandError> {
        self.own.avatar = match picture {
            Some(bytes) => Some(OwnAvatar::new(&bytes).ok_or(CommandError::Avatar)?),
            None => None,
        };
        Ok(self.tell_profile_to_all(now))
    }

    fn tell_profile_to_all(&mut self, now: Instant) -> Reply {
        let id = self.message_id();
        let mut peers = self.peers.reader().snapshot();
        peers.retain(|peer| !peer.blocked);
        let (older, ours): (Vec<Peer>, Vec<Peer>) = peers.iter().cloned().partition(Peer::is_older);
        let payload = self.profile(id, Rendition::Ours, None, now);
        self.transmit_ours(&ours.iter().collect::<Vec<_>>(), payload, now);
        for peer in older.iter().filter(|_| self.group.is_none()).cloned().collect::<Vec<_>>() {
            if self.take_outflow(std::slice::from_ref(&peer), now).is_ok() {
                let picture = self.picture_for(&peer, now);
                let payload = self.profile(id, Rendition::of(&peer), picture, now);
                self.transmit(&[peer.address()], payload);
            }
        }
        Reply::Posted { id, to: peers, without: Vec::new() }
    }

    /// Tells an older client who is new what we are called, if that says more than our id.
    pub(super) fn tell_profile(&mut self, id: PeerId, now: Instant) {
        let Some(peer) = self.peers.get(id) else { return };
        let own = &self.own;
        if own.display_name.is_none() && own.status.is_none() && own.avatar.is_none() {
            return;
        }
        let message_id = self.message_id();
        let payload = self.profile(message_id, Rendition::of(&peer), None, now);
        self.send_within_budget(id, peer.address(), payload, now);
    }

    /// Shows an older client our picture, if we have one and it has not seen it lately, once it has said enough itself:
    /// nothing proves that it wants so many bytes.
    pub(super) fn show_picture(&mut self, id: PeerId, now: Instant) {
        let Some(avatar) = &self.own.avatar else { return };
        let bytes = avatar.bytes.len() * 4 / 3 + PICTURE_HEAD;
        let Some(to) = self.peers.read(id, |peer| peer.is_older().then(|| peer.address())).flatten() else { return };
        if !self.fits_budget(id, to, bytes) {
            return;
        }
        let Some(peer) = self.peers.get(id) else { return };
        let Some(picture) = self.picture_for(&peer, now) else { return };
        let message_id = self.message_id();
        let payload = self.profile(message_id, Rendition::of(&peer), Some(picture), now);
        self.send_within_budget(id, to, payload, now);
    }

    /// Our picture, for an older client that is no passer-by, when nobody at its IP had one in the last hour.
    fn picture_for(&mut self, peer: &Peer, now: Instant) -> Option<(AvatarKind, Arc<[u8]>)> {
        let avatar = self.own.avatar.as_ref()?;
        self.pictured.retain(|_, at| now.since(*at) < Config::PICTURE_AGAIN);
        let address = peer.address();
        // Several older clients on our own host are several windows of one person.
        let place = SocketAddrV4::new(*address.ip(), if self.links.is_own(*address.ip()) { address.port() } else { 0 });
        let full = self.pictured.len() >= self.config.limits.older;
        if full || self.pictured.contains_key(&place) || peer.tier == Tier::Probation {
            return None;
        }
        self.pictured.insert(place, now);
        Some((avatar.label.kind, Arc::clone(&avatar.bytes)))
    }

    fn profile(
        &mut self,
        id: OwnMessageId,
        rendition: Rendition,
        picture: Option<(AvatarKind, Arc<[u8]>)>,
        now: Instant,
    ) -> Arc<[u8]> {
        let own = &self.own;
        let ours = rendition == Rendition::Ours;
        let older = |text: Option<&str>, instead: &'static str| -> Option<String> {
            text.map(str::to_owned).or_else(|| (!ours).then(|| instead.to_owned()))
        };
        let name = own.display_name.as_deref().or((!ours).then(|| own.field().name()));
        let status = older(own.status.as_deref(), "");
        let profile = Profile {
            user_id: own.field(),
            display_name: name,
            status: status.as_deref(),
            timestamp: Some(self.unix(now)),
            message_id: Some(id.as_field()),
            avatar: own.avatar.as_ref().map(|avatar| avatar.label).filter(|_| ours),
            avatar_data: None,
        };
        let extension = Extension { sid: ours.then_some(own.sid), ..Extension::default() };
        let picture = picture.as_ref().map(|(kind, bytes)| (*kind, &**bytes));
        let mut out = Vec::new();
        profile.encode(&extension, picture, rendition.style(), &mut out);
        if ours {
            self.sign(&mut out);
        }
        out.into()
    }
}
