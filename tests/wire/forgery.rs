//! Forgery: nothing that was changed after its author signed it counts as signed, and nothing with a trace of a
//! signature counts as unsigned.
//!
//! A sample runs with all tests; `FORGERY=all cargo test --release --test wire forgery -- --nocapture` tries all mutants
//! of all vectors and prints how many there were.
#![allow(clippy::print_stdout, reason = "prints what it measured")]

use lsnp::crypto::KeyPair;
use lsnp::engine::{Crypto, Secret};
use lsnp::wire::{Carry, Dm, DmBody, Envelope, GroupFrame, Message, SIGNED_DOMAIN, SealedBody, decode};

use std::sync::LazyLock;

use super::golden;

/// The keys are made once: there are a million mutants.
static ALICE: LazyLock<KeyPair> = LazyLock::new(golden::alice);
static BOB: LazyLock<KeyPair> = LazyLock::new(golden::bob);
static SESSION: LazyLock<Secret> = LazyLock::new(|| golden::letter_box().1);
/// All that was really said.
static GENUINE: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(|| golden::all().collect());

/// What a peer makes of a datagram.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Refused,
    /// Nobody signed or sealed it.
    Unsigned,
    /// It counts as said by a key: it is signed, or was sealed by somebody who has the secret.
    Believed,
}

/// Receives as the engine does: what is not signed right is refused.
fn receive(bytes: &[u8]) -> Verdict {
    let Ok(datagram) = decode(bytes) else { return Verdict::Refused };
    if !datagram.extension.signed {
        return Verdict::Unsigned;
    }
    let Ok(envelope) = Envelope::of(bytes) else { return Verdict::Refused };
    let good = BOB.verify(&envelope.key, SIGNED_DOMAIN, envelope.signed, &envelope.signature);
    if good { Verdict::Believed } else { Verdict::Refused }
}

/// What the receiver of the session frame believes: the id, and what is sealed.
fn open_frame(bytes: &[u8]) -> Option<(String, SealedBody)> {
    let datagram = decode(bytes).ok()?;
    let Message::Dm(Dm { body: DmBody::Frame { place, sealed }, message_id: Some(id), .. }) = datagram.message else {
        return None;
    };
    if place.session != golden::session_id(&SESSION) {
        return None;
    }
    let key = golden::frame_key(&SESSION, &BOB.public_key(), &place.salt);
    let mut boxed = Vec::new();
    let aad = golden::associated(&BOB.public_key(), &ALICE.public_key(), id.as_str());
    let opens = sealed.read(&mut boxed) && ALICE.open(&key, place.counter, &aad, &mut boxed);
    Some((id.as_str().to_owned(), SealedBody::decode(&boxed)?)).filter(|_| opens)
}

/// What somebody signed in a CARRY. Who passes it on, when and for whom is said by nobody.
fn open_carry(bytes: &[u8]) -> Option<&[u8]> {
    let inner = Carry::of(bytes).ok()??.inner;
    (receive(inner) == Verdict::Believed).then_some(inner)
}

fn is_genuine(bytes: &[u8]) -> bool {
    GENUINE.iter().any(|(_, genuine)| genuine == bytes)
}

fn open_group_frame(bytes: &[u8]) -> Option<Vec<u8>> {
    let frame = GroupFrame::of(bytes)?;
    let mut inner = frame.bytes()?;
    BOB.open(&golden::group_subkey(frame.sid), frame.counter, frame.head, &mut inner).then_some(inner)
}

/// True when a line begins with PK, SEQ or SIG, wherever it stands.
fn bears_a_signature(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| *byte == b'\n')
        .any(|line| [&b"PK:"[..], b"SEQ:", b"SIG:"].iter().any(|key| line.starts_with(key)))
}

/// Counts what was tried and what came of it.
#[derive(Default)]
struct Tally {
    /// Of this many mutants one is tried: of flips, of others.
    steps: (u64, u64),
    made: (u64, u64),
    tried: u64,
    believed: Vec<String>,
    unsigned: Vec<String>,
}

impl Tally {
    /// Tries one mutant of a vector.
    fn attempt(&mut self, name: &str, original: &[u8], mutant: &[u8], flip: bool) {
        if mutant == original {
            return;
        }
        let (made, step) = if flip { (&mut self.made.0, self.steps.0) } else { (&mut self.made.1, self.steps.1) };
        *made += 1;
        if !(*made).is_multiple_of(step) {
            return;
        }
        self.tried += 1;
        let believed = match name {
            // FROM and TO of a frame are labels that nobody believes: what counts is the key, the id and the text.
            "session-frame" | "session-frame-ack" | "session-frame-data" => open_frame(mutant)
                .is_some_and(|said| GENUINE.iter().all(|(_, genuine)| open_frame(genuine).as_ref() != Some(&said))),
            "carry-post" | "carry-letter" | "carry-ack" | "carry-data" => {
                open_carry(mutant).is_some_and(|inner| !is_genuine(inner))
            }
            "group-frame" => open_group_frame(mutant).is_some(),
            _ => {
                let verdict = receive(mutant);
                if verdict == Verdict::Unsigned && bears_a_signature(mutant) {
                    self.unsigned.push(format!("{name}: {}", mutant.escape_ascii()));
                }
                verdict == Verdict::Believed && !is_genuine(mutant)
            }
        };
        if believed {
            self.believed.push(format!("{name}: {}", mutant.escape_ascii()));
        }
    }
}

fn flips(name: &str, original: &[u8], tally: &mut Tally) {
    let mut mutant = original.to_vec();
    for at in 0..original.len() {
        for byte in 0..=u8::MAX {
            mutant[at] = byte;
            tally.attempt(name, original, &mutant, true);
        }
        mutant[at] = original[at];
    }
}

fn lines(datagram: &[u8]) -> Vec<&[u8]> {
    datagram.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Lines removed, swapped, doubled; the datagram cut short.
fn rearranged(name: &str, original: &[u8], tally: &mut Tally) {
    let lines = lines(original);
    for at in 0..lines.len() {
        let mut mutant = lines.clone();
        mutant.remove(at);
        tally.attempt(name, original, &mutant.concat(), false);
        for to in 0..lines.len() {
            let mut mutant = lines.clone();
            mutant.swap(at, to);
            tally.attempt(name, original, &mutant.concat(), false);
            let mut mutant = lines.clone();
            mutant.insert(to, lines[at]);
            tally.attempt(name, original, &mutant.concat(), false);
            let mut mutant = lines.clone();
            let moved = mutant.remove(at);
            mutant.insert(to.min(mutant.len()), moved);
            tally.attempt(name, original, &mutant.concat(), false);
        }
    }
    for end in 0..original.len() {
        tally.attempt(name, original, &original[..end], false);
        tally.attempt(name, original, &original[end..], false);
        tally.attempt(name, original, &[&original[..end], b"\n\n"].concat(), false);
    }
}

/// Spelled otherwise: other line ends, other separators, spaces, other letters; and bytes around it.
fn respelled(name: &str, original: &[u8], tally: &mut Tally) {
    let text = std::str::from_utf8(original).unwrap();
    let mut all = vec![text.replace('\n', "\r\n"), text.replacen(':', ": ", 1), text.replace('\n', "\n\n")];
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    all.push(lines.iter().map(|line| line.replacen(':', ": ", 1)).collect());
    for at in 0..lines.len() {
        let with = |line: String| [&lines[..at].concat(), line.as_str(), &lines[at + 1..].concat()].concat();
        let line = lines[at];
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        all.extend([
            with(line.replace('\n', "\r\n")),
            with(line.replace('\n', "\r")),
            with(line.replace('\n', " \n")),
            with(line.replace('\n', "=\n")),
            with(line.replace('\n', "\0\n")),
            with(line.replace('\n', "\u{2028}\n")),
            with(line.replacen(':', ": ", 1)),
            with(line.replacen(':', ":0", 1)),
            with(line.replacen(':', ":+", 1)),
            with(line.replacen(':', " :", 1)),
            with(format!(" {line}")),
            with(format!("{}:{value}", key.to_lowercase())),
            with(format!("{key}:{}", value.to_lowercase())),
            with(format!("{key}:{}", value.to_uppercase())),
            with(format!("\n{line}")),
            with(format!("\u{feff}{line}")),
            with(format!("X9999:0000\n{line}")),
            with(format!("no colon\n{line}")),
            with(format!("TYPE:POST\n{line}")),
        ]);
    }
    for mutant in all {
        tally.attempt(name, original, mutant.as_bytes(), false);
    }
    for byte in 0..=u8::MAX {
        tally.attempt(name, original, &[original, &[byte]].concat(), false);
        tally.attempt(name, original, &[&[byte], original].concat(), false);
        tally.attempt(name, original, &[original.strip_suffix(b"\n").unwrap(), &[byte, b'\n']].concat(), false);
    }
    for more in [&b"\n"[..], b"\n\n", b"CONTENT:more\n\n", original] {
        tally.attempt(name, original, &[original, more].concat(), false);
        tally.attempt(name, original, &[more, original].concat(), false);
    }
}

/// Lines, values and signatures of another vector.
fn crossed(name: &str, original: &[u8], other: &[u8], tally: &mut Tally) {
    let (own, others) = (lines(original), lines(other));
    let key = |line: &[u8]| line.iter().position(|byte| *byte == b':').map(|end| line[..end].to_vec());
    for at in 0..own.len() {
        for line in &others {
            let mut mutant = own.clone();
            mutant.insert(at, line);
            tally.attempt(name, original, &mutant.concat(), false);
            mutant.remove(at + 1);
            tally.attempt(name, original, &mutant.concat(), false);
        }
    }
    // One of the keys that both have, from the other; and all of them but one.
    let shared: Vec<(usize, usize)> = own
        .iter()
        .enumerate()
        .filter_map(|(at, line)| Some((at, others.iter().position(|other| key(other) == key(line))?)))
        .filter(|(at, _)| key(own[*at]).is_some())
        .collect();
    for (at, theirs) in &shared {
        let mut mutant = own.clone();
        mutant[*at] = others[*theirs];
        tally.attempt(name, original, &mutant.concat(), false);
        let mut mutant = own.clone();
        for (at, theirs) in shared.iter().filter(|pair| pair.0 != *at) {
            mutant[*at] = others[*theirs];
        }
        if mutant.concat() != other {
            tally.attempt(name, original, &mutant.concat(), false);
        }
    }
    // The end of one behind the beginning of the other, wherever they are cut.
    for own_end in 1..own.len() {
        for others_start in 1..others.len() {
            let mutant = [&own[..own_end], &others[others_start..]].concat().concat();
            if mutant != other {
                tally.attempt(name, original, &mutant, false);
            }
        }
    }
}

/// Other signatures of the same bytes, that a verifier which is not strict would take.
fn malleable(name: &str, original: &[u8], tally: &mut Tally) {
    /// The order of the group, little endian: a signature's second half counts modulo this.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let Ok(envelope) = Envelope::of(original) else { return };
    let mut signature = envelope.signature.0;
    let tried = |signature: &[u8; 64], tally: &mut Tally| {
        let mutant =
            [envelope.signed, b"SIG:", data_encoding::BASE64URL_NOPAD.encode(signature).as_bytes(), b"\n\n"].concat();
        tally.attempt(name, original, &mutant, false);
    };
    for _ in 0..15 {
        let mut carry = 0;
        for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
        if carry == 0 {
            tried(&signature, tally);
        }
    }
    for (from, to) in [(0, 32), (32, 64), (0, 64)] {
        let mut signature = envelope.signature.0;
        signature[from..to].fill(0);
        tried(&signature, tally);
        signature[from..to].fill(0xff);
        tried(&signature, tally);
    }
}

#[test]
fn of_every_vector_fails_whatever_is_changed() {
    let all = std::env::var("FORGERY").is_ok_and(|value| value == "all");
    let mut tally = Tally { steps: if all { (1, 1) } else { (101, 11) }, ..Tally::default() };
    // A piece is checked by its hash.
    let vectors: Vec<_> = GENUINE.iter().filter(|(name, _)| *name != "chunk-list").collect();
    for (name, original) in &vectors {
        match *name {
            "session-frame" | "session-frame-ack" | "session-frame-data" => assert!(open_frame(original).is_some()),
            "carry-post" | "carry-letter" | "carry-ack" | "carry-data" => assert!(open_carry(original).is_some()),
            "group-frame" => assert!(open_group_frame(original).is_some()),
            _ => assert_eq!(receive(original), Verdict::Believed, "{name}"),
        }
        flips(name, original, &mut tally);
        rearranged(name, original, &mut tally);
        respelled(name, original, &mut tally);
        malleable(name, original, &mut tally);
        for (other, bytes) in &vectors {
            if other != name {
                crossed(name, original, bytes, &mut tally);
            }
        }
    }
    println!(
        "forgery: {} mutants, {} accepted, {} taken as unsigned",
        tally.tried,
        tally.believed.len(),
        tally.unsigned.len()
    );
    assert!(tally.believed.is_empty(), "{} accepted: {:#?}", tally.believed.len(), tally.believed.first());
    assert!(tally.unsigned.is_empty(), "{} unsigned: {:#?}", tally.unsigned.len(), tally.unsigned.first());
    assert!(!all || tally.tried >= 1_000_000, "only {} mutants", tally.tried);
    assert!(tally.tried >= 1_000, "only {} mutants", tally.tried);
}

#[test]
fn by_another_key_or_for_another_purpose_fails() {
    let post = golden::built("signed-post");
    let envelope = Envelope::of(&post).unwrap();
    let (alice, bob) = (golden::alice(), golden::bob());
    assert!(bob.verify(&alice.public_key(), SIGNED_DOMAIN, envelope.signed, &envelope.signature));
    assert!(!bob.verify(&bob.public_key(), SIGNED_DOMAIN, envelope.signed, &envelope.signature));
    assert!(!bob.verify(&alice.public_key(), b"lsnp 1 something\0", envelope.signed, &envelope.signature));
    assert!(!bob.verify(&alice.public_key(), b"", envelope.signed, &envelope.signature));
    // Bob signs what names alice's key.
    let forged = bob.sign(SIGNED_DOMAIN, envelope.signed);
    assert!(!bob.verify(&alice.public_key(), SIGNED_DOMAIN, envelope.signed, &forged));
}
