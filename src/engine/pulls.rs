//! Pulling avatars, and serving our own (protocol.md §6).

use std::sync::Arc;

use crate::wire::{AvatarKind, AvatarLabel, Caps, Chunk, ChunkRequest, Extension};

use super::avatar::Picture;
use super::pull::{Progress, Pull};
use super::{Arrival, CommandError, Engine, Event, Instant, Peer, PeerId, Rejected, Timer};

impl Engine {
    /// Gets a peer's avatar: at once when it is here, else piece by piece.
    pub(super) fn fetch_avatar(&mut self, id: PeerId, now: Instant) -> Result<(), CommandError> {
        let peer = self.peers.get(id).ok_or(CommandError::UnknownPeer)?;
        if let Some(picture) = self.pictures.get(id).filter(|picture| picture.label == peer.avatar()) {
            let (kind, bytes) = (picture.kind, picture.bytes.clone());
            self.event(Event::Avatar { peer, kind, bytes });
            return Ok(());
        }
        let label = peer.avatar().filter(|_| peer.caps.has(Caps::CHUNK)).ok_or(CommandError::NoAvatar)?;
        if self.pulls.contains_key(&id) {
            return Ok(());
        }
        if self.pulls.len() >= self.config.limits.pulls {
            return Err(CommandError::Busy);
        }
        let pull = Pull::new(label.root, u32::from(label.size)).ok_or(CommandError::NoAvatar)?;
        self.pulls.insert(id, (label, pull));
        if !self.is_proven(id, peer.address()) {
            // Only a proven path is served.
            self.probe(id, false, now);
        }
        self.go_on_pulling(id, now);
        Ok(())
    }

    /// Asks for the pieces that are due.
    pub(super) fn go_on_pulling(&mut self, id: PeerId, now: Instant) {
        let Some((_, pull)) = self.pulls.get_mut(&id) else { return };
        let Some(wanted) = pull.wanted(now) else { return self.fail_pull(id) };
        if let Some(next) = pull.next() {
            self.timers.set(next, Timer::Pull(id));
        }
        let Some(to) = self.peers.read(id, Peer::address) else { return self.fail_pull(id) };
        let extension = Extension { sid: Some(self.own.sid), ..Extension::default() };
        for hash in wanted {
            ChunkRequest { from: self.own.field(), hash }.encode(&extension, &mut self.scratch);
            let payload = self.signed();
            self.transmit(&[to], payload);
        }
    }

    fn fail_pull(&mut self, id: PeerId) {
        self.pulls.remove(&id);
        if let Some(peer) = self.peers.get(id) {
            self.event(Event::AvatarFailed(peer));
        }
    }

    /// Serves a piece of our avatar, to a proven path only.
    pub(super) fn on_chunk_request(&mut self, request: &ChunkRequest<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let id = self.row_of(request.from.as_str(), arrival);
        if !id.is_some_and(|id| self.is_proven(id, arrival.from)) {
            return Err(Rejected::Stranger);
        }
        let avatar = self.own.avatar.as_ref().and_then(|avatar| avatar.piece(request.hash)).map(Arc::from);
        let piece: Arc<[u8]> = avatar.or_else(|| self.text_piece(request.hash)).ok_or(Rejected::StrayChunk)?;
        let extension = Extension { sid: Some(self.own.sid), ..Extension::default() };
        Chunk::encode(self.own.field(), &piece, &extension, &mut self.scratch);
        let payload = self.scratch.as_slice().into();
        self.transmit(&[arrival.from], payload);
        Ok(())
    }

    /// Takes a piece that we asked for.
    pub(super) fn on_chunk(&mut self, chunk: &Chunk<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let bytes = chunk.bytes().ok_or(Rejected::StrayChunk)?;
        if self.take_text_piece(&bytes, arrival.from, arrival.now) {
            return Ok(());
        }
        // Its hash tells whether a piece is right, so nobody signs it: where it comes from tells whose it is.
        let pulled = |id: &&PeerId| {
            self.peers.read(**id, |peer| peer.paths.iter().any(|path| path.address == arrival.from)).unwrap_or(false)
        };
        let id = self.pulls.keys().find(pulled).copied();
        let id = id.or_else(|| self.row_of(chunk.from.as_str(), arrival)).ok_or(Rejected::Stranger)?;
        let (label, pull) = self.pulls.get_mut(&id).ok_or(Rejected::StrayChunk)?;
        let label = *label;
        match pull.take(bytes) {
            Progress::Stray => return Err(Rejected::StrayChunk),
            Progress::More => self.go_on_pulling(id, arrival.now),
            Progress::Whole(bytes) if AvatarKind::of(&bytes) == Some(label.kind) => self.keep_avatar(id, label, bytes),
            Progress::Whole(_) | Progress::Broken => self.fail_pull(id),
        }
        Ok(())
    }

    fn keep_avatar(&mut self, id: PeerId, label: AvatarLabel, bytes: Vec<u8>) {
        self.pulls.remove(&id);
        let picture = Picture { label: Some(label), kind: label.kind, bytes: bytes.into() };
        let bytes = picture.bytes.clone();
        self.pictures.keep(id, picture, self.config.limits.avatars);
        if let Some(peer) = self.peers.get(id) {
            self.event(Event::Avatar { peer, kind: label.kind, bytes });
        }
    }
}
