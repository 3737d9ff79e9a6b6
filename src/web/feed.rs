//! What happened lately, as a stream that goes on where a reader left off (docs/api.md, Events).

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use crate::data::message::{Pattern, Topic};
use crate::data::{self};
use crate::engine::{Event, Instant, Link, Peer};
use crate::node::{Handle, unix_now};
use crate::store::{Change, History};
use crate::wire::PublicKey;

use super::data::{Claim, Names, shown};
use super::json::json;
use super::{EventObject, SentObject, convert};

/// Events that a reader may be behind.
const EVENTS: usize = 1_024;

/// And their bytes in all, so that long texts do not add up.
const BYTES: usize = 1 << 20;

/// Of messages of programs.
const PROGRAM_BYTES: usize = 8 << 20;

/// Messages of ours whose marks are known without a history.
const SENT: usize = 1_024;

/// A reader hears at least this often that the stream lives.
const BEAT: Duration = Duration::from_secs(15);

/// Events on their way to one reader besides those that the system holds.
const AHEAD: usize = 16;

/// Whom an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum About {
    Key(PublicKey),
    Label(Arc<str>),
    /// What we say to everyone is about nobody else.
    Us,
    /// A message with this topic.
    Message(Topic),
    /// A call of this method.
    Call(Topic),
    /// Wanted: messages with such topics.
    Messages(Pattern),
}

impl About {
    pub(super) fn of(peer: &Peer) -> Self {
        peer.key().map_or_else(|| Self::Label(peer.raw_id().into()), Self::Key)
    }

    /// True when who wants this wants to hear of that.
    fn wants(&self, about: &Self) -> bool {
        match (self, about) {
            (Self::Messages(pattern), Self::Message(topic)) => pattern.matches(topic),
            _ => self == about,
        }
    }
}

/// What a feed tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// What people want to see.
    People,
    /// Messages and calls of programs: they are many and long, and nobody else is to miss anything for them.
    Programs,
}

/// What happened lately. It listens to the peer from the first time that somebody wants to know.
#[derive(Debug)]
pub(super) struct Feed {
    part: Part,
    ring: Mutex<Ring>,
    /// The number of the newest event; closed when the peer has ended.
    newest: watch::Sender<u64>,
    listening: AtomicBool,
}

#[derive(Debug)]
struct Ring {
    items: VecDeque<Item>,
    bytes: usize,
    /// The number of the next event.
    next: u64,
    sent: HashMap<String, SentObject>,
    order: VecDeque<String>,
    ended: bool,
}

#[derive(Debug)]
struct Item {
    about: Option<About>,
    frame: Bytes,
}

/// Where a reader is.
#[derive(Debug)]
struct Reader {
    from: Option<About>,
    next: u64,
}

impl Feed {
    pub(super) fn new(part: Part) -> Self {
        // Numbers rise over a restart, too, so that an old one is known as such.
        let first = (unix_now().as_secs() << 20) + 1;
        let ring = Ring {
            items: VecDeque::new(),
            bytes: 0,
            next: first,
            sent: HashMap::new(),
            order: VecDeque::new(),
            ended: false,
        };
        Self { part, ring: Mutex::new(ring), newest: watch::Sender::new(first - 1), listening: AtomicBool::new(false) }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to listen to the peer, unless it does so already.
    pub(super) fn listen(self: &Arc<Self>, handle: &Handle, history: Option<&History>) {
        if !self.listening.swap(true, Ordering::Relaxed) {
            let here = Here { birth: handle.now(), unix: unix_now(), links: handle.watch_links() };
            let (events, changes) = (handle.events(), history.map(History::changes));
            let sources = Sources { events, changes, data: Some(handle.data_events()) };
            let names = Names::begin(handle).lasting();
            tokio::spawn(listen(Arc::downgrade(self), sources, here, names));
        }
    }

    /// Takes note of a message that was sent; what became of it meanwhile goes before.
    pub(super) fn sent(&self, sent: &SentObject) -> SentObject {
        let mut ring = self.ring();
        if let Some(known) = ring.sent.get(&sent.message) {
            return SentObject { reason: known.reason.clone(), mark: known.mark.clone(), ..sent.clone() };
        }
        ring.remember(sent.clone());
        sent.clone()
    }

    /// What is known of a message of ours.
    pub(super) fn message(&self, id: &str) -> Option<SentObject> {
        self.ring().sent.get(id).cloned()
    }

    fn push(&self, event: &EventObject, about: Option<About>) {
        let mut ring = self.ring();
        if let EventObject::Mark(sent) = event {
            ring.remember(SentObject { kind: "sent".to_owned(), ..(**sent).clone() });
        }
        let number = ring.next;
        let frame = frame(number, event);
        ring.bytes += frame.len();
        ring.items.push_back(Item { about, frame });
        let most = if self.part == Part::People { BYTES } else { PROGRAM_BYTES };
        while ring.items.len() > EVENTS || (ring.bytes > most && ring.items.len() > 1) {
            let gone = ring.items.pop_front().map_or(0, |item| item.frame.len());
            ring.bytes -= gone;
        }
        ring.next += 1;
        drop(ring);
        self.newest.send_replace(number);
    }

    /// Some events are missing: who has read so far has to read anew.
    fn gap(&self) {
        let mut ring = self.ring();
        ring.items.clear();
        ring.bytes = 0;
        ring.next += 1;
        let number = ring.next;
        drop(ring);
        self.newest.send_replace(number);
    }

    fn end(&self) {
        self.ring().ended = true;
        self.newest.send_modify(|_| {});
    }

    /// The number of the newest event.
    pub(super) fn newest(&self) -> u64 {
        self.ring().next - 1
    }

    /// The stream of what happens after the event with this number, or from now on. The claim lasts as long as the stream.
    pub(super) fn read(self: &Arc<Self>, from: Option<About>, since: Option<u64>, claim: Option<Claim>) -> Body {
        let (frames, stream) = mpsc::channel(AHEAD);
        let newest = self.newest.subscribe();
        let next = since.map_or_else(|| self.ring().next, |since| since.saturating_add(1));
        let reader = Reader { from, next };
        let stay = serve(Arc::clone(self), newest, reader, frames);
        tokio::spawn(async move {
            stay.await;
            drop(claim);
        });
        Body::from_stream(ReceiverStream::new(stream))
    }
}

impl Ring {
    fn remember(&mut self, sent: SentObject) {
        let id = sent.message.clone();
        if self.sent.insert(id.clone(), sent).is_none() {
            self.order.push_back(id);
            if self.order.len() > SENT
                && let Some(oldest) = self.order.pop_front()
            {
                self.sent.remove(&oldest);
            }
        }
    }

    /// What a reader has not had; a word that it has missed some.
    fn after(&self, reader: &mut Reader) -> Vec<Bytes> {
        let first = self.next - self.items.len() as u64;
        let mut frames = Vec::new();
        if !(first..=self.next).contains(&reader.next) {
            let reload = EventObject::News(convert::news("reload"));
            frames.push(frame(self.next - 1, &reload));
            reader.next = self.next;
            return frames;
        }
        let skip = usize::try_from(reader.next - first).unwrap_or(usize::MAX);
        for item in self.items.iter().skip(skip) {
            let wanted = reader.from.as_ref().zip(item.about.as_ref()).is_none_or(|(from, about)| from.wants(about));
            if wanted {
                frames.push(item.frame.clone());
            }
        }
        reader.next = self.next;
        frames
    }
}

fn frame(number: u64, event: &EventObject) -> Bytes {
    format!("id: {number}\nevent: {}\ndata: {}\n\n", event.name(), json(event)).into()
}

/// The time of an event is when it is heard here, and it comes over one of our links. Holds no handle: that would hold
/// the peer up.
#[derive(Debug)]
struct Here {
    birth: Instant,
    unix: Duration,
    links: watch::Receiver<Arc<[Link]>>,
}

impl Here {
    fn now(&self) -> (Instant, Duration) {
        let unix = unix_now();
        (self.birth + unix.saturating_sub(self.unix), unix)
    }
}

/// What happens: what the peer tells, what users do to the history, if there is one, and the data space.
#[derive(Debug)]
struct Sources {
    events: broadcast::Receiver<Event>,
    changes: Option<broadcast::Receiver<Change>>,
    data: Option<broadcast::Receiver<data::Event>>,
}

async fn listen(
    feed: Weak<Feed>,
    Sources { mut events, mut changes, mut data }: Sources,
    here: Here,
    names: impl Future<Output = Names> + Send,
) {
    let names = names.await;
    loop {
        tokio::select! {
            // What the peer told first comes first.
            biased;
            event = events.recv() => {
                let Some(feed) = feed.upgrade() else { return };
                match event {
                    Ok(event) if feed.part == Part::People => {
                        let (now, unix) = here.now();
                        let links = here.links.borrow().clone();
                        if let Some((object, about)) = convert::event(&event, now, unix.as_secs(), &links) {
                            let us = matches!(event, Event::Said { to: None, .. }).then_some(About::Us);
                            feed.push(&object, about.map(About::of).or(us));
                        }
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) if feed.part == Part::Programs => {}
                    Err(RecvError::Lagged(_)) => feed.gap(),
                    Err(RecvError::Closed) => return feed.end(),
                }
            }
            change = next(&mut changes) => {
                let Some(feed) = feed.upgrade() else { return };
                match change {
                    _ if feed.part == Part::Programs => {}
                    Some(change) => feed.push(&convert::change(&change), None),
                    None => feed.gap(),
                }
            }
            event = next(&mut data) => {
                let Some(feed) = feed.upgrade() else { return };
                match event {
                    Some(event) if is_of(feed.part, &event) => {
                        if let Some((object, about)) = shown::event(event, &names) {
                            feed.push(&object, about);
                        }
                    }
                    Some(_) => {}
                    None => feed.gap(),
                }
            }
        }
    }
}

fn is_of(part: Part, event: &data::Event) -> bool {
    matches!(event, data::Event::Message(_)) == (part == Part::Programs)
}

/// What comes next; none when some are missing.
async fn next<T: Clone>(source: &mut Option<broadcast::Receiver<T>>) -> Option<T> {
    let next = match source {
        Some(source) => source.recv().await,
        None => Err(RecvError::Closed),
    };
    match next {
        Ok(next) => Some(next),
        Err(RecvError::Lagged(_)) => None,
        // No more will come.
        Err(RecvError::Closed) => {
            *source = None;
            std::future::pending().await
        }
    }
}

async fn serve(
    feed: Arc<Feed>,
    mut newest: watch::Receiver<u64>,
    mut reader: Reader,
    frames: mpsc::Sender<Result<Bytes, Infallible>>,
) {
    // Says at once that the stream is open.
    if frames.send(Ok(Bytes::from_static(b": open\n\n"))).await.is_err() {
        return;
    }
    loop {
        newest.mark_unchanged();
        let (found, ended) = {
            let ring = feed.ring();
            (ring.after(&mut reader), ring.ended)
        };
        for frame in found {
            if frames.send(Ok(frame)).await.is_err() {
                return;
            }
        }
        if ended {
            return;
        }
        tokio::select! {
            () = frames.closed() => return,
            waited = tokio::time::timeout(BEAT, newest.changed()) => {
                if waited.is_err() && frames.send(Ok(Bytes::from_static(b": here\n\n"))).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
