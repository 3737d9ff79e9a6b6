//! Peer tables made by hand, for tests of what is shown of them.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use crate::wire::{Name, Octets, PublicKey};

use super::peer::{About, Tier};
use super::{
    Config, Contact, Engine, Event, Identity, Instant, Link, Links, Output, Peer, PeerId, Peers, Socket, Trust,
};

/// An engine on 10.0.0.1/8 that lists whoever a test wants.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) engine: Engine,
    pub(crate) now: Instant,
}

impl Sample {
    pub(crate) fn new() -> Self {
        let name = Name::new("alice").unwrap();
        let identity = Identity { name, display_name: None, status: None, avatar: None, port: 8123 };
        let mut config = Config::default();
        config.limits.older = 1 << 20;
        config.limits.peers = 1 << 20;
        config.limits.probation = 1 << 20;
        let mut engine = Engine::new(identity, config, [7; 32], Instant::BIRTH, Duration::from_secs(1));
        let address = Ipv4Addr::new(10, 0, 0, 1);
        let link = Link { name: "eth0".into(), address, prefix: 8, broadcast: None };
        engine.handle_links(Links { links: vec![link], primary: address, discovery_open: true }, Instant::BIRTH);
        let mut sample = Self { engine, now: Instant::from_nanos(5_000_000_000) };
        drop(sample.events());
        sample
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            match self.engine.poll() {
                Output::Event(event) => events.push(event),
                Output::Wait(_) => return events,
                Output::Transmit(_) | Output::Store(_) | Output::Commit(_) | Output::Data(_) | Output::Reopen => {}
            }
        }
    }

    pub(crate) fn peers(&self) -> Peers {
        self.engine.peers()
    }

    pub(crate) fn get(&self, id: PeerId) -> Peer {
        self.peers().get(id).unwrap()
    }

    /// An older client of this name comes, and stays.
    pub(crate) fn older(&mut self, name: &str, ip: [u8; 4]) -> PeerId {
        let id = self.newcomer(name, ip);
        self.settle(id);
        id
    }

    /// An older client of this name comes and has proved nothing.
    pub(crate) fn newcomer(&mut self, name: &str, ip: [u8; 4]) -> PeerId {
        let ip = Ipv4Addr::from(ip);
        self.now = self.now + Duration::from_millis(1);
        let hello = format!("TYPE:PEER_DISCOVERY\nUSER_ID:{name}@{ip}\nPORT:9000\n\n");
        let from = SocketAddrV4::new(ip, 9000);
        self.engine.handle_datagram(hello.as_bytes(), from, Socket::Discovery, self.now).unwrap();
        let here = self
            .events()
            .into_iter()
            .find_map(|event| if let Event::Here(peer) = event { Some(peer.id()) } else { None });
        here.unwrap()
    }

    /// A signed peer of this name comes, and stays.
    pub(crate) fn signed(&mut self, name: &str, ip: [u8; 4], key: PublicKey, trust: Trust) -> PeerId {
        let id = self.older(name, ip);
        self.engine.peers.update(id, |peer| {
            peer.key = Some(key);
            peer.trust = trust;
            peer.sid = Some(Octets(u64::from(id.0)));
        });
        id
    }

    pub(crate) fn settle(&mut self, id: PeerId) {
        self.engine.peers.update(id, |peer| peer.tier = Tier::Proven);
    }

    pub(crate) fn call(&mut self, id: PeerId, name: &str) {
        let about = About { display_name: Some(name.into()), ..About::NOTHING };
        self.engine.peers.update(id, |peer| peer.about = Some(Arc::new(about)));
    }

    pub(crate) fn block(&mut self, id: PeerId) {
        self.engine.peers.update(id, |peer| peer.blocked = true);
    }

    pub(crate) fn mute(&mut self, id: PeerId) {
        self.engine.peers.update(id, |peer| peer.muted = true);
    }

    pub(crate) fn gone(&mut self, id: PeerId) {
        self.engine.peers.remove(id);
    }
}

/// Somebody known by this key, and no more said.
pub(crate) fn contact(name: &str, number: u64) -> Contact {
    Contact {
        key: key(number),
        name: name.into(),
        display_name: None,
        verified: false,
        changed: false,
        blocked: false,
        muted: false,
        sid: Octets(number),
        seq: 1,
        ceiling: 0,
        prekey: None,
        first: 1_700_000_000,
        last: 1_700_086_400,
        ip: Ipv4Addr::new(10, 0, 0, 9),
    }
}

/// A key whose fingerprint is as good as random.
pub(crate) fn key(number: u64) -> PublicKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    PublicKey(bytes)
}
