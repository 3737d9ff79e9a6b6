//! Somebody with a key and a socket who says what no program of ours says.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use lsnp::crypto::KeyPair;
use lsnp::engine::{
    Arrived, Channel, Command, Config, Crypto, Data, Engine, Identity, Instant, Kept, Keyring, Link, Links, Output,
    Socket,
};
use lsnp::node::Keys;
use lsnp::peer::Peer;
use lsnp::wire::{Envelope, Name, PublicKey, SIGNED_DOMAIN, seal};
use tokio::net::UdpSocket;
use tokio::time::{Instant as Now, timeout, timeout_at};

use super::world::PATIENCE;

/// It speaks the protocol well enough to be let in; what comes after that is up to the test.
pub(crate) struct Attacker {
    pub(crate) engine: Engine,
    pub(crate) arrived: Vec<Arrived>,
    pair: KeyPair,
    socket: UdpSocket,
    victim: SocketAddrV4,
    began: Now,
    sent: u32,
}

impl Attacker {
    /// Somebody whom this peer knows.
    pub(crate) async fn beside(peer: &Peer) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let identity =
            Identity { name: Name::new("mallory").unwrap(), display_name: None, status: None, avatar: None, port };
        let pair = KeyPair::new(&Keys::temporary().unwrap().identity);
        let config = Config { data: true, discovery_port: peer.handle().discovery_port(), ..Config::default() };
        let kept = Kept { leased: 0..1 << 20, ..Kept::default() };
        let crypto = Box::new(KeyPair::new(&pair.secret()));
        let unix = Duration::from_secs(1_728_938_500);
        let engine = Engine::new(identity, config, [7; 32], Instant::BIRTH, unix);
        let engine = engine.with_keys(Keyring { crypto, group: None, kept });
        let victim = SocketAddrV4::new(Ipv4Addr::LOCALHOST, peer.handle().port());
        let mut attacker = Self { engine, arrived: Vec::new(), pair, socket, victim, began: Now::now(), sent: 0 };
        let lo = Link { name: "lo".to_owned(), address: Ipv4Addr::LOCALHOST, prefix: 8, broadcast: None };
        let links = Links { links: vec![lo], primary: Ipv4Addr::LOCALHOST, discovery_open: false };
        attacker.engine.handle_links(links, attacker.now());
        let reach = Command::Reach { to: victim, lasting: false };
        attacker.engine.handle_command(reach, attacker.now()).unwrap();
        let deadline = Now::now() + PATIENCE;
        let met = |attacker: &Self| {
            let knows = peer.find(attacker.key()).is_ok_and(|person| person.shares);
            knows && attacker.engine.data_address(&peer.key()).is_some()
        };
        while !met(&attacker) {
            assert!(Now::now() < deadline, "it is not let in: {:?}", peer.people());
            attacker.listen(Duration::from_millis(20)).await;
        }
        attacker
    }

    pub(crate) fn key(&self) -> PublicKey {
        self.pair.public_key()
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::BIRTH + self.began.elapsed()
    }

    /// Sends what the engine wants sent, and takes what comes in this time.
    pub(crate) async fn listen(&mut self, time: Duration) {
        let end = Now::now() + time;
        let mut buffer = [0; 65_536];
        loop {
            loop {
                match self.engine.poll() {
                    Output::Transmit(transmit) => {
                        for to in transmit.to.iter() {
                            // A full queue loses it, as the air may.
                            let _ = self.socket.send_to(&transmit.payload, to).await;
                        }
                    }
                    Output::Data(Data::Arrived(arrived)) => self.arrived.push(arrived),
                    Output::Wait(_) => break,
                    Output::Event(_) | Output::Store(_) | Output::Commit(_) | Output::Data(_) | Output::Reopen => {}
                }
            }
            match timeout_at(end, self.socket.recv_from(&mut buffer)).await {
                Ok(Ok((length, std::net::SocketAddr::V4(from)))) => {
                    let now = self.now();
                    // Whatever it is.
                    let _ = self.engine.handle_datagram(&buffer[..length], from, Socket::Unicast, now);
                }
                Ok(_) => {}
                Err(_) => {
                    let now = self.now();
                    return self.engine.handle_timeout(now);
                }
            }
        }
    }

    /// Sends these bytes to the victim. Every so often it waits a moment, so that what is sent does arrive.
    pub(crate) async fn throw(&mut self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.victim).await.unwrap();
        self.sent += 1;
        if self.sent.is_multiple_of(32) {
            self.listen(Duration::from_millis(2)).await;
        }
    }

    /// Its own SID, which stands in all that it signs.
    pub(crate) fn sid(&self) -> String {
        self.engine.sid().to_string()
    }

    /// A datagram of these lines, signed by its key.
    pub(crate) fn signed(&mut self, lines: &str) -> Vec<u8> {
        // With the number of something that is never sent.
        let unsent = self.engine.sign_data(Channel::Board, b"{}");
        let seq = Envelope::of(&unsent).unwrap().seq;
        let pair = &self.pair;
        let mut bytes = lines.as_bytes().to_vec();
        let noise = u32::try_from(seq % 60_000).unwrap();
        seal(&mut bytes, &pair.public_key(), seq, noise, |signed| pair.sign(SIGNED_DOMAIN, signed));
        bytes
    }

    /// A DATA with these lines, signed by its key.
    pub(crate) fn data(&mut self, of: &str, lines: &str) -> Vec<u8> {
        let sid = self.sid();
        self.signed(&format!("TYPE:DATA\nOF:{of}\n{lines}SID:{sid}\n\n"))
    }
}

/// The peer does what it is there for.
pub(crate) async fn is_well(peer: &Peer, other: &Peer) {
    let work = async {
        let service = peer.serve("ping", |_, n: u32| async move { Ok::<_, String>(n + 1) }).await.unwrap();
        let call = other.call::<_, u32>(peer.key(), "ping", &41).patience(PATIENCE);
        assert_eq!(call.await.unwrap(), 42);
        drop(service);
        let mut heard = other.subscribe("well").unwrap();
        let told = peer.publish("well", lsnp::peer::Kind::Data, &1).to(other.key()).acknowledged().await.unwrap();
        assert_eq!(told.acknowledged, [other.key()]);
        assert_eq!(heard.next().await.unwrap().from, peer.key());
        peer.board().await.unwrap();
        peer.lists().await.ok();
    };
    timeout(PATIENCE, work).await.expect("it does not answer");
}
