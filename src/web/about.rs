//! Somebody in full, or ourselves.

use std::net::SocketAddrV4;
use std::sync::Arc;

use axum::extract::State;
use qrcode::{Color, EcLevel, QrCode};

use crate::engine::{Link, Me, Person, link_to};
use crate::wire::{LinkTo, PeerLink, PublicKey};

use super::input::{Answer, Asked};
use super::people::People;
use super::refusal::Refusal;
use super::routes::Api;
use super::{AboutObject, PathObject, SCHEMA, WhoQuery, convert};

pub(super) async fn about(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<WhoQuery>,
) -> Result<Answer<AboutObject>, Refusal> {
    let me = api.me().await?;
    let people = People(&api.context.handle);
    let Some(who) = asked.who else { return object(None, me.key, None, own_paths(&me), own_link(&me)).map(Answer) };
    let person = people.person(&who).await?;
    let paths = match &person {
        Person::Here(peer) => peer.paths(),
        Person::Away(_) => Vec::new(),
    };
    let key = person.key();
    let digits = key.zip(me.key).map(|(key, own)| own.digits(&key).to_string());
    let to = key.map_or_else(|| LinkTo::Label(person.id()), LinkTo::Key);
    let link = PeerLink::new(to, Some(person.name().as_str()), for_others(paths.iter().map(|(address, _)| *address)));
    let paths = paths.iter().map(|(address, proven)| path(*address, *proven, &me.links)).collect();
    object(Some(people.object(&person)), key, digits, paths, link).map(Answer)
}

fn object(
    peer: Option<super::PeerObject>,
    key: Option<PublicKey>,
    digits: Option<String>,
    paths: Vec<PathObject>,
    link: Option<PeerLink>,
) -> Result<AboutObject, Refusal> {
    let link = link.ok_or_else(|| Refusal::failed("no link can be made of that id"))?.to_string();
    Ok(AboutObject {
        v: SCHEMA,
        kind: "about".to_owned(),
        peer,
        fingerprint: key.map(|key| key.fingerprint().to_string()),
        digits,
        paths,
        qr: qr(&link)?,
        link,
    })
}

fn path(address: SocketAddrV4, proven: bool, links: &[Link]) -> PathObject {
    let interface = link_to(links, *address.ip()).map(convert::interface);
    PathObject { address: address.to_string(), proven, interface }
}

fn own_addresses(me: &Me) -> impl Iterator<Item = SocketAddrV4> {
    me.links.iter().map(|link| SocketAddrV4::new(link.address, me.port))
}

fn own_paths(me: &Me) -> Vec<PathObject> {
    let mut links: Vec<&Link> = me.links.iter().collect();
    links.sort_by_key(|link| link.address.is_loopback());
    let path = |link: &Link| PathObject {
        address: SocketAddrV4::new(link.address, me.port).to_string(),
        proven: true,
        interface: Some(convert::interface(link)),
    };
    links.into_iter().map(path).collect()
}

fn own_link(me: &Me) -> Option<PeerLink> {
    let to = me.key.map_or_else(|| LinkTo::Label(me.user_id.to_string()), LinkTo::Key);
    let name = me.display_name.as_deref().or_else(|| me.user_id.rsplit_once('@').map(|(name, _)| name));
    PeerLink::new(to, name, for_others(own_addresses(me)))
}

/// Addresses that mean the same on another computer; those of the loopback where there is nothing else.
fn for_others(addresses: impl Iterator<Item = SocketAddrV4>) -> Vec<SocketAddrV4> {
    let (own, others): (Vec<_>, Vec<_>) = addresses.partition(|address| address.ip().is_loopback());
    if others.is_empty() { own } else { others }
}

/// Rows of dark and light.
fn qr(text: &str) -> Result<Vec<String>, Refusal> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L);
    let code = code.map_err(|error| Refusal::failed(format!("no QR code: {error}")))?;
    let digit = |color: &Color| if *color == Color::Dark { '1' } else { '0' };
    Ok(code.to_colors().chunks(code.width().max(1)).map(|row| row.iter().map(digit).collect()).collect())
}
