//! Long texts: cut into pieces and served, pulled and put together (protocol.md §10.3).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddrV4;
use std::sync::Arc;

use crate::wire::{
    ChunkRequest, Extension, LONG_MAX, LongText, OwnMessageId, PieceHash, Pieces, SealedBody, SealedLong, Untrusted,
};

use super::commits::{Fate, Incoming};
use super::pull::{Progress, Pull};
use super::signed::Signed;
use super::waiting::Urgency;
use super::{Arrived, Engine, Instant, Kind, Limits, Peer, PeerId, SEAL_OVERHEAD, Secret, Timer};

/// The pieces that we serve, by their hashes; the oldest text makes place for a new one.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pieces: BTreeMap<PieceHash, (Arc<[u8]>, u32)>,
    texts: VecDeque<Served>,
    bytes: usize,
    /// Long DMs of ours that were sealed, so that a retry names the same pieces.
    sealed: VecDeque<(OwnMessageId, SealedLong)>,
    /// What is on its way to us, by root.
    pulls: BTreeMap<PieceHash, TextPull>,
    /// What is to be pulled after that.
    line: VecDeque<(PieceHash, u32, TextPull)>,
}

/// A message whose text is on its way to us.
#[derive(Debug)]
struct TextPull {
    pull: Option<Pull>,
    /// Who has the pieces.
    from: PeerId,
    what: Wanted,
    /// What the text of a DM is sealed with.
    sealed: Option<Secret>,
}

/// What is to be pulled.
#[derive(Debug)]
enum Wanted {
    /// The text of a message.
    Text(Box<Incoming>),
    /// The body of a DATA.
    Data(Arrived),
}

impl TextPull {
    fn of(said: Incoming, from: PeerId, sealed: Option<Secret>) -> Self {
        Self { pull: None, from, what: Wanted::Text(Box::new(said)), sealed }
    }
}

#[derive(Debug)]
struct Served {
    root: PieceHash,
    hashes: Vec<PieceHash>,
    bytes: usize,
}

/// Messages that wait until there is room to pull their text.
const LINE: usize = 64;

/// Long DMs of ours whose keys are remembered.
const SEALED: usize = 64;

impl Texts {
    /// Serves the pieces of these bytes from now on; returns the hash that names them.
    pub(super) fn serve(&mut self, bytes: &[u8], limits: &Limits) -> Option<PieceHash> {
        let pieces = Pieces::cut(bytes)?;
        let root = pieces.root();
        if self.texts.iter().any(|text| text.root == root) {
            return Some(root);
        }
        let (mut hashes, mut size) = (Vec::new(), 0);
        for (hash, piece) in pieces.into_pieces() {
            size += piece.len() + 64;
            hashes.push(hash);
            self.pieces.entry(hash).or_insert_with(|| (piece.into(), 0)).1 += 1;
        }
        self.bytes += size;
        self.texts.push_back(Served { root, hashes, bytes: size });
        while self.bytes > limits.long_texts.2 && self.texts.len() > 1 {
            self.drop_oldest();
        }
        Some(root)
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.texts.pop_front() else { return };
        self.bytes -= oldest.bytes;
        for hash in oldest.hashes {
            if let Some((_, uses)) = self.pieces.get_mut(&hash) {
                *uses -= 1;
                if *uses == 0 {
                    self.pieces.remove(&hash);
                }
            }
        }
    }

    pub(super) fn piece(&self, hash: &PieceHash) -> Option<&Arc<[u8]>> {
        self.pieces.get(hash).map(|(piece, _)| piece)
    }

    fn is_served(&self, root: &PieceHash) -> bool {
        self.pieces.contains_key(root)
    }
}

impl Engine {
    /// What a letter or frame with this text holds: the text, or where the reader can pull it, sealed with a key of its own.
    pub(super) fn sealed_body(&mut self, peer: &Peer, id: OwnMessageId, text: &Arc<str>, at: u64) -> SealedBody {
        if text.len() <= self.letter_max(peer) {
            return SealedBody::text(text, at);
        }
        SealedBody { long: self.seal_long_once(id, text.as_bytes()), timestamp: at, ..SealedBody::default() }
    }

    /// Where a long text can be pulled: where it was said to be before, if it is still there.
    pub(super) fn seal_long_once(&mut self, id: OwnMessageId, text: &[u8]) -> Option<SealedLong> {
        let known = self.texts.sealed.iter().find(|(other, _)| *other == id).map(|(_, long)| long.clone());
        known.filter(|long| self.texts.is_served(&long.root)).or_else(|| self.seal_long(id, text))
    }

    fn seal_long(&mut self, id: OwnMessageId, text: &[u8]) -> Option<SealedLong> {
        let ring = self.ring.as_mut()?;
        let key = ring.seeds.next();
        let mut bytes = text.to_vec();
        ring.crypto.seal(&key, 0, b"long", &mut bytes);
        let size = u32::try_from(bytes.len()).ok()?;
        let root = self.texts.serve(&bytes, &self.config.limits)?;
        let long = SealedLong { root, size, key: key.0 };
        self.texts.sealed.push_back((id, long.clone()));
        if self.texts.sealed.len() > SEALED {
            self.texts.sealed.pop_front();
        }
        Some(long)
    }

    /// True when pieces were asked for there.
    pub(super) fn pulls_text_from(&self, from: SocketAddrV4) -> bool {
        self.texts.pulls.values().any(|pull| self.is_proven(pull.from, from))
            || self.pulls.keys().any(|id| self.is_proven(*id, from))
    }

    /// A DM names a long text: it is taken when that is here. Its author sends it again until then.
    pub(super) fn pull_dm(&mut self, said: Incoming, long: &SealedLong, signed: Option<Signed>, now: Instant) {
        let Some(key) = said.from.key else { return };
        let from = said.from.id;
        let sealed = Secret(long.key);
        let fits = long.size as usize <= LONG_MAX + SEAL_OVERHEAD;
        if fits && self.may_pull_from(from, signed, now) {
            self.commits.set_fate(&key, &said.message_id, Fate::Held, self.config.limits.acked);
            self.pull_text(long.root, long.size, TextPull::of(said, from, Some(sealed)), now);
        }
    }

    /// A post names a long text: it is taken when that is here.
    pub(super) fn pull_post(
        &mut self,
        said: Incoming,
        long: LongText,
        from: PeerId,
        signed: Option<Signed>,
        now: Instant,
    ) {
        if self.may_pull_from(from, signed, now) {
            self.pull_text(long.root, long.size, TextPull::of(said, from, None), now);
        }
    }

    /// A DATA names a long body: it is taken when that is here.
    pub(super) fn pull_data(
        &mut self,
        from: PeerId,
        arrived: Arrived,
        (root, size): (PieceHash, u32),
        sealed: Option<Secret>,
        now: Instant,
    ) {
        let text = TextPull { pull: None, from, what: Wanted::Data(arrived), sealed };
        self.pull_text(root, size, text, now);
    }

    /// Pieces come from those who have answered; others are asked whether they are there, and say it again.
    fn may_pull_from(&mut self, from: PeerId, signed: Option<Signed>, now: Instant) -> bool {
        let fresh = signed.is_none_or(|signed| self.authors.get(&signed.key).is_some_and(|author| author.fresh));
        if !fresh {
            self.counters.unproven += 1;
            self.ask_now(from, Urgency::Theirs, now);
        }
        fresh
    }

    fn pull_text(&mut self, root: PieceHash, size: u32, mut text: TextPull, now: Instant) {
        let (each, all, _) = self.config.limits.long_texts;
        if self.texts.pulls.contains_key(&root) {
            // The same text twice is told twice: what it is known by differs.
            return self.drop_pull(text, now);
        }
        let of_peer = self.texts.pulls.values().filter(|pull| pull.from == text.from).count();
        if self.texts.pulls.len() >= all || of_peer >= each {
            return match self.texts.line.len() < LINE {
                true => self.texts.line.push_back((root, size, text)),
                false => self.drop_pull(text, now),
            };
        }
        text.pull = Pull::new(root, size);
        if text.pull.is_none() {
            return self.drop_pull(text, now);
        }
        self.texts.pulls.insert(root, text);
        self.go_on_pulling_text(root, now);
    }

    /// It is not pulled: when it comes again it is new.
    fn drop_pull(&mut self, text: TextPull, now: Instant) {
        let Wanted::Text(said) = text.what else { return };
        if said.kind == Kind::Post {
            self.sync_again(now);
        }
        if let (Kind::Dm { .. }, Some(key)) = (said.kind, said.from.key) {
            self.commits.forget_fate(&key, &said.message_id);
        }
    }

    /// Asks for the pieces that are due.
    pub(super) fn go_on_pulling_text(&mut self, root: PieceHash, now: Instant) {
        let Some(text) = self.texts.pulls.get_mut(&root) else { return };
        let from = text.from;
        let wanted = text.pull.as_mut().and_then(|pull| Some((pull.wanted(now)?, pull.next())));
        let to = self.peers.read(from, Peer::address);
        let (Some((wanted, next)), Some(to)) = (wanted, to) else {
            if let Some(text) = self.texts.pulls.remove(&root) {
                self.drop_pull(text, now);
            }
            return self.pull_next_text(now);
        };
        if let Some(next) = next {
            self.timers.set(next, Timer::Text(root));
        }
        let extension = Extension { sid: Some(self.own.sid), ..Extension::default() };
        for hash in wanted {
            ChunkRequest { from: self.own.field(), hash }.encode(&extension, &mut self.scratch);
            let payload = self.signed();
            self.transmit(&[to], payload);
        }
    }

    /// There is room for one more.
    fn pull_next_text(&mut self, now: Instant) {
        for _ in 0..self.texts.line.len() {
            let Some((root, size, text)) = self.texts.line.pop_front() else { return };
            self.pull_text(root, size, text, now);
        }
    }

    /// Takes a piece of a long text; false when it is none that was asked for there.
    pub(super) fn take_text_piece(&mut self, bytes: &[u8], from: SocketAddrV4, now: Instant) -> bool {
        let roots: Vec<PieceHash> = self
            .texts
            .pulls
            .iter()
            .filter(|(_, text)| self.is_proven(text.from, from))
            .map(|(root, _)| *root)
            .collect();
        for root in roots {
            let Some(text) = self.texts.pulls.get_mut(&root) else { continue };
            let progress = text.pull.as_mut().map_or(Progress::Broken, |pull| pull.take(bytes.to_vec()));
            match progress {
                Progress::Stray => continue,
                Progress::More => self.go_on_pulling_text(root, now),
                Progress::Whole(whole) => {
                    if let Some(text) = self.texts.pulls.remove(&root) {
                        self.take_long(text, whole, now);
                    }
                    self.pull_next_text(now);
                }
                Progress::Broken => {
                    if let Some(text) = self.texts.pulls.remove(&root) {
                        self.drop_pull(text, now);
                    }
                    self.pull_next_text(now);
                }
            }
            return true;
        }
        false
    }

    fn take_long(&mut self, text: TextPull, mut bytes: Vec<u8>, now: Instant) {
        let opened = match (&text.sealed, &self.ring) {
            (Some(key), Some(ring)) => ring.crypto.open(key, 0, b"long", &mut bytes),
            (Some(_), None) => false,
            (None, _) => true,
        };
        let said = match text.what {
            Wanted::Data(arrived) if opened => return self.take_long_data(arrived, bytes),
            Wanted::Text(ref said) => said.clone(),
            Wanted::Data(_) => return,
        };
        let words = String::from_utf8(bytes).ok().filter(|words| opened && !words.trim().is_empty());
        let Some(words) = words else { return self.drop_pull(text, now) };
        let mut said = *said;
        if let Some(post) = &mut said.post {
            post.long = Some(words.as_str().into());
        }
        self.keep_said(Incoming { text: Untrusted::new(words), ..said }, now);
    }

    /// A piece of a long text that somebody asks for: of a post that we hold, too.
    pub(super) fn text_piece(&mut self, hash: PieceHash) -> Option<Arc<[u8]>> {
        if self.texts.piece(&hash).is_none() {
            let text = self.posts.with_text(hash).map(Arc::clone)?;
            self.texts.serve(text.as_bytes(), &self.config.limits);
        }
        self.texts.piece(&hash).cloned()
    }
}
