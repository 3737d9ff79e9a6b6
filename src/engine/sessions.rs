//! Sessions: what two live peers exchange after the first letter, without a signature for each message
//! (protocol.md §9.6).

use std::collections::VecDeque;

use data_encoding::BASE64URL_NOPAD;
use rand::Rng;

use crate::wire::{
    Dm, DmBody, Extension, Message, OWN_DATAGRAM_MAX, Octets, OwnMessageId, Place, PublicKey, Sealed, SealedBody, Sid,
    Style,
};

use super::hash::{Key, Table};
use super::letters::bound;
use super::window::Window;
use super::{Config, Crypto, Engine, Instant, Limits, Peer, Secret};

/// A secret that two peers share since a letter, and the keys made from it.
#[derive(Debug)]
pub(super) struct Session {
    peer: PublicKey,
    /// The start of the peer for which it holds.
    sid: Sid,
    /// Who wrote the letter.
    writer: PublicKey,
    /// The peer has the secret: it wrote the letter, or answered in the session.
    confirmed: bool,
    made: Instant,
    secret: Secret,
    out: Outward,
    inward: Option<Inward>,
}

/// Our key in a session.
#[derive(Debug)]
struct Outward {
    salt: [u8; 16],
    key: Secret,
    counter: u64,
}

/// The peer's key in a session, and what came under it.
#[derive(Debug)]
struct Inward {
    salt: [u8; 16],
    key: Secret,
    window: Window,
}

/// All sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    by_id: Table<Octets, Session>,
    /// The newest last.
    of: Table<PublicKey, VecDeque<Octets>>,
    order: VecDeque<Octets>,
}

/// What came in a session.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) peer: PublicKey,
    pub(super) message_id: String,
    pub(super) body: SealedBody,
}

fn key_in(crypto: &dyn Crypto, secret: &Secret, sender: &PublicKey, salt: &[u8; 16]) -> Secret {
    crypto.derive(secret, &[b"frame", &sender.0, salt])
}

impl Sessions {
    pub(super) fn new(key: Key) -> Self {
        Self { by_id: Table::with_hasher(key), of: Table::with_hasher(key), order: VecDeque::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    fn insert(&mut self, id: Octets, session: Session, limits: &Limits) {
        let (peer, now) = (session.peer, session.made);
        let dead =
            |id: &&Octets| self.by_id.get(id).is_some_and(|session| now.since(session.made) >= Config::SESSION_KEPT);
        let dead: Vec<Octets> = self.of.get(&peer).into_iter().flatten().filter(dead).copied().collect();
        dead.into_iter().for_each(|id| self.remove(id));
        let ids = self.of.entry(session.peer).or_default();
        ids.push_back(id);
        let ids = (ids.len() > limits.sessions.0).then(|| ids.clone());
        self.by_id.insert(id, session);
        self.order.push_back(id);
        // Of one peer the newest count: the other side speaks in what it got last.
        if let Some(oldest) = ids.and_then(|ids| ids.front().copied()) {
            self.remove(oldest);
        }
        while self.by_id.len() > limits.sessions.1
            && let Some(idle) = self.least_used(&self.order)
        {
            self.remove(idle);
            self.order.retain(|id| *id != idle);
        }
        // What was removed elsewhere leaves its place in the order.
        if self.order.len() > 2 * limits.sessions.1 {
            self.order.retain(|id| self.by_id.contains_key(id));
        }
    }

    /// The oldest in which nobody has answered the other, else the oldest: somebody who only writes to us never ends the
    /// session of somebody whom we answer, or who answered us.
    fn least_used(&self, ids: &VecDeque<Octets>) -> Option<Octets> {
        let known = |id: &&Octets| self.by_id.contains_key(id);
        let answered = |session: &Session| {
            let we_wrote_first = session.writer != session.peer;
            if we_wrote_first { session.inward.is_some() } else { session.out.counter > 0 }
        };
        let idle = |id: &&Octets| self.by_id.get(id).is_some_and(|session| !answered(session));
        ids.iter().find(idle).or_else(|| ids.iter().find(known)).copied()
    }

    fn remove(&mut self, id: Octets) {
        let Some(session) = self.by_id.remove(&id) else { return };
        if let Some(ids) = self.of.get_mut(&session.peer) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.of.remove(&session.peer);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn has(&self, peer: &PublicKey) -> bool {
        self.of.contains_key(peer)
    }

    /// Ends all sessions with a peer.
    pub(super) fn end(&mut self, peer: &PublicKey) {
        for id in self.of.remove(peer).unwrap_or_default() {
            self.by_id.remove(&id);
        }
    }

    /// The peer writes a letter: it may have lost the sessions that we wrote the letters of, so it is not spoken to in
    /// them until it speaks in one itself.
    fn doubt(&mut self, peer: &PublicKey, own: &PublicKey) {
        for id in self.of.get(peer).into_iter().flatten() {
            if let Some(session) = self.by_id.get_mut(id).filter(|session| session.writer == *own) {
                session.confirmed = false;
            }
        }
    }

    /// The session in which that start of the peer is spoken to: of several, that whose letter the lower key wrote, and
    /// of those the newest.
    fn usable(&self, peer: &PublicKey, sid: Sid, now: Instant) -> Option<Octets> {
        let mut best: Option<(PublicKey, Octets)> = None;
        for id in self.of.get(peer)?.iter().rev() {
            let Some(session) = self.by_id.get(id).filter(|session| {
                let old = now.since(session.made) >= Config::SESSION_TURN;
                session.confirmed && session.sid == sid && !old
            }) else {
                continue;
            };
            if best.is_none_or(|(writer, _)| session.writer < writer) {
                best = Some((session.writer, *id));
            }
        }
        best.map(|(_, id)| id)
    }
}

impl Engine {
    /// Opens a session with the secret of a letter that we wrote to this peer, or it to us.
    pub(super) fn open_session(&mut self, peer: PublicKey, sid: Sid, ours: bool, secret: Secret, now: Instant) {
        let mut salt = [0; 16];
        self.rng.fill_bytes(&mut salt);
        let Some(ring) = &self.ring else { return };
        let own = ring.crypto.public_key();
        if !ours {
            self.sessions.doubt(&peer, &own);
        }
        let name = ring.crypto.derive(&secret, &[b"session id"]);
        let id = name.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let key = key_in(&*ring.crypto, &secret, &own, &salt);
        let session = Session {
            peer,
            sid,
            writer: if ours { own } else { peer },
            confirmed: !ours,
            made: now,
            secret,
            out: Outward { salt, key, counter: 0 },
            inward: None,
        };
        self.sessions.insert(Octets(id), session, &self.config.limits);
    }

    /// Writes a DM in a session with the peer; none when there is no session that it is known to share.
    pub(super) fn write_frame(
        &mut self,
        peer: &Peer,
        body: &SealedBody,
        id: OwnMessageId,
        now: Instant,
    ) -> Option<Vec<u8>> {
        let (to_key, sid, to) = (peer.key?, peer.sid?, peer.user_id()?);
        let session_id = self.sessions.usable(&to_key, sid, now)?;
        let ring = self.ring.as_ref()?;
        let session = self.sessions.by_id.get_mut(&session_id)?;
        let place = Place { session: session_id, salt: session.out.salt, counter: session.out.counter };
        session.out.counter += 1;
        let mut body = body.encode();
        let aad = bound(&ring.crypto.public_key(), &to_key, id.as_field().as_str());
        ring.crypto.seal(&session.out.key, place.counter, &aad, &mut body);
        let sealed = BASE64URL_NOPAD.encode(&body);
        let dm = Dm {
            from: self.own.field(),
            to,
            body: DmBody::Frame { place, sealed: Sealed::new(&sealed) },
            timestamp: None,
            message_id: Some(id.as_field()),
        };
        let extension = Extension { sid: Some(self.own.sid), ..Extension::default() };
        let mut out = Vec::with_capacity(OWN_DATAGRAM_MAX);
        dm.encode(&extension, None, Style::Tight, &mut out);
        Some(out)
    }

    /// Opens a session frame; none for what is no frame of a session of ours, not sealed so, or seen before. Nobody
    /// without the session's secret makes one, so it is looked at before any budget.
    pub(super) fn open_frame(&mut self, bytes: &[u8]) -> Option<Opened> {
        if !bytes.starts_with(DmBody::FRAME) {
            return None;
        }
        let datagram = crate::wire::decode(bytes).ok()?;
        let Message::Dm(Dm { body: DmBody::Frame { place, sealed }, message_id, .. }) = datagram.message else {
            return None;
        };
        let ring = self.ring.as_ref()?;
        let session = self.sessions.by_id.get_mut(&place.session)?;
        let fresh = match &session.inward {
            Some(inward) if inward.salt == place.salt => {
                if !inward.window.is_new(place.counter) {
                    return None;
                }
                None
            }
            Some(_) => return None,
            None => Some(Inward {
                salt: place.salt,
                key: key_in(&*ring.crypto, &session.secret, &session.peer, &place.salt),
                window: Window::empty(),
            }),
        };
        let mut boxed = Vec::with_capacity(bytes.len());
        if !sealed.read(&mut boxed) {
            return None;
        }
        let message_id = message_id?.as_str();
        let aad = bound(&session.peer, &ring.crypto.public_key(), message_id);
        let key = fresh.as_ref().or(session.inward.as_ref()).map(|inward| &inward.key)?;
        if !ring.crypto.open(key, place.counter, &aad, &mut boxed) {
            return None;
        }
        let body = SealedBody::decode(&boxed)?;
        session.inward = fresh.or(session.inward.take());
        session.inward.as_mut()?.window.note(place.counter);
        session.confirmed = true;
        Some(Opened { peer: session.peer, message_id: message_id.to_owned(), body })
    }
}
