//! What others may throw at a peer, from a real socket, while its programs go on.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use lsnp::crypto::KeyPair;
use lsnp::engine::{Channel, Crypto, To};
use lsnp::node::Keys;
use lsnp::peer::Kind;
use lsnp::wire::{Carry, SIGNED_DOMAIN, seal};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use super::attacker::{Attacker, is_well};
use super::world::{next, two};

const OF: [&str; 4] = ["list", "cache", "board", "message"];

#[tokio::test]
async fn what_is_forged_garbled_or_replayed_is_told_to_nobody() {
    let [alice, bob] = two().await;
    let mut mallory = Attacker::beside(&alice).await;
    let mut heard = alice.subscribe("#").unwrap();
    let body = |text: &str| mallory_body("a/b", text);

    // That it gets through when it is right.
    let fields = capture(&mut mallory, &body("first"));
    mallory.throw(&fields).await;
    assert_eq!(next(&mut heard, "a right one", Some).await.from, mallory.key());

    // Replayed, also by somebody who passes it on.
    let sid = mallory.engine.sid();
    let mut carried = Vec::new();
    Carry { sid, age: 0, to: None, inner: &fields }.encode(&mut carried);
    for _ in 0..100 {
        mallory.throw(&fields).await;
        mallory.throw(&carried).await;
    }
    // With each byte changed; cut; longer.
    let right = mallory.data("message", &format!("BODY:{}\n", body("second")));
    for at in 0..right.len() {
        let mut wrong = right.clone();
        wrong[at] ^= 1;
        mallory.throw(&wrong).await;
    }
    for length in (0..right.len()).step_by(7) {
        mallory.throw(&right[..length]).await;
    }
    mallory.throw(&[&right[..], b"X:1\n\n"].concat()).await;
    // Without a signature, and with that of another datagram.
    let text = String::from_utf8(right.clone()).unwrap();
    let unsigned = text.lines().filter(|line| !line.starts_with("SIG:") && !line.starts_with("PK:"));
    mallory.throw(format!("{}\n", unsigned.collect::<Vec<_>>().join("\n")).as_bytes()).await;
    mallory.throw(text.replace("second", "fourth").as_bytes()).await;
    // Of alice herself, and of bob, by mallory.
    for key in [alice.key(), bob.key()] {
        mallory.throw(text.replace(&mallory.key().to_string(), &key.to_string()).as_bytes()).await;
    }
    // Somebody whom nobody met.
    let stranger = KeyPair::new(&Keys::temporary().unwrap().identity);
    let mut foreign = format!("TYPE:DATA\nOF:message\nBODY:{}\nSID:{}\n\n", body("fifth"), mallory.sid()).into_bytes();
    seal(&mut foreign, &stranger.public_key(), 9, 9, |signed| stranger.sign(SIGNED_DOMAIN, signed));
    mallory.throw(&foreign).await;

    // The next that alice hears is the next that is right.
    let last = mallory.data("message", &format!("BODY:{}\n", body("last")));
    mallory.throw(&last).await;
    let message = next(&mut heard, "the last", Some).await;
    assert_eq!((message.from, message.json::<String>().unwrap().as_str()), (mallory.key(), "last"));
    is_well(&alice, &bob).await;
}

#[tokio::test]
async fn signed_nonsense_for_every_part_breaks_nothing() {
    let [alice, bob] = two().await;
    alice.tell_progress("ali", "lesson", "started").await.unwrap();
    let mut mallory = Attacker::beside(&alice).await;
    let mut rng = StdRng::seed_from_u64(6);
    for round in 0..600_u32 {
        let of = OF[round as usize % OF.len()];
        let lines = match round % 9 {
            // Random bytes; beginnings of MessagePack that promise too much; deep JSON; what is twice, and missing.
            0 | 1 => {
                let mut bytes = vec![0; rng.random_range(0..500)];
                rng.fill_bytes(&mut bytes);
                format!("BODY64:{}\n", BASE64URL_NOPAD.encode(&bytes))
            }
            2 => {
                let bytes =
                    [&[0xdd, 0xff, 0xff, 0xff, 0xff][..], &[0xdf, 0x7f, 0xff, 0xff, 0xff], &[0xc6; 40]].concat();
                format!("BODY64:{}\n", BASE64URL_NOPAD.encode(&bytes))
            }
            3 => format!("BODY64:{}\n", BASE64URL_NOPAD.encode(&[0x91; 500])),
            4 => format!("BODY:{}\n", "[".repeat(600)),
            5 => format!(
                "BODY:{}\n",
                r#"{"v":1,"user":"a","lesson":"b","status":"c","at":99999999999999999999,"lamport":18446744073709551615}"#
            ),
            6 => "BODY:{}\nBODY64:e30\n".to_owned(),
            7 => format!("BODY:{}1{}\n", r#"{"a":"#.repeat(90), "}".repeat(90)),
            _ => String::new(),
        };
        let datagram = mallory.data(of, &lines);
        mallory.throw(&datagram).await;
        // The same as somebody passes it on, and sealed.
        let mut carried = Vec::new();
        Carry { sid: mallory.engine.sid(), age: u32::MAX, to: None, inner: &datagram }.encode(&mut carried);
        mallory.throw(&carried).await;
        if round % 5 == 0 {
            let mut bytes = vec![0; rng.random_range(0..200)];
            rng.fill_bytes(&mut bytes);
            let now = mallory.now();
            let channel = Channel::ALL[rng.random_range(0..4)];
            mallory.engine.send_sealed_data(&alice.key(), channel, &bytes, round % 2 == 0, now);
        }
    }
    for of in ["", "lists", "LIST", "x\u{202e}", &"x".repeat(300)] {
        let datagram = mallory.data(of, "BODY:{}\n");
        mallory.throw(&datagram).await;
    }
    mallory.listen(Duration::from_millis(50)).await;
    is_well(&alice, &bob).await;
    let board = alice.board().await.unwrap();
    assert_eq!(board.len(), 1, "{board:?}");
}

#[tokio::test]
async fn long_bodies_that_never_come_hold_up_nobody() {
    let [alice, bob] = two().await;
    let mut mallory = Attacker::beside(&alice).await;
    let mut rng = StdRng::seed_from_u64(7);
    for round in 0..2_000_u32 {
        let mut root = [0; 16];
        rng.fill_bytes(&mut root);
        let size = [0, 1, 65_535, 66_560, 70_000, u32::MAX][round as usize % 6];
        let long = format!("LONG:{size},{}\n", BASE64URL_NOPAD.encode(&root));
        let datagram = mallory.data(OF[round as usize % OF.len()], &long);
        mallory.throw(&datagram).await;
        let mut carried = Vec::new();
        Carry { sid: mallory.engine.sid(), age: 0, to: None, inner: &datagram }.encode(&mut carried);
        mallory.throw(&carried).await;
    }
    is_well(&alice, &bob).await;
    // Also what is long and comes does so.
    let mut heard = alice.subscribe("#").unwrap();
    let long = "x".repeat(60_000);
    bob.publish("long", Kind::Data, &long).acknowledged().await.unwrap();
    let message = next(&mut heard, "long one", |message| (message.from == bob.key()).then_some(message)).await;
    assert_eq!(message.json::<String>().unwrap(), long);
}

#[tokio::test]
async fn a_flood_of_what_is_right_leaves_room_for_others() {
    let [alice, bob] = two().await;
    let mut mallory = Attacker::beside(&alice).await;
    // Names of the board, topics, answers to nothing and calls of nothing, each right in its form.
    for round in 0..3_000_u32 {
        let (of, body) = match round % 4 {
            0 => (
                "board",
                format!(
                    r#"{{"v":1,"user":"u{round}","lesson":"l","status":"s","at":1,"lamport":{}}}"#,
                    1 + u64::from(round)
                ),
            ),
            1 => ("message", mallory_body(&format!("t/{round}"), "flood")),
            2 => (
                "message",
                format!(
                    r#"{{"v":1,"call":"00000000000000aa.{round}","at":"{}","method":"m","ms":1000,"body":1}}"#,
                    mallory.sid()
                ),
            ),
            _ => ("list", "{}".to_owned()),
        };
        let datagram = mallory.data(of, &format!("BODY:{body}\n"));
        mallory.throw(&datagram).await;
    }
    is_well(&alice, &bob).await;
    let board = alice.board().await.unwrap();
    let theirs = board.iter().filter(|entry| entry.by == mallory.key()).count();
    assert!(theirs <= 1_024, "{theirs} lines of one author");
    // What others say stands all the same.
    alice.tell_progress("ali", "lesson", "started").await.unwrap();
    bob.tell_progress("fatuma", "lesson", "completed").await.unwrap();
    let mut told = alice.watch_progress();
    while !alice.board().await.unwrap().iter().any(|entry| entry.progress.user == "fatuma") {
        next(&mut told, "fatuma's progress", Some).await;
    }
}

/// A message as a program of ours writes it, taken from one that it made.
fn mallory_body(topic: &str, text: &str) -> String {
    format!(r#"{{"v":1,"topic":"{topic}","kind":"data","body":"{text}"}}"#)
}

/// Signs a message by the engine, which counts it as its own.
fn capture(mallory: &mut Attacker, body: &str) -> Arc<[u8]> {
    let raw = mallory.engine.sign_data(Channel::Message, body.as_bytes());
    let now = mallory.now();
    mallory.engine.send_signed_data(&To::Keys(Vec::new()), &raw, now);
    raw
}
