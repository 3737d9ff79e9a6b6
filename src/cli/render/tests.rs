//! Lines for events and replies, with peers that a real engine met.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::*;
use crate::engine::{Command, Config, Engine, Identity, Link, Links, Output, Reply, Socket, Told, Who};
use crate::wire::Name;

const PEOPLE: Render = Render { pipe: false, color: false };
const PIPE: Render = Render { pipe: true, color: false };
const NOW: Instant = Instant::from_nanos(5_000_000_000);

/// Characters that move a cursor, ring a bell, change a title or turn text around.
const HOSTILE: &str = "\x1b]0;own\x07\x1b[2J\u{9b}31m\u{202e}x\u{200b}\t\u{85}\u{2028}";

/// An engine on 10.0.0.1/24 that listens to what others say.
struct Lan {
    engine: Engine,
    now: Instant,
}

impl Lan {
    fn new() -> Self {
        let name = Name::new("alice").unwrap();
        let identity = Identity { name, display_name: None, status: None, avatar: None, port: 8123 };
        let mut engine = Engine::new(identity, Config::default(), [7; 32], Instant::BIRTH, Duration::from_secs(1));
        let link = |name: &str, address, prefix| Link { name: name.into(), address, prefix, broadcast: None };
        let wlan = link("wlan0", Ipv4Addr::new(10, 0, 0, 1), 24);
        let lo = link("lo", Ipv4Addr::LOCALHOST, 8);
        let links = Links { links: vec![lo, wlan.clone()], primary: wlan.address, discovery_open: true };
        engine.handle_links(links, Instant::BIRTH);
        let mut lan = Self { engine, now: NOW };
        drop(lan.events());
        lan
    }

    /// Somebody at 10.0.0.`host` says this; what comes of it.
    fn hears(&mut self, host: u8, lines: &str) -> Vec<Event> {
        let from = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, host), 9000);
        let datagram = format!("{lines}\n\n");
        self.engine.handle_datagram(datagram.as_bytes(), from, Socket::Discovery, self.now).unwrap();
        self.events()
    }

    /// Time passes, with all that is due.
    fn passes(&mut self, until: Instant) {
        loop {
            match self.engine.poll() {
                Output::Wait(at) if at > until => break,
                Output::Wait(at) => {
                    self.now = self.now.max(at);
                    self.engine.handle_timeout(self.now);
                }
                Output::Event(_)
                | Output::Transmit(_)
                | Output::Store(_)
                | Output::Commit(_)
                | Output::Data(_)
                | Output::Reopen => {}
            }
        }
        self.now = until;
    }

    fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            match self.engine.poll() {
                Output::Event(event) => events.push(event),
                Output::Wait(_) => return events,
                Output::Transmit(_) | Output::Store(_) | Output::Commit(_) | Output::Data(_) | Output::Reopen => {}
            }
        }
    }

    fn meets(&mut self, name: &str, host: u8) -> Vec<Event> {
        self.hears(host, &format!("TYPE:PEER_DISCOVERY\nUSER_ID:{name}@10.0.0.{host}\nPORT:9000"))
    }

    fn me(&mut self) -> Me {
        match self.engine.handle_command(Command::WhoAmI, NOW).unwrap() {
            Reply::Me(me) => me,
            other @ (Reply::Done
            | Reply::Posted { .. }
            | Reply::Sent { .. }
            | Reply::Waiting { .. }
            | Reply::Contacts(_)
            | Reply::Stats(_)
            | Reply::Tables(_)) => panic!("{other:?}"),
        }
    }

    fn names(&self) -> Names {
        Names::of(self.engine.peers())
    }

    fn shown(&self, render: Render, events: &[Event]) -> Vec<String> {
        let names = self.names();
        let lines = events.iter().flat_map(|event| render.event(event, &names, NOW, "12:00:00"));
        lines.map(|line| line.as_str().to_owned()).collect()
    }
}

fn text(lines: &[Shown]) -> Vec<&str> {
    lines.iter().map(Shown::as_str).collect()
}

#[test]
fn the_greeting_names_id_port_and_interfaces() {
    let me = Lan::new().me();
    let line = "You are alice@10.0.0.1 (port 8123; wlan0, this computer). HELP lists commands.";
    assert_eq!(PEOPLE.greeting(&me).as_str(), line);
    assert_eq!(PIPE.greeting(&me).as_str(), format!("INFO\t\t\t{line}"));
}

#[test]
fn an_empty_list_says_what_to_do() {
    let me = lan_announced_at(Instant::from_nanos(1_000_000_000));
    let names = Lan::new().names();
    let line = "Nobody yet; announced 4 s ago. Start `peer` on another machine, or try: peer doctor";
    assert_eq!(text(&PEOPLE.list(&[], &names, &me, NOW, false)), [line]);
    assert_eq!(text(&PIPE.list(&[], &names, &me, NOW, false)), [format!("INFO\t\t\t{line}")]);
}

fn lan_announced_at(at: Instant) -> Me {
    Me { announced: Some(at), ..Lan::new().me() }
}

#[test]
fn who_comes_posts_and_writes_gets_one_line_each() {
    let mut lan = Lan::new();
    let mut events = lan.meets("bob", 2);
    events.extend(lan.hears(2, "TYPE:POST\nUSER_ID:bob@10.0.0.2\nCONTENT:hi all\nTIMESTAMP:1\nMESSAGE_ID:01"));
    let dm = "TYPE:DM\nFROM:bob@10.0.0.2\nTO:alice@10.0.0.1\nCONTENT:hi: you\nTIMESTAMP:1\nMESSAGE_ID:02";
    events.extend(lan.hears(2, dm));
    assert_eq!(
        lan.shown(PEOPLE, &events),
        [
            "bob is here (10.0.0.2, older client)",
            "bob (unverified): hi all",
            "bob (unverified) to you, not private: hi: you"
        ]
    );
    assert_eq!(
        lan.shown(PIPE, &events),
        [
            "HERE\tbob@10.0.0.2\tbob\t10.0.0.2:9000, older client",
            "POST\tbob@10.0.0.2\tbob (unverified)\thi all",
            "DM\tbob@10.0.0.2\tbob (unverified)\thi: you"
        ]
    );
}

#[test]
fn the_list_is_aligned_also_with_wide_names() {
    let mut lan = Lan::new();
    lan.meets("bob", 2);
    lan.meets("日本語", 3);
    let me = lan.me();
    let peers = lan.engine.peers().snapshot();
    assert_eq!(
        text(&PEOPLE.list(&peers, &lan.names(), &me, NOW + Duration::from_secs(3), false)),
        [
            "NAME    ID               ADDRESS        STATE  HEARD",
            "bob     bob@10.0.0.2     10.0.0.2:9000  live     3 s  unverified, older client",
            "日本語  日本語@10.0.0.3  10.0.0.3:9000  live     3 s  unverified, older client",
        ]
    );
    assert_eq!(
        text(&PIPE.list(&peers[..1], &lan.names(), &me, NOW, false)),
        ["PEER\tbob@10.0.0.2\tbob\t10.0.0.2:9000 live 0 s [unverified, older client]"]
    );
}

#[test]
fn a_name_that_two_share_stands_with_its_id_and_is_never_guessed() {
    let mut lan = Lan::new();
    lan.meets("bob", 2);
    let events = lan.meets("bob", 3);
    assert_eq!(lan.shown(PEOPLE, &events), ["bob (bob@10.0.0.3) is here (10.0.0.3, older client)"]);
    let (who, _) = Who::split("bob").unwrap();
    let error = who.resolve(&lan.engine.peers()).unwrap_err();
    assert_eq!(
        PEOPLE.who("bob", &error, &lan.names()).as_str(),
        "bob can be bob@10.0.0.2 (10.0.0.2:9000), bob@10.0.0.3 (10.0.0.3:9000). Write one of these, or the address \
         with its port"
    );
}

#[test]
fn what_was_sent_is_told_with_whom_and_how() {
    let mut lan = Lan::new();
    lan.meets("bob", 2);
    lan.meets("charlie", 3);
    let peers = lan.engine.peers();
    let (all, names) = (peers.snapshot(), lan.names());
    assert_eq!(PEOPLE.posted(&all, &[], &names).as_str(), "Posted to 2: bob, charlie");
    assert_eq!(PEOPLE.posted(&[], &[], &names).as_str(), "Nobody is here yet: who comes later gets it");
    assert_eq!(PIPE.posted(&[], &[], &names).as_str(), "SENT\t\t\tNobody is here yet: who comes later gets it");
    assert_eq!(PEOPLE.sent(&all[0], "hi", false, &names, NOW).as_str(), "To bob, not private (older client): hi");
    lan.passes(NOW + Duration::from_secs(60));
    for host in 3..6 {
        lan.meets("charlie", host);
    }
    lan.passes(NOW + Duration::from_secs(80));
    let quiet = peers.get(all[0].id()).unwrap();
    assert_eq!(
        PEOPLE.sent(&quiet, "hi", false, &names, NOW + Duration::from_secs(80)).as_str(),
        "To bob (quiet, unheard for 80 s), not private (older client): hi"
    );
}

#[test]
fn nothing_hostile_reaches_the_screen() {
    let mut lan = Lan::new();
    let mut events = lan.meets("eve", 2);
    let profile = format!("TYPE:PROFILE\nUSER_ID:eve@10.0.0.2\nDISPLAY_NAME:E{HOSTILE}\nSTATUS:S{HOSTILE}");
    events.extend(lan.hears(2, &profile));
    let post = format!("TYPE:POST\nUSER_ID:eve@10.0.0.2\nCONTENT:P{HOSTILE}\nTIMESTAMP:1\nMESSAGE_ID:03");
    events.extend(lan.hears(2, &post));
    events.push(Event::PeerList {
        from: lan.engine.peers().snapshot()[0].clone(),
        ids: vec![Untrusted::new(HOSTILE), Untrusted::new("ok@1.2.3.4")],
    });
    assert!(events.iter().any(|event| matches!(event, Event::Profile(_))), "{events:?}");
    assert!(events.iter().any(|event| matches!(event, Event::Post { .. })), "{events:?}");
    let me = lan.me();
    let peers = lan.engine.peers().snapshot();
    for render in [PEOPLE, PIPE] {
        let mut lines = lan.shown(render, &events);
        lines.extend(render.list(&peers, &lan.names(), &me, NOW, false).iter().map(|line| line.as_str().to_owned()));
        for line in lines {
            let columns = if render.pipe { 3 } else { 0 };
            assert_eq!(line.matches('\t').count(), columns, "{line:?}");
            assert!(
                line.chars().all(|c| c == '\t' || Safe::line(&c.to_string()).as_str() == c.to_string()),
                "{line:?}"
            );
        }
    }
}

#[test]
fn text_of_several_lines_is_set_in_for_people_and_one_line_on_a_pipe() {
    let mut lan = Lan::new();
    lan.meets("bob", 2);
    let from = lan.engine.peers().snapshot()[0].clone();
    let events = [Event::Post { from, text: Untrusted::new("one\nalice: two\r\nthree"), told: Told::default() }];
    assert_eq!(lan.shown(PEOPLE, &events), ["bob (unverified): one", "    alice: two", "    three"]);
    assert_eq!(lan.shown(PIPE, &events), ["POST\tbob@10.0.0.2\tbob (unverified)\tone alice: two three"]);
}

#[test]
fn the_hint_names_the_likely_cause() {
    let me = Lan::new().me();
    let after = Duration::from_secs(10);
    assert!(hint(&me, after, None).contains("firewall"));
    let closed = Me { discovery_open: false, ..me.clone() };
    assert!(hint(&closed, after, Some("Port 50999 is held by skype.")).contains("held by skype"));
    let alone = Me { links: me.links.iter().filter(|link| link.name == "lo").cloned().collect(), ..me };
    assert!(hint(&alone, after, None).contains("No network"));
}

#[test]
fn many_names_are_counted() {
    let list = (0..20).map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(some(list.into_iter()), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 8 more");
    assert_eq!([grouped(5), grouped(20_480), grouped(1_234_567)], ["5", "20,480", "1,234,567"]);
}
