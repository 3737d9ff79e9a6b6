//! Random operations against a small reference model.
//!
//! The model knows who runs, who can hear whom, and what was said. After every operation the invariants that hold at
//! any time are checked; after a calm while at the end, those that hold in the long run.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use lsnp::engine::{Command, Event, Socket, Whom};
use lsnp::sim::{Air, HostId, OlderKind, ProgramId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::forged::{datagram, octets};
use super::run::{Run, millis, secs};
use super::signer::Signer;

const SEEDS: u64 = if cfg!(debug_assertions) { 6 } else { 30 };

struct Model {
    run: Run,
    rng: StdRng,
    hosts: Vec<HostId>,
    peers: Vec<ProgramId>,
    running: Vec<bool>,
    /// Texts sent, with the receiver of a DM and the number of starts so far of the receivers.
    said: BTreeMap<String, Option<usize>>,
    /// Texts that each peer showed in earlier runs of it.
    shown: Vec<Vec<String>>,
    log: Vec<String>,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut run = Run::new(seed);
        let mut hosts = run.hosts(6);
        hosts.push(run.host(&["10.0.50.1/16", "192.168.9.1/24"]));
        hosts.push(run.host(&["10.0.50.2/16", "192.168.9.2/24"]));
        let mut peers: Vec<ProgramId> = hosts.iter().enumerate().map(|(n, h)| run.peer(*h, &format!("p{n}"))).collect();
        peers.push(run.peer(hosts[0], "p8"));
        let old = run.host(&["10.0.60.1/16"]);
        run.older(old, OlderKind::Reference, "old");
        let (running, shown) = (vec![true; peers.len()], vec![Vec::new(); peers.len()]);
        Self {
            run,
            rng: StdRng::seed_from_u64(seed ^ 0xabcd),
            hosts,
            peers,
            running,
            said: BTreeMap::new(),
            shown,
            log: Vec::new(),
        }
    }

    fn pick(&mut self, count: usize) -> usize {
        self.rng.next_u32() as usize % count
    }

    fn step(&mut self, number: usize) {
        let at = self.pick(self.peers.len());
        let peer = self.peers[at];
        let what = self.pick(17);
        self.log.push(format!("{:?}: {what} at p{at}", self.run.now()));
        match what {
            0 | 1 if self.running[at] => {
                let text = format!("post {number}");
                self.said.insert(format!("POST {text}"), None);
                // Too fast for an older client is a fine answer.
                let _ = self.run.command(peer, Command::Post { text });
            }
            2 | 3 if self.running[at] => {
                let other = self.pick(self.peers.len());
                let found = self.run.peers_of(peer).into_iter().find(|p| p.raw_name() == format!("p{other}"));
                if let Some(found) = found {
                    let text = format!("dm {number}");
                    self.said.insert(format!("DM {text}"), Some(other));
                    let _ = self.run.command(peer, Command::Dm { to: Whom::Peer(found.id()), text });
                }
            }
            4 if self.running[at] => {
                self.run.leave(peer);
                self.running[at] = false;
            }
            5 => {
                let texts = self.run.texts(peer);
                self.shown[at].extend(texts);
                self.run.take_events(peer);
                self.run.restart(peer);
                self.running[at] = true;
            }
            6 if self.running[at] => {
                let time = secs(u64::from(self.rng.next_u32() % 400));
                self.run.sleep(peer, time);
            }
            7 => {
                let host = self.hosts[self.rng.next_u32() as usize % self.hosts.len()];
                self.run.cut(host);
            }
            8 => self.hosts.clone().into_iter().for_each(|host| self.run.restore(host)),
            9 => {
                let split = self.pick(self.hosts.len());
                let cell = self.pick(2);
                let hosts = self.hosts[..split].to_vec();
                self.run.wall_off(&hosts, cell);
            }
            10 => {
                let loss = f64::from(self.rng.next_u32() % 60) / 100.0;
                self.run.air = Air { loss, jitter: millis(40), duplicate: 0.2, corrupt: 0.02, ..Air::default() };
            }
            11 => self.forge(peer),
            12 if self.running[at] => {
                let name = format!("Name {number}");
                let _ = self.run.command(peer, Command::Profile { display_name: Some(name), status: None });
            }
            13 => self.send_again(at),
            14 => self.run.kill_in(peer, number as u32 % 30),
            15 => self.impersonate(at),
            _ => self.run.air = Air::default(),
        }
        let time = millis(u64::from(self.rng.next_u32() % 20_000));
        self.run.run_for(time);
    }

    /// Somebody forges what they can.
    fn forge(&mut self, to: ProgramId) {
        let from: SocketAddrV4 = format!("10.0.70.{}:8000", self.pick(5) + 1).parse().unwrap();
        for _ in 0..20 {
            let user = format!("p{}@10.0.0.{}", self.pick(9), self.pick(9) + 1);
            let sid = octets(u64::from(self.rng.next_u32() % 4));
            let kind = ["PEER_DISCOVERY", "PROFILE", "POST", "PING", "REVOKE", "FOLLOW"][self.pick(6)];
            let mut fields = vec![("USER_ID", user.as_str()), ("FROM", &user), ("TO", &user), ("CONTENT", "forged")];
            fields.extend([("PORT", "8000"), ("SID", sid.as_str()), ("ANS", sid.as_str()), ("BYE", sid.as_str())]);
            let keep = self.pick(4);
            fields.truncate(5 + keep);
            let socket = if self.pick(2) == 0 { Socket::Unicast } else { Socket::Discovery };
            self.run.inject(from, to, socket, &datagram(kind, &fields));
        }
    }

    /// Somebody sends again what they recorded.
    fn send_again(&mut self, at: usize) {
        let frames = self.run.frames().len();
        for _ in 0..100.min(frames) {
            let frame = self.run.frames()[self.rng.next_u32() as usize % frames].clone();
            // What older clients get is signed by nobody, so for others it is somebody else's.
            if frame.value("SID").is_none() {
                continue;
            }
            let from = (self.pick(2) == 0).then(|| "10.0.70.9:8000".parse().unwrap());
            self.run.deliver(&frame, from, self.peers[at]);
        }
    }

    /// Somebody with a key of their own takes the name of another.
    fn impersonate(&mut self, at: usize) {
        let (name, number) = (format!("p{}", self.pick(9)), u64::from(self.rng.next_u32() % 20));
        let at_address = format!("10.0.70.{}:8000", number + 1).parse().unwrap();
        let mut thief = Signer::new(number, &name, at_address);
        thief.seq = self.run.now().as_nanos();
        if self.running[at] {
            thief.meets(&mut self.run, self.peers[at]);
        }
        let said = thief.posts("forged");
        thief.sends(&mut self.run, self.peers[at], &said);
    }

    /// What holds at any time.
    fn check(&self) {
        for (at, peer) in self.peers.iter().enumerate() {
            let mut listed: BTreeMap<_, bool> = BTreeMap::new();
            let mut shown: BTreeMap<String, usize> = BTreeMap::new();
            for text in &self.shown[at] {
                *shown.entry(text.clone()).or_default() += 1;
            }
            for (_, event) in self.run.events(*peer) {
                match event {
                    Event::Here(p) => {
                        assert_eq!(listed.insert(p.id(), true), None, "p{at}: here twice: {p:?}");
                    }
                    Event::Left(p) | Event::Gone(p) => {
                        assert_eq!(listed.insert(p.id(), false), Some(true), "p{at}: gone, not here: {p:?}");
                    }
                    Event::Quiet(p) | Event::Back(p) | Event::Profile(p) => {
                        assert_eq!(listed.get(&p.id()), Some(&true), "p{at}: not here: {p:?}");
                    }
                    Event::Post { text, .. } => *shown.entry(format!("POST {}", text.raw())).or_default() += 1,
                    Event::Dm { text, .. } => *shown.entry(format!("DM {}", text.raw())).or_default() += 1,
                    _ => {}
                }
            }
            for (text, times) in shown.iter().filter(|(text, _)| !text.contains("forged")) {
                assert_eq!(*times, 1, "p{at} showed {text:?} {times} times");
                if let Some(Some(to)) = self.said.get(text) {
                    assert_eq!(*to, at, "p{at} showed {text:?}, which is for p{to}");
                }
            }
        }
    }

    /// What holds in the long run, when all is well again.
    fn settle(&mut self) {
        self.run.air = Air::default();
        for host in self.hosts.clone() {
            self.run.restore(host);
            self.run.wall_off(&[host], 0);
        }
        for peer in self.peers.clone() {
            self.run.kill_in(peer, u32::MAX);
        }
        self.run.run_for(secs(1_100));
        self.check();
        let running: Vec<ProgramId> = self.peers.iter().copied().filter(|id| self.run.is_running(*id)).collect();
        for one in &running {
            for other in running.iter().filter(|other| *other != one) {
                assert!(self.run.knows(*one, *other), "{one:?} does not know {other:?}: {:?}", self.run.peers_of(*one));
            }
            let rows = self.run.peer_count(*one);
            assert_eq!(rows, running.len(), "the others and the older client: {:?}", self.run.peers_of(*one));
        }
    }
}

#[test]
fn random_operations_keep_the_invariants() {
    for seed in 0..super::run::seeds(SEEDS) {
        let mut model = Model::new(seed);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for number in 0..60 {
                model.step(number);
                // A restart begins a new life with new numbers: the events of the old one are looked at before it.
                model.check();
            }
            model.settle();
        }));
        if let Err(panic) = result {
            eprintln!("seed {seed}: {:#?}", model.log);
            std::panic::resume_unwind(panic);
        }
    }
}
