//! What we say, to each peer in its own way: one rendition for all of our kind, others for older clients
//! (protocol.md §4, §7).

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::sync::Arc;

use crate::wire::{
    CARRY_MAX, Caps, Chain, Dm, DmBody, ENVELOPE_MAX, Extension, Follow, LONG_MAX, LongText, OWN_DATAGRAM_MAX,
    OwnMessageId, PieceHash, Post, Scope, SealedBody, Style, Token, escaped,
};

use super::budget::Bucket;
use super::commits::{Pending, Said};
use super::signed::WRAPPED_MAX;
use super::{
    Command, CommandError, Engine, Entry, Failure, Instant, Kind, LETTER_OVERHEAD, Mark, Me, Peer, PeerId, PostRecord,
    Reply, Whom,
};

/// Most bytes of a letter besides the two ids and the box: keys, numbers and the envelope.
const LETTER_HEAD: usize = 8 + 6 + 4 + 7 + 13 + 28 + 5 + 16 + ENVELOPE_MAX + 1;

/// Most bytes of the body of a sealed DM besides the text.
const BODY_HEAD: usize = 1 + 2 + 3 + 3 + 9;

/// How long a TOKEN of ours holds, seconds.
const TOKEN_TTL: u64 = 3600;

/// The form in which a peer gets a message: peers with the same form get the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rendition {
    Ours,
    Older { spaced: bool, token: bool },
}

impl Rendition {
    pub(super) fn of(peer: &Peer) -> Self {
        if !peer.is_older() {
            return Self::Ours;
        }
        // A TOKEN is harmless to those who do not want it; without it others drop the message in silence.
        Self::Older { spaced: peer.dialect.style == Style::Spaced, token: peer.dialect.token != Some(false) }
    }

    pub(super) fn style(self) -> Style {
        if matches!(self, Self::Older { spaced: true, .. }) { Style::Spaced } else { Style::Tight }
    }
}

impl Engine {
    /// Does what a user or a program wants.
    ///
    /// # Errors
    /// Why it was refused; a refused command sends nothing and changes nothing.
    pub fn handle_command(&mut self, command: Command, now: Instant) -> Result<Reply, CommandError> {
        self.notice_wake(now);
        if self.left && !matches!(command, Command::WhoAmI | Command::Stats | Command::Tables) {
            return Err(CommandError::Left);
        }
        match command {
            Command::Post { text } => self.post(&text, now),
            Command::Dm { to, text } => self.dm(to, &text, now),
            Command::Profile { display_name, status } => self.set_profile(display_name, status, now),
            Command::Avatar(picture) => self.set_avatar(picture, now),
            Command::FetchAvatar(id) => self.fetch_avatar(id, now).map(|()| Reply::Done),
            Command::AskPeers(id) => {
                self.known(id)?;
                self.ask_for_list(id, now);
                Ok(Reply::Done)
            }
            Command::Follow(id) => self.follow(id, false, now),
            Command::Unfollow(id) => self.follow(id, true, now),
            Command::Probe(id) => {
                self.known(id)?;
                self.probe(id, true, now);
                Ok(Reply::Done)
            }
            Command::Announce => {
                self.restart_beats(now);
                Ok(Reply::Done)
            }
            Command::Moved { port } => {
                self.own.port = port;
                self.restart_beats(now);
                Ok(Reply::Done)
            }
            Command::Reach { to, lasting } => self.reach(to, lasting, now).map(|()| Reply::Done),
            Command::Trace(on) => {
                self.trace = on;
                Ok(Reply::Done)
            }
            Command::Judge { whom, word } => self.judge(whom, word, now),
            Command::Forget { posts, with } => {
                self.posts.forget(&posts);
                if let Some(key) = with {
                    self.give_up_on(&key, Failure::Dropped, now);
                }
                Ok(Reply::Done)
            }
            Command::Contacts => Ok(Reply::Contacts(self.authors.contacts())),
            Command::WhoAmI => Ok(Reply::Me(self.me())),
            Command::Stats => Ok(Reply::Stats(Box::new(self.counters))),
            Command::Tables => Ok(Reply::Tables(self.tables())),
            Command::Leave => {
                if !self.config.scan {
                    self.say_goodbye(now);
                }
                self.left = true;
                Ok(Reply::Done)
            }
        }
    }

    fn known(&self, id: PeerId) -> Result<Peer, CommandError> {
        self.peers.get(id).ok_or(CommandError::UnknownPeer)
    }

    fn me(&self) -> Me {
        Me {
            user_id: Arc::clone(&self.own.user_id),
            display_name: self.own.display_name.clone(),
            status: self.own.status.clone(),
            key: self.own_key(),
            grouped: self.group.is_some(),
            port: self.own.port,
            links: self.links.links.clone(),
            discovery_open: self.links.discovery_open,
            announced: self.beats.announced,
            avatar: self.own.avatar.as_ref().map(|avatar| avatar.bytes.len()),
            picture: self.own.avatar.as_ref().map(|avatar| avatar.label),
            image: self.own.avatar.as_ref().map(|avatar| Arc::clone(&avatar.bytes)),
        }
    }

    /// The extra keys of a message to this peer: to older clients none.
    pub(super) fn extension_for(&self, peer: &Peer, escaped: bool) -> Extension {
        let sid = (!peer.is_older()).then_some(self.own.sid);
        Extension { sid, escaped: escaped && sid.is_some(), ..Extension::default() }
    }

    fn token(&self, scope: Scope, now: Instant) -> Token<'_> {
        Token { user_id: self.own.field(), expiry: self.unix(now) + TOKEN_TTL, scope }
    }

    fn post(&mut self, text: &str, now: Instant) -> Result<Reply, CommandError> {
        let id = self.message_id();
        let mut peers: Vec<Peer> = self.peers.reader().snapshot();
        peers.retain(|peer| !peer.blocked && (self.group.is_none() || peer.key.is_some()));
        let mut place = self.next_place();
        let long = self.make_long(text, id, place.as_mut(), &peers, now)?;
        let takes = |peer: &Peer| long.is_none() || peer.caps.has(Caps::SYNC);
        let (peers, without): (Vec<Peer>, Vec<Peer>) = peers.into_iter().partition(takes);
        self.take_outflow(&peers, now)?;
        let (content, is_escaped) = if long.is_some() { ("".into(), false) } else { escaped(text) };
        let (ours, older): (Vec<&Peer>, Vec<&Peer>) = peers.iter().partition(|peer| !peer.is_older());
        // Written even when nobody is here: the next one goes on from it.
        let mut out = Vec::new();
        self.write_post((&content, is_escaped), id, Rendition::Ours, now, &mut out);
        let mut post = None;
        if let Some((place, author)) = place.zip(self.own_key()) {
            place.append(&mut out);
            self.sign(&mut out);
            let record = PostRecord {
                author,
                number: place.number,
                id: PieceHash::of(&out),
                lamport: place.lamport,
                raw: out.as_slice().into(),
                long,
                since: self.unix(now),
            };
            self.note_own_post(record.clone());
            // Whoever missed it hears so from the next announcement.
            self.hurry(now);
            post = Some(Box::new(record));
        }
        self.transmit_ours(&ours, out.into(), now);
        for (rendition, to) in renditions(&older) {
            let mut out = std::mem::take(&mut self.scratch);
            self.write_post((&content, is_escaped), id, rendition, now, &mut out);
            self.transmit(&to, out.as_slice().into());
            self.scratch = out;
        }
        let entry = Entry {
            author: self.own_author(),
            message_id: id.to_string(),
            kind: Kind::Post,
            ours: true,
            with: None,
            text: text.to_owned(),
            stamp: self.unix(now),
            at: self.unix(now),
            lamport: post.as_ref().map_or(self.posts.greatest(), |post| post.lamport),
            post,
            mark: None,
        };
        self.commit(entry, Pending::Own(Box::new(Said::post(id, text, self.unix(now)))), now);
        Ok(Reply::Posted { id, to: peers, without })
    }

    /// Sends the same to many of our kind: at once where an address has answered or nobody has a key, else as soon as
    /// the peer answers.
    pub(super) fn transmit_ours(&mut self, peers: &[&Peer], payload: Arc<[u8]>, now: Instant) {
        let (ready, unproven): (Vec<&Peer>, Vec<&Peer>) =
            peers.iter().partition(|peer| peer.key.is_none() || peer.best_path().proven);
        let to: Vec<SocketAddrV4> = ready.into_iter().map(Peer::address).collect();
        self.transmit(&to, Arc::clone(&payload));
        for peer in unproven {
            self.wait_with(peer.id, Arc::clone(&payload), now);
        }
    }

    fn write_post(
        &self,
        (content, escaped): (&str, bool),
        id: OwnMessageId,
        rendition: Rendition,
        now: Instant,
        out: &mut Vec<u8>,
    ) {
        let post = Post {
            user_id: self.own.field(),
            content,
            timestamp: Some(self.unix(now)),
            message_id: Some(id.as_field()),
        };
        let (extension, token) = self.extras(rendition, escaped, Scope::Broadcast, now);
        post.encode(&extension, token, rendition.style(), out);
    }

    fn dm(&mut self, to: Whom, text: &str, now: Instant) -> Result<Reply, CommandError> {
        let Whom::Peer(id) = to else { return self.private_dm(to, text, now) };
        let peer = self.known(id)?;
        if peer.key.is_some() {
            return self.private_dm(to, text, now);
        }
        self.hindrance(&peer)?;
        let id = self.message_id();
        self.check_fits(text, |engine, content, rendition, out| {
            engine.write_dm(&peer, content, id, rendition, now, out);
        })?;
        self.take_outflow(std::slice::from_ref(&peer), now)?;
        let (content, is_escaped) = escaped(text);
        let mut out = std::mem::take(&mut self.scratch);
        self.write_dm(&peer, (&content, is_escaped), id, Rendition::of(&peer), now, &mut out);
        if !peer.is_older() {
            self.sign(&mut out);
        }
        self.transmit(&[peer.address()], out.as_slice().into());
        self.scratch = out;
        self.older_sent.note(peer.address(), id, peer.id, text);
        self.commit_own_dm(&peer, id, text, Mark::Sent, now);
        Ok(Reply::Sent { id, to: peer, private: false })
    }

    /// Sends a DM in a session with the peer, or in a letter; false when its prekey is no good key.
    pub(super) fn send_sealed(
        &mut self,
        peer: &Peer,
        id: OwnMessageId,
        text: &Arc<str>,
        at: u64,
        letter: bool,
        now: Instant,
    ) -> bool {
        let body = self.sealed_body(peer, id, text, at);
        self.send_sealed_body(peer, id, &body, letter, now)
    }

    /// Sends a body in a session with the peer, or in a letter; false when its prekey is no good key.
    pub(super) fn send_sealed_body(
        &mut self,
        peer: &Peer,
        id: OwnMessageId,
        body: &SealedBody,
        letter: bool,
        now: Instant,
    ) -> bool {
        let frame = if letter { None } else { self.write_frame(peer, body, id, now) };
        let payload = match frame {
            Some(frame) => frame,
            None => {
                let Some(letter) = self.write_letter(peer, body, id) else { return false };
                if let (Some(key), Some(sid)) = (peer.key, peer.sid) {
                    self.open_session(key, sid, true, letter.secret, now);
                }
                letter.bytes
            }
        };
        self.transmit(&[peer.address()], payload.into());
        true
    }

    /// Most bytes of a text that a letter to this peer holds; a longer one is pulled (protocol.md §10.3).
    pub(super) fn letter_max(&self, peer: &Peer) -> usize {
        let head = LETTER_HEAD + peer.user_id.len() + self.own.user_id.len();
        let max = if self.group.is_some() { WRAPPED_MAX } else { OWN_DATAGRAM_MAX } - CARRY_MAX;
        (max.saturating_sub(head) * 3 / 4).saturating_sub(LETTER_OVERHEAD + BODY_HEAD)
    }

    fn write_dm(
        &self,
        peer: &Peer,
        (content, escaped): (&str, bool),
        id: OwnMessageId,
        rendition: Rendition,
        now: Instant,
        out: &mut Vec<u8>,
    ) {
        let Some(to) = peer.user_id() else { return };
        let dm = Dm {
            from: self.own.field(),
            to,
            body: DmBody::Plain(content),
            timestamp: Some(self.unix(now)),
            message_id: Some(id.as_field()),
        };
        let (extension, token) = self.extras(rendition, escaped, Scope::Chat, now);
        dm.encode(&extension, token, rendition.style(), out);
    }

    fn extras(
        &self,
        rendition: Rendition,
        escaped: bool,
        scope: Scope,
        now: Instant,
    ) -> (Extension, Option<Token<'_>>) {
        match rendition {
            Rendition::Ours => (Extension { sid: Some(self.own.sid), escaped, ..Extension::default() }, None),
            Rendition::Older { token, .. } => (Extension::default(), token.then(|| self.token(scope, now))),
        }
    }

    /// Refuses a text that is empty or does not fit into one datagram in its longest rendition.
    fn check_fits(
        &self,
        text: &str,
        write: impl Fn(&Self, (&str, bool), Rendition, &mut Vec<u8>),
    ) -> Result<(), CommandError> {
        if text.trim().is_empty() {
            return Err(CommandError::NoText);
        }
        let (content, is_escaped) = escaped(text);
        let mut out = Vec::new();
        let mut forms = vec![(Rendition::Ours, self.post_max(), if self.ring.is_some() { ENVELOPE_MAX } else { 0 })];
        if self.group.is_none() {
            forms.push((Rendition::Older { spaced: true, token: true }, OWN_DATAGRAM_MAX, 0));
        }
        let mut least = usize::MAX;
        for (rendition, max, envelope) in forms {
            write(self, (&content, is_escaped), rendition, &mut out);
            let rest = out.len() + envelope - content.len();
            least = least.min(max.saturating_sub(rest));
        }
        if content.len() <= least {
            return Ok(());
        }
        Err(CommandError::TextTooLong { bytes: content.len(), max: least })
    }

    /// Largest datagram that others can pass on for us.
    fn post_max(&self) -> usize {
        self.datagram_max() - if self.ring.is_some() { CARRY_MAX } else { 0 }
    }

    /// Names the text in the place of a post instead of writing it, if it does not fit and somebody who is here can pull it
    /// (protocol.md §10.3).
    fn make_long(
        &mut self,
        text: &str,
        id: OwnMessageId,
        place: Option<&mut Chain>,
        peers: &[Peer],
        now: Instant,
    ) -> Result<Option<Arc<str>>, CommandError> {
        let fits = self.check_fits(text, |engine, content, rendition, out| {
            engine.write_post(content, id, rendition, now, out);
            if rendition == Rendition::Ours
                && let Some(place) = &place
            {
                place.append(out);
            }
        });
        let Err(CommandError::TextTooLong { .. }) = fits else { return fits.map(|()| None) };
        let Some(place) = place.filter(|_| peers.is_empty() || peers.iter().any(|peer| peer.caps.has(Caps::SYNC)))
        else {
            return fits.map(|()| None);
        };
        if text.len() > LONG_MAX {
            return Err(CommandError::TextTooLong { bytes: text.len(), max: LONG_MAX });
        }
        let root = self.texts.serve(text.as_bytes(), &self.config.limits);
        place.long = root.map(|root| LongText { size: u32::try_from(text.len()).unwrap_or(u32::MAX), root });
        Ok(Some(text.into()))
    }

    /// Takes one message from the rate of each address that has proved nothing, and from the rate of all others
    /// together; refuses all when one has none left.
    pub(super) fn take_outflow(&mut self, peers: &[Peer], now: Instant) -> Result<(), CommandError> {
        let rate = self.config.limits.older_rate;
        let unproven = peers.iter().filter(|peer| !peer.best_path().proven).map(Peer::address);
        let unproven: Vec<SocketAddrV4> = unproven.collect();
        if self.outflow.len() + unproven.len() > self.config.limits.buckets {
            let listed = |address: &SocketAddrV4| unproven.contains(address);
            self.outflow.retain(|address, bucket| listed(address) || !bucket.wait(rate, now).is_zero());
        }
        let own_rate = self.config.limits.own_rate;
        let proven = peers.len() > unproven.len();
        let own_wait = proven.then(|| self.own_outflow.wait(own_rate, now));
        let wait = |bucket: &mut Bucket| bucket.wait(rate, now);
        let longest = unproven.iter().filter_map(|to| self.outflow.get_mut(to).map(wait)).chain(own_wait).max();
        if let Some(retry_after) = longest.filter(|wait| !wait.is_zero()) {
            return Err(CommandError::TooFast { retry_after });
        }
        if proven {
            self.own_outflow.take(own_rate, now);
        }
        for to in unproven {
            self.outflow.entry(to).or_insert_with(|| Bucket::full(rate, now)).take(rate, now);
        }
        Ok(())
    }

    fn follow(&mut self, id: PeerId, unfollow: bool, now: Instant) -> Result<Reply, CommandError> {
        let peer = self.known(id)?;
        let Some(to) = peer.user_id() else { return Err(CommandError::UnknownPeer) };
        self.take_outflow(std::slice::from_ref(&peer), now)?;
        let message_id = self.message_id();
        let follow = Follow { from: self.own.field(), to, message_id: Some(message_id.as_field()) };
        let extension = self.extension_for(&peer, false);
        let token = self.token(Scope::Follow, now);
        let mut out = Vec::new();
        follow.encode(unfollow, self.unix(now), token, &extension, peer.dialect.style, &mut out);
        if !peer.is_older() {
            self.sign(&mut out);
        }
        self.transmit(&[peer.address()], out.into());
        Ok(Reply::Sent { id: message_id, to: peer, private: false })
    }
}

/// Where each rendition goes, in a fixed order.
fn renditions(peers: &[&Peer]) -> BTreeMap<Rendition, Vec<SocketAddrV4>> {
    let mut all: BTreeMap<Rendition, Vec<SocketAddrV4>> = BTreeMap::new();
    for peer in peers {
        all.entry(Rendition::of(peer)).or_default().push(peer.address());
    }
    all
}
