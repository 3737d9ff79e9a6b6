//! From what the engine and the history know to the objects of the API.

use crate::engine::{
    Contact, Event, Instant, Kind, Link, Mark, Peer, Person, Presence, Told, Trust, Ways, link_to, shown_id,
};
use crate::store::{Change, Line};
use crate::wire::{AvatarLabel, OwnMessageId, PublicKey, Safe};

use super::{EventObject, LineObject, NewsObject, PeerObject, PersonObject, SCHEMA, SentObject};

/// Columns of a name.
const NAME: usize = 32;

/// Digits of a fingerprint that name a key.
const DIGITS: usize = 12;

pub(super) fn trust(trust: Trust) -> String {
    match trust {
        Trust::Unsigned => "unverified",
        Trust::Changed => "new key",
        Trust::Known => "known",
        Trust::Verified => "verified",
    }
    .to_owned()
}

fn presence(presence: Presence) -> String {
    match presence {
        Presence::Heard => "heard",
        Presence::Live => "live",
        Presence::Quiet => "quiet",
        Presence::Away => "away",
    }
    .to_owned()
}

fn ways(ways: Ways) -> Vec<String> {
    let heard = [("broadcast", ways.broadcast), ("unicast", ways.unicast)];
    heard.iter().filter(|(_, heard)| *heard).map(|(way, _)| (*way).to_owned()).collect()
}

/// What a picture is called: the hash that it is pulled by.
pub(super) fn picture(label: AvatarLabel) -> String {
    data_encoding::HEXLOWER.encode(&label.root.0)
}

fn id(label: &str) -> String {
    shown_id(label)
}

/// A name that somebody gave itself.
pub(super) fn fitted(name: &str) -> String {
    Safe::called(name, NAME).as_str().to_owned()
}

fn name(name: &str, label: &str) -> String {
    let shown = Safe::called(name, NAME);
    if shown.as_str().trim().is_empty() {
        let name = label.rsplit_once('@').map_or(label, |(name, _)| name);
        return Safe::called(name, NAME).as_str().to_owned();
    }
    shown.as_str().to_owned()
}

/// Unix seconds as RFC 3339; what no calendar holds is its end.
pub(super) fn time(unix: u64) -> String {
    let seconds = i64::try_from(unix).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What one of our interfaces is called.
pub(super) fn interface(link: &Link) -> String {
    Safe::line(&link.name).as_str().to_owned()
}

/// What somebody looks like from here: now, and by these links of ours.
pub(super) fn peer(peer: &Peer, now: Instant, links: &[Link]) -> PeerObject {
    let here = peer.is_here();
    PeerObject {
        v: SCHEMA,
        kind: "peer".to_owned(),
        id: id(peer.raw_id()),
        name: peer.shown_name().as_str().to_owned(),
        status: peer.shown_status().map(|status| status.as_str().to_owned()),
        key: peer.key().map(|key| key.to_string()),
        trust: trust(peer.trust()),
        presence: presence(peer.presence()),
        address: here.then(|| peer.address().to_string()),
        heard: here.then(|| now.since(peer.heard()).as_secs()),
        older: here && peer.is_older(),
        blocked: peer.is_blocked(),
        muted: peer.is_muted(),
        avatar: peer.has_avatar(),
        picture: peer.avatar().map(picture),
        private: peer.is_private(),
        round_trip_us: peer.round_trip().and_then(|way| u64::try_from(way.as_micros()).ok()),
        interface: link_to(links, *peer.address().ip()).filter(|_| here).map(interface),
        ways: ways(peer.ways()),
        who: match peer.key() {
            Some(key) => digits(key),
            // Several can share an address, and anybody can take an id.
            None if here => format!("{}/{}", peer.address(), id(peer.raw_id())),
            None => id(peer.raw_id()),
        },
        what: None,
    }
}

pub(super) fn digits(key: PublicKey) -> String {
    let hex = key.fingerprint().hex();
    format!("#{}", hex.get(..DIGITS).unwrap_or(&hex))
}

pub(super) fn contact(contact: &Contact, unix: u64) -> PeerObject {
    let person = Person::Away(Box::new(contact.clone()));
    PeerObject {
        v: SCHEMA,
        kind: "peer".to_owned(),
        id: id(&person.id()),
        name: person.name().as_str().to_owned(),
        status: None,
        key: Some(contact.key.to_string()),
        trust: trust(person.trust()),
        presence: presence(Presence::Away),
        address: None,
        heard: Some(unix.saturating_sub(contact.last)),
        older: false,
        blocked: contact.blocked,
        muted: contact.muted,
        avatar: false,
        picture: None,
        private: true,
        round_trip_us: None,
        interface: None,
        ways: Vec::new(),
        who: digits(contact.key),
        what: None,
    }
}

pub(super) fn person(peer: &Peer) -> PersonObject {
    PersonObject {
        id: id(peer.raw_id()),
        name: peer.shown_name().as_str().to_owned(),
        key: peer.key().map(|key| key.to_string()),
        trust: trust(peer.trust()),
    }
}

/// Somebody as it was when a line was written.
pub(super) fn past(with: crate::store::Person) -> PersonObject {
    PersonObject {
        id: id(&with.user_id),
        name: name(&with.name, &with.user_id),
        key: with.key.map(|key| key.to_string()),
        trust: trust(with.trust),
    }
}

/// Somebody as it is known now.
pub(super) fn of(person: &Person) -> PersonObject {
    PersonObject {
        id: id(&person.id()),
        name: person.name().as_str().to_owned(),
        key: person.key().map(|key| key.to_string()),
        trust: trust(person.trust()),
    }
}

pub(crate) fn line(line: Line) -> LineObject {
    let (kind, private) = match line.kind {
        Kind::Post => ("post", None),
        Kind::Dm { private } => ("dm", Some(private)),
        Kind::Profile => ("profile", None),
    };
    LineObject {
        v: SCHEMA,
        kind: kind.to_owned(),
        row: Some(line.row.0),
        message: line.message_id,
        ours: line.ours,
        with: line.with.map(past),
        text: line.text,
        stamp: time(line.stamp),
        at: time(line.at),
        private,
        mark: line.mark.map(|mark| mark.word().to_owned()),
        reason: line.mark.and_then(reason),
        read: line.read,
        late: false,
    }
}

fn reason(mark: Mark) -> Option<String> {
    match mark {
        Mark::Failed(failure) => Some(failure.to_string()),
        Mark::Waiting | Mark::Sent | Mark::Acknowledged | Mark::Received | Mark::Stored => None,
    }
}

/// What became of a DM of ours.
pub(super) fn marked(id: OwnMessageId, to: Option<&Peer>, mark: Mark) -> SentObject {
    SentObject {
        v: SCHEMA,
        kind: "sent".to_owned(),
        message: id.to_string(),
        to: to.map(person),
        peers: None,
        without: Vec::new(),
        private: to.map(Peer::is_private),
        mark: mark.word().to_owned(),
        reason: reason(mark),
    }
}

fn told(kind: &str, from: &Peer, text: &str, private: Option<bool>, told: &Told, unix: u64) -> EventObject {
    EventObject::Line(Box::new(LineObject {
        v: SCHEMA,
        kind: kind.to_owned(),
        row: told.row.map(|row| row.0),
        message: told.message_id.clone(),
        ours: false,
        with: Some(person(from)),
        text: text.to_owned(),
        stamp: time(told.stamp),
        at: time(unix),
        private,
        mark: None,
        reason: None,
        read: false,
        late: told.late,
    }))
}

/// What we said.
fn said(to: Option<&Peer>, text: &str, told: &Told, unix: u64) -> EventObject {
    EventObject::Line(Box::new(LineObject {
        v: SCHEMA,
        kind: if to.is_some() { "dm" } else { "post" }.to_owned(),
        row: told.row.map(|row| row.0),
        message: told.message_id.clone(),
        ours: true,
        with: to.map(person),
        text: text.to_owned(),
        stamp: time(told.stamp),
        at: time(unix),
        private: to.map(Peer::is_private),
        mark: to.map(|_| Mark::Waiting.word().to_owned()),
        reason: None,
        read: true,
        late: false,
    }))
}

/// What a user changed in the history.
pub(super) fn change(change: &Change) -> EventObject {
    EventObject::News(match change {
        Change::Read(rows) => NewsObject { rows: rows.iter().map(|row| row.0).collect(), ..news("read") },
        Change::Forgotten => news("forgotten"),
    })
}

pub(super) fn news(kind: &str) -> NewsObject {
    NewsObject { v: SCHEMA, kind: kind.to_owned(), rows: Vec::new(), posts: None, id: None }
}

/// The event as the API tells it, and whom it is about; none for what only the prompt tells.
pub(super) fn event<'a>(
    event: &'a Event,
    now: Instant,
    unix: u64,
    links: &[Link],
) -> Option<(EventObject, Option<&'a Peer>)> {
    let did = |who: &Peer, what: &str| {
        EventObject::Peer(Box::new(PeerObject { what: Some(what.to_owned()), ..peer(who, now, links) }))
    };
    Some(match event {
        Event::Here(peer) => (did(peer, "here"), Some(peer)),
        Event::Left(peer) => (did(peer, "left"), Some(peer)),
        Event::Gone(peer) => (did(peer, "gone"), Some(peer)),
        Event::Quiet(peer) => (did(peer, "quiet"), Some(peer)),
        Event::Back(peer) => (did(peer, "back"), Some(peer)),
        Event::Profile(peer) => (did(peer, "profile"), Some(peer)),
        Event::Judged(peer) => (did(peer, "judged"), Some(peer)),
        Event::KeyChanged { peer, .. } => (did(peer, "new-key"), Some(peer)),
        Event::Post { from, text, told: about } => (told("post", from, text.raw(), None, about, unix), Some(from)),
        Event::Dm { from, text, private, told: about } => {
            (told("dm", from, text.raw(), Some(*private), about, unix), Some(from))
        }
        Event::Said { to, text, told } => (said(to.as_ref(), text, told, unix), to.as_ref()),
        Event::Marked { id, to, mark, .. } => {
            let sent = SentObject { kind: "mark".to_owned(), ..marked(*id, Some(to), *mark) };
            (EventObject::Mark(Box::new(sent)), Some(to))
        }
        Event::CaughtUp { posts } => (EventObject::News(NewsObject { posts: Some(*posts), ..news("caught-up") }), None),
        Event::Renamed { user_id } => {
            (EventObject::News(NewsObject { id: Some(id(user_id)), ..news("renamed") }), None)
        }
        Event::CutOff => (EventObject::News(news("cut-off")), None),
        Event::PeerList { .. }
        | Event::Avatar { .. }
        | Event::AvatarFailed(_)
        | Event::Followed(_)
        | Event::Unfollowed(_)
        | Event::FollowAnswered { .. }
        | Event::Answered { .. }
        | Event::Traced { .. } => return None,
    })
}
