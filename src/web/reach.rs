//! Looking for somebody: by link, by address, and by asking whether it is there.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::timeout;

use crate::engine::{Command, Event, Instant, Me, Peer, Person};
use crate::node::{Handle, LookUpError};
use crate::wire::{LinkTo, PeerLink, PublicKey, Safe};

use super::input::{Answer, Input};
use super::people::People;
use super::refusal::Refusal;
use super::routes::Api;
use super::{PeerObject, ProbeRequest, ReachRequest, ReachedObject, SCHEMA, convert};

/// Somebody who is there answers within this time.
const SEARCH: Duration = Duration::from_secs(3);

/// So does who is asked once.
const ECHO: Duration = Duration::from_secs(2);

pub(super) async fn reach(
    State(api): State<Arc<Api>>,
    Input(asked): Input<ReachRequest>,
) -> Result<Answer<ReachedObject>, Refusal> {
    let me = api.me().await?;
    let handle = &api.context.handle;
    let found = if PeerLink::is_meant(&asked.to) {
        let link = PeerLink::parse(&asked.to).map_err(|error| Refusal::usage(error.to_string()))?;
        by_link(handle, &me, &link).await?
    } else {
        by_address(handle, &me, asked.to.trim()).await?
    };
    let people = People(handle);
    Ok(Answer(ReachedObject {
        v: SCHEMA,
        kind: "reached".to_owned(),
        peer: found.person.map(|person| people.object(&person)),
        others: found.others.iter().map(|peer| convert::peer(peer, handle.now(), &me.links)).collect(),
        tried: found.tried.iter().map(SocketAddrV4::to_string).collect(),
    }))
}

/// What was found.
#[derive(Debug)]
struct Found {
    person: Option<Person>,
    /// Who answers at the addresses instead.
    others: Vec<Peer>,
    tried: Vec<SocketAddrV4>,
}

async fn by_link(handle: &Handle, me: &Me, link: &PeerLink) -> Result<Found, Refusal> {
    for address in link.addresses() {
        possible(me, *address)?;
    }
    let tried: Vec<SocketAddrV4> = link.addresses().iter().copied().filter(|at| !is_own(me, *at)).collect();
    match link.to() {
        LinkTo::Key(key) if me.key == Some(*key) => Err(Refusal::usage("that link leads to you")),
        LinkTo::Label(label) if me.key.is_none() && **label == *me.user_id => {
            Err(Refusal::usage("that link leads to you"))
        }
        LinkTo::Key(key) => by_key(handle, *key, tried).await,
        LinkTo::Label(label) => by_label(handle, label, tried).await,
    }
}

async fn by_key(handle: &Handle, key: PublicKey, tried: Vec<SocketAddrV4>) -> Result<Found, Refusal> {
    match People(handle).keyed(key).await? {
        Some(person @ Person::Here(_)) => Ok(Found { person: Some(person), others: Vec::new(), tried: Vec::new() }),
        Some(person @ Person::Away(_)) => {
            for to in &tried {
                handle.command(Command::Reach { to: *to, lasting: true }).await?;
            }
            Ok(Found { person: Some(person), others: Vec::new(), tried })
        }
        None => search(handle, tried, |peer| peer.key() == Some(key)).await,
    }
}

/// Somebody without a key; whoever has that id by now is as good.
async fn by_label(handle: &Handle, label: &str, tried: Vec<SocketAddrV4>) -> Result<Found, Refusal> {
    let mut here = handle.peers().snapshot();
    here.retain(|peer| peer.raw_id() == label);
    if here.len() > 1 {
        let near: Vec<Peer> = here.iter().filter(|peer| is_at(peer, &tried)).cloned().collect();
        here = if near.is_empty() { here } else { near };
    }
    if here.is_empty() {
        return search(handle, tried, |peer| peer.raw_id() == label).await;
    }
    let person = only(handle, here)?;
    Ok(Found { person: Some(Person::Here(person)), others: Vec::new(), tried: Vec::new() })
}

async fn by_address(handle: &Handle, me: &Me, text: &str) -> Result<Found, Refusal> {
    let looked_up = timeout(SEARCH, handle.look_up(text)).await;
    let to = match looked_up.unwrap_or_else(|_| Err(LookUpError::NoAddress("no name server answers".to_owned()))) {
        Ok(to) => to,
        Err(error @ LookUpError::NoHost(_)) => return Err(Refusal::usage(error.to_string())),
        Err(error @ LookUpError::NoAddress(_)) => {
            return Err(Refusal::nobody(format!("no address of {} was found: {error}", Safe::fitted(text, 60))));
        }
    };
    possible(me, to)?;
    if is_own(me, to) {
        return Err(Refusal::usage("that is your own address"));
    }
    // At the port that all listen on, it is whoever answers from there.
    let any_port = to.port() == handle.discovery_port();
    let wanted = |peer: &Peer| {
        peer.paths().iter().any(|(at, _)| *at == to || (any_port && at.ip() == to.ip() && peer.is_lasting()))
    };
    let found = search(handle, vec![to], wanted).await?;
    let here = handle.peers().snapshot().into_iter().filter(wanted).collect::<Vec<Peer>>();
    if here.len() > 1 {
        return only(handle, here).map(|_| found);
    }
    Ok(Found { others: Vec::new(), ..found })
}

/// The only one.
fn only(handle: &Handle, mut peers: Vec<Peer>) -> Result<Peer, Refusal> {
    match (peers.pop(), peers.is_empty()) {
        (Some(peer), true) => Ok(peer),
        (last, _) => {
            peers.extend(last);
            let people = People(handle);
            let candidates = peers.into_iter().map(|peer| people.object(&Person::Here(peer))).collect();
            Err(Refusal::ambiguous("it can be several: say which one", candidates))
        }
    }
}

/// Refuses an address that is none of one host.
fn possible(me: &Me, to: SocketAddrV4) -> Result<(), Refusal> {
    let all = me.links.iter().any(|link| link.broadcast == Some(*to.ip()));
    if all { Err(Refusal::usage(format!("{} is not the address of one host", to.ip()))) } else { Ok(()) }
}

fn is_own(me: &Me, at: SocketAddrV4) -> bool {
    at.port() == me.port && (at.ip().is_loopback() || me.links.iter().any(|link| link.address == *at.ip()))
}

fn is_at(peer: &Peer, addresses: &[SocketAddrV4]) -> bool {
    peer.paths().iter().any(|(at, _)| addresses.contains(at))
}

/// Tries these addresses, now and at every beat from now on, and waits until somebody is there who is wanted, or until
/// others answer at all of them.
async fn search(handle: &Handle, tried: Vec<SocketAddrV4>, wanted: impl Fn(&Peer) -> bool) -> Result<Found, Refusal> {
    // Before anything is sent, so that no answer is missed.
    let mut events = handle.events();
    let began = handle.now();
    for to in &tried {
        handle.command(Command::Reach { to: *to, lasting: true }).await?;
    }
    let look = || handle.peers().snapshot().into_iter().find(&wanted);
    let mut person = look();
    if person.is_none() && !tried.is_empty() {
        let listened = timeout(SEARCH, listen(&mut events, &tried, &wanted, look)).await;
        // What an event does not tell is seen in the end.
        person = listened.unwrap_or_default().or_else(look);
    }
    let others = if person.is_some() { Vec::new() } else { others(handle, &tried, began) };
    Ok(Found { person: person.map(Person::Here), others, tried })
}

/// Waits for somebody who is wanted; ends with nobody when others have come at all of these addresses.
async fn listen(
    events: &mut broadcast::Receiver<Event>,
    tried: &[SocketAddrV4],
    wanted: impl Fn(&Peer) -> bool,
    look: impl Fn() -> Option<Peer>,
) -> Option<Peer> {
    let mut open = tried.to_vec();
    while !open.is_empty() {
        let peer = match events.recv().await {
            Ok(Event::Here(peer) | Event::Back(peer) | Event::Profile(peer) | Event::KeyChanged { peer, .. }) => peer,
            Ok(_) => continue,
            Err(RecvError::Lagged(_)) => match look() {
                Some(peer) => peer,
                None => continue,
            },
            Err(RecvError::Closed) => return None,
        };
        if wanted(&peer) {
            return Some(peer);
        }
        open.retain(|at| !is_at(&peer, &[*at]));
    }
    None
}

/// Who has been heard at these addresses since then.
fn others(handle: &Handle, tried: &[SocketAddrV4], since: Instant) -> Vec<Peer> {
    let mut peers = handle.peers().snapshot();
    peers.retain(|peer| peer.heard() >= since && is_at(peer, tried));
    peers
}

pub(super) async fn probe(
    State(api): State<Arc<Api>>,
    Input(asked): Input<ProbeRequest>,
) -> Result<Answer<PeerObject>, Refusal> {
    let handle = &api.context.handle;
    let Person::Here(peer) = People(handle).person(&asked.who).await? else {
        return Err(Refusal::nobody("that one is not here"));
    };
    let mut events = handle.events();
    handle.command(Command::Probe(peer.id())).await?;
    let unanswered = |why: &str| Refusal::new(StatusCode::GATEWAY_TIMEOUT, "no-answer", why);
    if peer.is_older() {
        return Err(unanswered("that one is an older client: it answers when it likes"));
    }
    let answered = async {
        loop {
            match events.recv().await {
                Ok(Event::Answered { peer: by, round_trip }) if by.id() == peer.id() => return Ok((by, round_trip)),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Err(unanswered("the peer has ended")),
            }
        }
    };
    let late = |_| unanswered("nothing came back within 2 s");
    let (by, round_trip) = timeout(ECHO, answered).await.map_err(late)??;
    let micros = u64::try_from(round_trip.as_micros()).ok();
    Ok(Answer(PeerObject { round_trip_us: micros, ..convert::peer(&by, handle.now(), &handle.links()) }))
}
