//! Signed identities by the hundred thousand: nobody established is pushed out, and every table keeps to its cap.

use std::net::{Ipv4Addr, SocketAddrV4};

use lsnp::engine::{Command, Limits, Presence, Socket, Trust, Whom, Word};
use lsnp::sim::{ProgramId, Setup};

use super::run::{Run, millis, secs};
use super::signer::Signer;

const IDENTITIES: u32 = if cfg!(debug_assertions) { 6_000 } else { 100_000 };
const ESTABLISHED: usize = if cfg!(debug_assertions) { 10 } else { 50 };

/// A peer, and so many that it knows well.
fn established(seed: u64, limits: Limits) -> (Run, ProgramId, Vec<ProgramId>) {
    let mut run = Run::new(seed);
    let hosts = run.hosts(ESTABLISHED + 1);
    let mut setup = Setup::named("victim");
    setup.config.limits = limits;
    let victim = run.start(hosts[0], setup);
    let others: Vec<ProgramId> =
        hosts[1..].iter().enumerate().map(|(n, host)| run.peer(*host, &format!("p{n}"))).collect();
    run.run_for(secs(180));
    run.capture = false;
    run.keep_events = false;
    assert!(others.iter().all(|id| run.knows(victim, *id)));
    (run, victim, others)
}

fn address(n: u32) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::from_bits(0x0a00_8001 + n % 0x7000), 8_000 + (n % 1_000) as u16)
}

/// All of them are listed, live, where they were, and kept.
fn assert_unharmed(run: &mut Run, victim: ProgramId, others: &[ProgramId]) {
    let contacts = run.contacts(victim);
    for id in others {
        let row = run.row(victim, *id);
        assert_eq!((row.presence(), row.trust()), (Presence::Live, Trust::Known));
        assert_eq!(row.address(), run.address(*id));
        assert!(contacts.iter().any(|contact| Some(contact.key) == row.key()), "it is kept");
    }
}

#[test]
fn a_hundred_thousand_identities_push_out_nobody() {
    let sources: [&dyn Fn(u32) -> SocketAddrV4; 4] = [
        &|_| address(7),
        &|n| SocketAddrV4::new(*address(7).ip(), 1_024 + (n % 60_000) as u16),
        &|n| address(n % 200),
        &|n| SocketAddrV4::new(*address(n % 200).ip(), 1_024 + (n / 200 % 60_000) as u16),
    ];
    for (kind, source) in sources.iter().enumerate() {
        let (mut run, victim, others) = established(kind as u64, Limits::default());
        for n in 0..IDENTITIES {
            let mut forged = Signer::new(u64::from(n), &format!("f{n}"), source(n));
            let announcement = forged.announces(&[]);
            run.inject(forged.at, victim, Socket::Discovery, &announcement);
            if n % 2_000 == 0 {
                run.dm(victim, "p3", "during the flood");
            }
            if n % 8 == 0 {
                run.run_for(millis(if cfg!(debug_assertions) { 20 } else { 5 }));
            }
        }
        let (limits, counters) = (Limits::default(), run.counters(victim));
        let listed = run.peer_count(victim);
        assert!(listed <= limits.crowd + limits.probation + ESTABLISHED, "{listed} are listed");
        let refused = counters.signature_rate + counters.table_full + counters.source_rate + counters.evicted;
        assert!(refused > 1_000, "{counters:?}");
        assert_unharmed(&mut run, victim, &others);
        assert_eq!(run.contacts(victim).len(), ESTABLISHED, "nobody is kept who never answered");
        run.run_for(secs(400));
        assert_eq!(run.peer_count(victim), ESTABLISHED, "the others are gone");
        assert_unharmed(&mut run, victim, &others);
    }
}

#[test]
fn identities_that_answer_keep_to_the_caps_and_push_out_nobody() {
    let limits = Limits { contacts: ESTABLISHED + 40, settled: ESTABLISHED + 30, ..Limits::default() };
    let (mut run, victim, others) = established(10, limits);
    run.capture = true;
    let mut met = 0;
    for n in 0..if cfg!(debug_assertions) { 300 } else { 2_000 } {
        run.forget_frames();
        // From ten addresses: some answer, and leave, and others come.
        let at = SocketAddrV4::new(*address(n % 10).ip(), 2_000 + (n % 50_000) as u16);
        let mut new = Signer::new(u64::from(n), &format!("f{n}"), at);
        met += u32::from(new.meets(&mut run, victim));
        if n % 3 == 0 {
            let sid = new.sid.clone();
            let bye = new.announces(&[("BYE", &sid)]);
            new.sends(&mut run, victim, &bye);
        }
        let settled = run.peers_of(victim).iter().filter(|peer| peer.is_settled()).count();
        assert!(settled <= ESTABLISHED + 30, "{settled} settled");
        assert!(run.contacts(victim).len() <= ESTABLISHED + 40);
    }
    assert!(met > 100, "{met} were asked");
    assert_unharmed(&mut run, victim, &others);
}

#[test]
fn whom_the_user_judged_is_kept_whoever_comes() {
    let (mut run, a, b) = Run::pair(20);
    run.stop(a);
    run.setup(a).config.limits.contacts = 8;
    run.restart(a);
    run.run_for(secs(5));
    let whom = Whom::Key(run.key_of(b));
    run.command(a, Command::Judge { whom, word: Word::Verify }).unwrap();
    let mut blocked = Signer::new(1, "blocked", address(1));
    assert!(blocked.meets(&mut run, a));
    run.command(a, Command::Judge { whom: Whom::Key(blocked.key()), word: Word::Block }).unwrap();
    run.leave(b);
    for n in 2..40 {
        let mut new = Signer::new(n, &format!("f{n}"), address(n as u32));
        new.meets(&mut run, a);
        let sid = new.sid.clone();
        let bye = new.announces(&[("BYE", &sid)]);
        new.sends(&mut run, a, &bye);
        assert!(run.contacts(a).len() <= 8);
    }
    let kept = run.contacts(a);
    assert_eq!(kept.len(), 8);
    assert!(kept.iter().any(|contact| contact.key == run.key_of(b) && contact.verified));
    assert!(kept.iter().any(|contact| contact.key == blocked.key() && contact.blocked));
    assert_eq!(run.disk(a).contacts().len(), 8, "what was forgotten is off the disk");
    run.restart(a);
    assert_eq!(run.contacts(a).len(), 8);
}

#[test]
fn a_flood_costs_no_message_of_two_who_know_each_other() {
    for own_address in [false, true] {
        let (mut run, a, b) = Run::pair(30);
        run.dm(a, "p1", "a letter");
        run.run_for(secs(1));
        run.dm(b, "p0", "an answer");
        run.run_for(secs(1));
        run.capture = false;
        run.take_events(a);
        let from = |n: u32| if own_address { "10.0.0.2:8000".parse().unwrap() } else { address(n) };
        let seconds = if cfg!(debug_assertions) { 3 } else { 20 };
        let mut sent = 0;
        for tick in 0..seconds * 100_u32 {
            for n in 0..10 {
                // A thousand a second by fresh keys, and as many that nobody signed.
                let number = tick * 10 + n;
                let mut fresh = Signer::new(u64::from(number), &format!("f{number}"), from(number));
                let bytes = fresh.announces(&[]);
                run.inject(fresh.at, a, Socket::Unicast, &bytes);
                run.inject(fresh.at, a, Socket::Discovery, b"TYPE:POST\nUSER_ID:x@10.0.0.9\nCONTENT:junk\n\n");
            }
            if tick % 5 == 0 {
                run.dm(b, "p0", &sent.to_string());
                sent += 1;
            }
            run.run_for(millis(10));
        }
        run.run_for(secs(1));
        let shown = run.shown_of(a, run.key_of(b));
        assert_eq!(shown, (0..sent).map(|n| format!("DM {n}")).collect::<Vec<_>>(), "own address: {own_address}");
        assert!(run.knows(a, b));
    }
}

#[test]
fn signatures_are_checked_at_a_bounded_rate() {
    let (mut run, a, b) = Run::pair(31);
    run.capture = false;
    let key = run.key_of(b);
    // Bad signatures of a known key and of new ones, from everywhere.
    let seconds = 3;
    for n in 0..seconds * 4_000_u32 {
        let mut forged = Signer::new(u64::from(n), &format!("f{n}"), address(n));
        let text = String::from_utf8(forged.announces(&[])).unwrap();
        let own = format!("PK:{}", forged.key());
        let text = text.replace(&own, &format!("PK:{key}")).replace("SEQ:2\n", &format!("SEQ:{}\n", 50_000 + n));
        let wrong = if n % 2 == 0 { text } else { text.replace(&format!("PK:{key}"), &own) };
        run.inject(forged.at, a, Socket::Discovery, wrong.as_bytes());
        if n % 4 == 0 {
            run.run_for(millis(1));
        }
    }
    let counters = run.counters(a);
    let most = u64::from(seconds + 1) * 1_000;
    assert!(counters.bad_signatures <= most, "{counters:?}");
    assert!(counters.signature_rate > 1_000, "{counters:?}");
    run.post(b, "still heard");
    run.run_for(secs(1));
    assert_eq!(run.texts(a).last().unwrap(), "POST still heard");
}

#[test]
fn letters_of_strangers_end_no_session_of_friends() {
    let mut run = Run::new(32);
    let hosts = run.hosts(2);
    let mut setup = Setup::named("p0");
    setup.config.limits.sessions = (setup.config.limits.sessions.0, 64);
    let (a, b) = (run.start(hosts[0], setup), run.peer(hosts[1], "p1"));
    run.run_for(secs(10));
    for (from, to, text) in [(a, "p1", "a letter"), (b, "p0", "an answer"), (a, "p1", "settled")] {
        run.dm(from, to, text);
        run.run_for(millis(50));
    }
    run.take_events(a);
    let prekey = run.disk(a).prekeys()[0].public;
    for n in 0..100 {
        let mut stranger = Signer::new(n, &format!("f{n}"), address(n as u32));
        for letter in 0..5 {
            let text = format!("{n} {letter}");
            let bytes =
                super::letters::letter(&mut stranger, &run, a, (prekey.id, prekey.key), &text.replace(' ', "_"), &text);
            run.inject(stranger.at, a, Socket::Unicast, &bytes);
            run.run_for(millis(20));
        }
    }
    for n in 0..10 {
        run.dm(b, "p0", &format!("number {n}"));
        run.run_for(millis(50));
    }
    assert_eq!(run.shown_of(a, run.key_of(b)), (0..10).map(|n| format!("DM number {n}")).collect::<Vec<_>>());
}
