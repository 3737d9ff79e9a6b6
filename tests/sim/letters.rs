//! Letters: a DM to somebody with a key is sealed, always, and only the one it is for can read it.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use lsnp::engine::{Command, CommandError, Crypto, Event, Failure, Mark, Reply, Socket, Whom};
use lsnp::sim::{Air, FakeCrypto, Frame, ProgramId};
use lsnp::wire::{LONG_MAX, SealedBody};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::run::{Run, millis, secs};
use super::signer::Signer;

const DAY: u64 = 24 * 3_600;

/// True when the word stands in these bytes, as it is or in another spelling.
pub(crate) fn holds(bytes: &[u8], word: &str) -> bool {
    let mut spellings = vec![word.to_owned(), HEXLOWER.encode(word.as_bytes())];
    for shift in 0..3 {
        let text = BASE64URL_NOPAD.encode(&[&vec![0; shift][..], word.as_bytes()].concat());
        // Characters at both ends depend on what stands beside the word.
        spellings.push(text[shift * 4 / 3 + usize::from(shift > 0)..text.len() - 2].to_owned());
    }
    spellings.iter().any(|spelling| bytes.windows(spelling.len()).any(|part| part == spelling.as_bytes()))
}

/// Letters and frames of sessions that were sent.
fn sealed<'a>(run: &'a Run, form: &'a str) -> impl Iterator<Item = &'a Frame> {
    run.frames().iter().filter(move |frame| frame.kind() == "DM" && frame.value("SEAL") == Some(form))
}

#[test]
fn a_word_is_found_in_all_spellings() {
    let word = "canary-0042";
    for shift in 0..9 {
        let text = format!("{}{word} and more", "x".repeat(shift));
        for bytes in [text.clone(), BASE64URL_NOPAD.encode(text.as_bytes()), HEXLOWER.encode(text.as_bytes())] {
            assert!(holds(bytes.as_bytes(), word), "{bytes}");
            assert!(!holds(bytes.as_bytes(), "kanary-0042"));
        }
    }
}

#[test]
fn a_dm_is_never_in_clear_and_shown_at_most_once_whatever_happens() {
    let mut run = Run::new(1);
    let mut rng = StdRng::seed_from_u64(1);
    let all = run.crowd(4);
    run.run_for(secs(10));
    run.air = Air { loss: 0.3, jitter: millis(300), duplicate: 0.3, ..Air::default() };
    let mut shown: Vec<BTreeMap<String, usize>> = vec![BTreeMap::new(); all.len()];
    let mut sent = BTreeMap::new();
    let mut number = 0;
    while number < 1_000 {
        let (one, other) = (rng.next_u32() as usize % 4, rng.next_u32() as usize % 4);
        let found = run.peers_of(all[one]).into_iter().find(|peer| peer.raw_name() == format!("p{other}"));
        if let Some(found) = found {
            let text = format!("canary-{number:04} for p{other}\nsecond line\t\u{1b}[31m");
            match run.command(all[one], Command::Dm { to: Whom::Peer(found.id()), text: text.clone() }) {
                Ok(Reply::Sent { private: true, .. } | Reply::Waiting { .. }) => {
                    sent.insert(text, other);
                    number += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        if rng.next_u32().is_multiple_of(40) {
            let at = rng.next_u32() as usize % 4;
            collect(&mut run, &all, &mut shown);
            if rng.next_u32().is_multiple_of(2) {
                run.leave(all[at]);
            }
            run.restart(all[at]);
        }
        run.run_for(millis(u64::from(rng.next_u32() % 400)));
    }
    run.air = Air::default();
    run.run_for(secs(60));
    collect(&mut run, &all, &mut shown);
    let mut arrived = 0;
    for (at, texts) in shown.iter().enumerate() {
        for (text, times) in texts {
            assert_eq!((sent.get(text), *times), (Some(&at), 1), "{text:?}");
            arrived += 1;
        }
    }
    assert!(arrived > 500, "{arrived} of 1,000 arrived");
    for frame in run.frames() {
        assert!(!holds(&frame.payload, "canary-"), "{}", String::from_utf8_lossy(&frame.payload));
        assert!(frame.kind() != "DM" || frame.value("SEAL").is_some());
    }
    assert!(sealed(&run, "1").count() > 50 && sealed(&run, "2").count() > 300);
}

fn collect(run: &mut Run, all: &[ProgramId], shown: &mut [BTreeMap<String, usize>]) {
    for (id, shown) in all.iter().zip(shown) {
        for event in run.take_events(*id) {
            match event {
                Event::Dm { text, private, from, .. } => {
                    assert!(private && from.key().is_some());
                    *shown.entry(text.raw().to_owned()).or_default() += 1;
                }
                Event::Post { text, .. } => panic!("{text:?} was for one"),
                _ => {}
            }
        }
    }
}

#[test]
fn any_text_survives_whole_up_to_its_limit() {
    let (mut run, a, b) = Run::pair(2);
    let id = run.id_of(a, "p1");
    for (round, size) in [(0, 400), (1, 400), (2, LONG_MAX), (3, LONG_MAX)] {
        // The first as a letter, the second in a session, the others in pieces.
        let text = format!("{round}\r\n\t\u{85}\u{2028}\0\u{1b}[31m\\n\u{202e}abc");
        let text = format!("{text}{}", "y".repeat(size - text.len()));
        assert_eq!(text.len(), size);
        run.command(a, Command::Dm { to: Whom::Peer(id), text: text.clone() }).unwrap();
        run.run_for(secs(5));
        assert_eq!(run.texts(b).last().unwrap(), &format!("DM {text}"));
        run.dm(b, "p0", "answer");
        run.run_for(millis(50));
    }
    assert_eq!(
        run.command(a, Command::Dm { to: Whom::Peer(id), text: "x".repeat(LONG_MAX + 1) }).unwrap_err(),
        CommandError::TextTooLong { bytes: LONG_MAX + 1, max: LONG_MAX }
    );
    assert_eq!(
        run.command(a, Command::Dm { to: Whom::Peer(id), text: " \n ".into() }).unwrap_err(),
        CommandError::NoText
    );
    assert!(run.frames().iter().all(|frame| frame.payload.len() <= 1_200));
}

#[test]
fn a_letter_opens_for_nobody_else_and_not_when_changed() {
    let mut run = Run::new(3);
    let all = run.crowd(3);
    run.run_for(secs(10));
    run.air.loss = 1.0;
    run.dm(all[0], "p1", "for p1");
    run.air.loss = 0.0;
    let letter = sealed(&run, "1").last().unwrap().clone();
    // To somebody else, under either name.
    run.deliver(&letter, None, all[2]);
    assert_eq!(run.texts(all[2]), Vec::<String>::new());
    assert!(run.counters(all[2]).unopened > 0);
    let text = String::from_utf8(letter.payload.to_vec()).unwrap();
    for (old, new) in
        [("TO:p1", "TO:p2"), ("FROM:p0", "FROM:p2"), ("SEAL:1", "SEAL:2"), ("MESSAGE_ID:", "MESSAGE_ID:0")]
    {
        run.inject(letter.from, all[1], Socket::Unicast, text.replace(old, new).as_bytes());
    }
    assert_eq!(run.texts(all[1]), Vec::<String>::new());
    run.deliver(&letter, None, all[1]);
    assert_eq!(run.texts(all[1]), ["DM for p1"]);
    run.deliver(&letter, None, all[1]);
    assert_eq!(run.texts(all[1]), ["DM for p1"]);
}

/// A letter that somebody signs by hand, sealed to that prekey.
pub(crate) fn letter(
    writer: &mut Signer,
    run: &Run,
    to: ProgramId,
    prekey: (u32, [u8; 32]),
    message: &str,
    text: &str,
) -> Vec<u8> {
    let to_key = run.key_of(to);
    let aad = [b"DM\0", &writer.key().0[..], &to_key.0[..], message.as_bytes()].concat();
    let body = SealedBody::text(text, 1).encode();
    let mut seed = writer.key().0;
    seed[0] ^= writer.seq as u8;
    let (sealed, _) = writer.crypto.seal_letter(&prekey.1, &aad, &body, seed).unwrap();
    let (kid, sealed) = (format!("{:08x}", prekey.0), BASE64URL_NOPAD.encode(&sealed));
    let label = writer.label.clone();
    writer.says(
        "DM",
        &[
            ("FROM", &label),
            ("TO", "p0@10.0.0.1"),
            ("SEAL", "1"),
            ("KID", &kid),
            ("MESSAGE_ID", message),
            ("BOX", &sealed),
        ],
    )
}

#[test]
fn a_letter_signed_by_one_cannot_be_signed_by_another() {
    let (mut run, a, b) = Run::pair(4);
    let mut thief = Signer::new(1, "thief", "10.0.66.6:8666".parse().unwrap());
    assert!(thief.meets(&mut run, a));
    run.air.loss = 1.0;
    run.dm(b, "p0", "from p1");
    run.air.loss = 0.0;
    let stolen = sealed(&run, "1").last().unwrap().clone();
    let lines: Vec<(&str, &str)> = ["FROM", "TO", "SEAL", "KID", "MESSAGE_ID", "BOX"]
        .iter()
        .map(|key| (*key, stolen.value(key).unwrap()))
        .collect();
    let before = run.counters(a).unopened;
    let again = thief.says("DM", &lines);
    thief.sends(&mut run, a, &again);
    assert_eq!(run.texts(a), Vec::<String>::new());
    assert_eq!(run.counters(a).unopened, before + 1);
    run.deliver(&stolen, None, a);
    assert_eq!(run.shown_of(a, run.key_of(b)), ["DM from p1"]);
}

#[test]
fn prekeys_turn_every_day_and_old_ones_are_erased() {
    let mut run = Run::new(5);
    let all = run.crowd(2);
    let (a, b) = (all[0], all[1]);
    run.run_for(secs(10));
    run.capture = false;
    let mut days = BTreeSet::new();
    for day in 0..10 {
        // It is told with the next announcement.
        run.run_for(secs(40));
        let own = run.disk(b).prekeys().to_vec();
        let newest = own.last().unwrap();
        days.insert(newest.public.id);
        assert!(own.len() <= 9, "{} prekeys on day {day}", own.len());
        assert!(own.iter().all(|prekey| newest.made - prekey.made <= 8 * DAY));
        let kept = run.contacts(a);
        assert_eq!(kept[0].prekey, Some(newest.public), "day {day}");
        run.dm(a, "p1", &format!("day {day}"));
        run.run_for(secs(1));
        assert_eq!(run.texts(b).last().unwrap(), &format!("DM day {day}"));
        if day % 3 == 2 {
            run.restart(b);
        }
        run.run_for(secs(DAY));
        run.take_events(a);
    }
    assert_eq!(days.len(), 10, "another one every day");
}

#[test]
fn a_letter_opens_for_eight_days_and_then_no_more() {
    let (mut run, a, _) = Run::pair(6);
    run.capture = false;
    let first = run.disk(a).prekeys()[0].clone();
    assert_eq!(first.public.key, FakeCrypto::new(0).prekey(&first.secret));
    let prekey = (first.public.id, first.public.key);
    for (number, (day, opens)) in [(0, true), (4, true), (7, true), (8, false), (9, false)].into_iter().enumerate() {
        let until = lsnp::engine::Instant::BIRTH + secs(day * DAY + 3_600);
        run.run_until(until);
        let mut writer = Signer::new(1, "writer", "10.0.200.7:8500".parse().unwrap());
        writer.seq = 1_000 * (number as u64 + 1);
        run.capture = true;
        assert!(writer.meets(&mut run, a), "day {day}");
        run.capture = false;
        let text = format!("sealed on the first day, read on day {day}");
        let bytes = letter(&mut writer, &run, a, prekey, &format!("{number:016x}"), &text);
        writer.sends(&mut run, a, &bytes);
        run.run_for(secs(1));
        assert_eq!(run.texts(a).contains(&format!("DM {text}")), opens, "day {day}");
    }
    assert!(run.disk(a).prekeys().iter().all(|prekey| prekey.public.id != first.public.id));
}

#[test]
fn a_bad_prekey_is_no_key_and_harms_nobody() {
    let (mut run, a, _) = Run::pair(7);
    let mut bad = Signer::new(1, "bad", "10.0.200.7:8500".parse().unwrap());
    assert!(bad.meets(&mut run, a));
    let zero = format!("00000001,{}", BASE64URL_NOPAD.encode(&[0; 32]));
    let said = bad.label.clone();
    let bytes = bad.says("PEER_DISCOVERY", &[("USER_ID", &said), ("PORT", "8500"), ("PREKEY", &zero)]);
    run.inject(bad.at, a, Socket::Discovery, &bytes);
    run.forget_frames();
    let id = run.id_of(a, "bad");
    let reply = run.command(a, Command::Dm { to: Whom::Peer(id), text: "canary-0001".into() }).unwrap();
    let (Reply::Sent { id, .. } | Reply::Waiting { id, .. }) = reply else { panic!("{reply:?}") };
    assert_eq!(run.told_marks(a, id).last(), Some(&Mark::Failed(Failure::BadKey)));
    run.run_for(secs(30));
    assert!(!run.frames().iter().any(|frame| holds(&frame.payload, "canary-0001")));
}
