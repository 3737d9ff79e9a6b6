//! Whatever is signed: at most three times its bytes go to an address that has proved nothing.

use std::net::SocketAddrV4;

use lsnp::engine::{Command, Socket};
use lsnp::sim::{ProgramId, Setup};

use super::forged::{octets, one_of_each};
use super::run::{Run, secs};
use super::signer::{Signer, without_signature};

fn victim() -> SocketAddrV4 {
    "10.0.200.7:8500".parse().unwrap()
}

/// Two peers that have much to tell about themselves.
fn talkative(seed: u64, group: Option<[u8; 32]>) -> (Run, ProgramId, ProgramId) {
    let mut run = Run::new(seed);
    let hosts = run.hosts(2);
    let ids: Vec<ProgramId> = hosts
        .iter()
        .enumerate()
        .map(|(n, host)| {
            let mut setup = Setup::named(&format!("p{n}"));
            setup.identity.display_name = Some("A name of thirty-two characters.".into());
            setup.identity.status = Some("\u{1f600}".repeat(140));
            setup.identity.avatar = Some([&b"\x89PNG\r\n\x1a\n"[..], &[7; 5_000]].concat());
            run.start(*host, if let Some(secret) = group { setup.in_group(secret) } else { setup })
        })
        .collect();
    run.run_for(secs(10));
    run.forget_frames();
    (run, ids[0], ids[1])
}

fn got(run: &Run) -> usize {
    run.frames().iter().filter(|frame| frame.to.ip() == victim().ip()).map(|frame| frame.payload.len()).sum()
}

#[test]
fn signed_datagrams_of_every_type_and_size_are_answered_with_three_times_their_bytes_at_most() {
    let kinds = one_of_each("x@10.0.200.7", "p0@10.0.0.1", &[]).len();
    for socket in [Socket::Unicast, Socket::Discovery] {
        for kind in 0..kinds {
            for (asks, pad) in [(false, 0), (true, 0), (true, 150), (false, 700), (true, 700)] {
                let (mut run, a, _) = talkative(1, None);
                let mut new = Signer::new(1, "x", victim());
                let (ask, sid, pad) = (octets(5), new.sid.clone(), "0".repeat(pad));
                let mut more = vec![("PAD", pad.as_str()), ("SID", sid.as_str())];
                if asks {
                    more.push(("ASK", &ask));
                }
                let bytes = new.sign(one_of_each("x@10.0.200.7", "p0@10.0.0.1", &more)[kind].clone());
                run.inject(victim(), a, socket, &bytes);
                run.run_for(secs(200));
                let what = String::from_utf8_lossy(&bytes).into_owned();
                assert!(got(&run) <= 3 * bytes.len(), "{} bytes for {} on {socket:?}:\n{what}", got(&run), bytes.len());
            }
        }
    }
}

#[test]
fn a_small_datagram_with_many_keys_is_answered_within_its_bytes() {
    for bytes in [
        &b"TYPE:PING\nUSER_ID:x@10.0.200.7\n\n"[..],
        b"TYPE:PEER_DISCOVERY\nUSER_ID:x@1\nSID:AAAAAAAAAAA\n\n",
        b"TYPE:PEER_DISCOVERY\nUSER_ID:x@1\nSID:AAAAAAAAAAA\nASK:AAAAAAAAAAA\n\n",
        b"TYPE:PEER_DISCOVERY\nUSER_ID:x@1\nSID:AAAAAAAAAAA\nASK:AAAAAAAAAAA\nSCAN:1\n\n",
        b"TYPE:PEER_LIST_REQUEST\nFROM:x@1\nSID:AAAAAAAAAAA\n\n",
        b"TYPE:PEER_LIST_REQUEST\nFROM:x@1\n\n",
        b"TYPE:POST\nUSER_ID:x@1\nCONTENT:x\nSID:AAAAAAAAAAA\n\n",
        b"TYPE:FOLLOW\nFROM:x@1\nTO:p0@10.0.0.1\nSID:AAAAAAAAAAA\n\n",
    ] {
        for socket in [Socket::Unicast, Socket::Discovery] {
            let (mut run, a, _) = talkative(2, None);
            run.inject(victim(), a, socket, bytes);
            run.run_for(secs(200));
            assert!(got(&run) <= 3 * bytes.len(), "{} bytes for {bytes:?} on {socket:?}", got(&run));
        }
    }
}

#[test]
fn what_was_recorded_makes_nobody_an_amplifier() {
    let (mut run, a, b) = talkative(3, None);
    run.post(b, "x");
    run.dm(b, "p0", "y");
    run.run_for(secs(60));
    run.restart(b);
    run.run_for(secs(60));
    let said: Vec<_> = run.frames().iter().filter(|frame| frame.from == run.address(b)).cloned().collect();
    for (at, frame) in said.iter().enumerate() {
        for bytes in [frame.payload.to_vec(), without_signature(&frame.payload)] {
            for socket in [Socket::Unicast, Socket::Discovery] {
                // Once for each address, so that nothing is answered for what came before.
                let from = SocketAddrV4::new([10, 0, 210, (at % 250) as u8 + 1].into(), 8_000 + (at / 250) as u16);
                run.forget_frames();
                run.inject(from, a, socket, &bytes);
                run.run_for(secs(70));
                let got: usize = run.frames().iter().filter(|f| f.to == from).map(|f| f.payload.len()).sum();
                let what = String::from_utf8_lossy(&bytes).into_owned();
                assert!(got <= 3 * bytes.len(), "{got} bytes for {} on {socket:?}:\n{what}", bytes.len());
            }
        }
    }
}

#[test]
fn a_flood_of_what_was_recorded_makes_a_probe_a_minute() {
    let (mut run, a, b) = talkative(4, None);
    run.run_for(secs(60));
    let old = run.frames().iter().find(|frame| frame.from == run.address(b)).unwrap().clone();
    run.restart(b);
    run.run_for(secs(60));
    run.forget_frames();
    for _ in 0..1_800 {
        run.deliver(&old, Some(victim()), a);
        run.run_for(secs(1) / 10);
    }
    let probes = run.frames().iter().filter(|frame| frame.to == victim()).count();
    assert!(probes <= 4, "{probes} in three minutes");
}

#[test]
fn a_group_answers_within_the_bytes_of_its_frames() {
    let (mut run, a, b) = talkative(5, Some([1; 32]));
    run.command(b, Command::Announce).unwrap();
    run.post(b, "x");
    run.dm(b, "p0", "y");
    run.run_for(secs(300));
    let said: Vec<_> = run.frames().iter().filter(|frame| frame.from == run.address(b)).cloned().collect();
    assert!(said.len() > 5);
    for (at, frame) in said.iter().enumerate().take(40) {
        let from = SocketAddrV4::new([10, 0, 210, at as u8 + 1].into(), 8_000);
        run.forget_frames();
        run.deliver(frame, Some(from), a);
        run.run_for(secs(100));
        let got: usize = run.frames().iter().filter(|f| f.to == from).map(|f| f.payload.len()).sum();
        assert!(got <= 3 * frame.payload.len(), "{got} bytes for {}", frame.payload.len());
    }
}
