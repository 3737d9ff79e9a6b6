//! What trust costs: signatures, letters and session messages, from text to datagram and back as the engine does it, each
//! against the bare library on the same bytes, measured by turns in the same run. Fails when reading what is not trusted
//! yet allocates.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "a bench measures with the clock and prints"
)]

use std::alloc::System;
use std::hint::black_box;
use std::time::{Duration, Instant};

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, setup_receiver, setup_sender_with_rng};
use lsnp::crypto::KeyPair;
use lsnp::engine::{Crypto, Secret};
use lsnp::wire::{
    self, Dm, DmBody, Envelope, Extension, Message, MessageId, Octets, Place, PublicKey, SIGNED_DOMAIN, Sealed,
    SealedBody, Style, UserId, decode,
};
use memchr::memchr;
use rand::SeedableRng;
use rand::rngs::StdRng;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

type Suite = X25519HkdfSha256;

/// A POST as our kind writes it, before it is signed.
const POST: &[u8] =
    b"TYPE:POST\nUSER_ID:alice@192.168.1.11\nCONTENT:Hello P2P network! Is anybody here who could help me \
carry the new table up to the third floor this afternoon?\nTIMESTAMP:1728938500\nMESSAGE_ID:f83d2b1c00aa11bb\n\
SID:AQIDBAUGBwg\nPOST_NO:7\nLAMPORT:19\n\n";

/// The sample of protocol.md §2, as `benches/codec.rs` has it.
const SAMPLE: &[u8] = b"TYPE:POST\nUSER_ID:alice@192.168.1.11\nCONTENT:Hello P2P network!\nTIMESTAMP:1728938500\n\
MESSAGE_ID:f83d2b1c00aa11bb\n\n";

const MESSAGE_ID: &str = "f83d2b1c00aa11bb";

/// All that is done once, so that only the work on a message is measured.
struct Bench {
    alice: KeyPair,
    bob: KeyPair,
    prekey: Secret,
    session: Secret,
    text: String,
}

impl Bench {
    fn new() -> Self {
        let alice = KeyPair::new(&Secret([1; 32]));
        let session = alice.derive(&Secret([4; 32]), &[b"frame", &alice.public_key().0, &[5; 16]]);
        Self { alice, bob: KeyPair::new(&Secret([2; 32])), prekey: Secret([3; 32]), session, text: "x".repeat(200) }
    }

    fn sign(&self, out: &mut Vec<u8>) {
        wire::seal(out, &self.alice.public_key(), 1_234_567, 0x0102_0304, |bytes| {
            self.alice.sign(SIGNED_DOMAIN, bytes)
        });
    }

    fn verified(&self, bytes: &[u8]) -> Option<PublicKey> {
        let envelope = Envelope::of(bytes).ok()?;
        let good = self.bob.verify(&envelope.key, SIGNED_DOMAIN, envelope.signed, &envelope.signature);
        good.then_some(envelope.key)
    }

    fn body(&self) -> Vec<u8> {
        SealedBody::text(&self.text, 1_728_938_500).encode()
    }

    fn dm<'a>(body: DmBody<'a>) -> Dm<'a> {
        Dm {
            from: UserId::new("alice@192.168.1.11").expect("an id"),
            to: UserId::new("bob@192.168.1.12").expect("an id"),
            body,
            timestamp: None,
            message_id: MessageId::new(MESSAGE_ID),
        }
    }

    fn write(dm: &Dm<'_>) -> Vec<u8> {
        let (mut out, extension) = (Vec::new(), Extension { sid: Some(Octets(7)), ..Extension::default() });
        dm.encode(&extension, None, Style::Tight, &mut out);
        out
    }

    fn write_letter(&self, to: &[u8; 32]) -> Vec<u8> {
        let aad = bound(&self.alice.public_key(), &self.bob.public_key());
        let (sealed, session) = self.alice.seal_letter(to, &aad, &self.body(), [6; 32]).expect("a good prekey");
        black_box(session);
        let sealed = BASE64URL_NOPAD.encode(&sealed);
        let mut out = Self::write(&Self::dm(DmBody::Letter { prekey: 1, sealed: Sealed::new(&sealed) }));
        self.sign(&mut out);
        out
    }

    fn read_letter(&self, bytes: &[u8]) -> Option<(SealedBody, Secret)> {
        let Message::Dm(Dm { body: DmBody::Letter { sealed, .. }, .. }) = decode(bytes).ok()?.message else {
            return None;
        };
        let key = self.verified(bytes)?;
        let mut boxed = Vec::new();
        let aad = bound(&key, &self.bob.public_key());
        let (plain, session) =
            sealed.read(&mut boxed).then(|| self.bob.open_letter(&self.prekey, &aad, &boxed)).flatten()?;
        Some((SealedBody::decode(&plain)?, session))
    }

    fn write_frame(&self, counter: u64) -> Vec<u8> {
        let place = Place { session: Octets(9), salt: [5; 16], counter };
        let mut body = self.body();
        let aad = bound(&self.alice.public_key(), &self.bob.public_key());
        self.alice.seal(&self.session, counter, &aad, &mut body);
        let sealed = BASE64URL_NOPAD.encode(&body);
        Self::write(&Self::dm(DmBody::Frame { place, sealed: Sealed::new(&sealed) }))
    }

    fn read_frame(&self, bytes: &[u8]) -> Option<SealedBody> {
        let Message::Dm(Dm { body: DmBody::Frame { place, sealed }, .. }) = decode(bytes).ok()?.message else {
            return None;
        };
        let mut boxed = Vec::with_capacity(bytes.len());
        let aad = bound(&self.alice.public_key(), &self.bob.public_key());
        let opened = sealed.read(&mut boxed) && self.bob.open(&self.session, place.counter, &aad, &mut boxed);
        opened.then(|| SealedBody::decode(&boxed)).flatten()
    }
}

/// What is bound to sealed text (protocol.md §9.5).
fn bound(from: &PublicKey, to: &PublicKey) -> Vec<u8> {
    [b"DM\0", &from.0[..], &to.0[..], MESSAGE_ID.as_bytes()].concat()
}

fn nonce(counter: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// Nanoseconds a call of each: the best of many short rounds, taken by turns.
fn measure<const N: usize>(calls: u32, mut work: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut best = [f64::MAX; N];
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        for (best, work) in best.iter_mut().zip(&mut work) {
            let start = Instant::now();
            for _ in 0..calls {
                work();
            }
            *best = best.min(start.elapsed().as_nanos() as f64 / f64::from(calls));
        }
    }
    best
}

fn row(what: &str, target: f64, [whole, bare]: [f64; 2]) {
    println!(
        "{what:<28} {:>9.2} us {:>9.2} us {:>9.2} us {:>7.2}   {}",
        target,
        whole / 1_000.0,
        bare / 1_000.0,
        whole / bare,
        if whole / 1_000.0 <= target { "held" } else { "MISSED" },
    );
}

fn signatures(bench: &Bench) {
    let key = SigningKey::from_bytes(&[1; 32]);
    let (mut out, mut signed) = (Vec::with_capacity(2_048), POST.to_vec());
    bench.sign(&mut signed);
    let envelope = Envelope::of(&signed).expect("a signature");
    let text = [SIGNED_DOMAIN, envelope.signed].concat();
    let times = measure(
        20,
        [
            &mut || {
                out.clear();
                out.extend_from_slice(POST);
                bench.sign(&mut out);
                black_box(&out);
            },
            &mut || {
                black_box(key.sign(black_box(&text)));
            },
        ],
    );
    row("sign a POST", 30.0, times);
    let signature = ed25519_dalek::Signature::from_bytes(&envelope.signature.0);
    let public = key.verifying_key().to_bytes();
    let times = measure(
        20,
        [&mut || assert!(bench.verified(black_box(&signed)).is_some()), &mut || {
            let key = VerifyingKey::from_bytes(black_box(&public)).expect("a key");
            assert!(key.verify_strict(&text, &signature).is_ok());
        }],
    );
    row("verify a POST", 60.0, times);
}

fn letters(bench: &Bench) {
    let key = SigningKey::from_bytes(&[1; 32]);
    let to = bench.bob.prekey(&bench.prekey);
    let (plain, aad) = (bench.body(), bound(&bench.alice.public_key(), &bench.bob.public_key()));
    let letter = bench.write_letter(&to);
    let envelope = Envelope::of(&letter).expect("a signature");
    let text = [SIGNED_DOMAIN, envelope.signed].concat();
    let public = <Suite as Kem>::PublicKey::from_bytes(&to).expect("a key");
    let mut session = [0; 32];
    let times = measure(
        10,
        [
            &mut || {
                black_box(bench.write_letter(black_box(&to)));
            },
            &mut || {
                let mut random = StdRng::from_seed([6; 32]);
                let info = b"lsnp 1 letter";
                let (ephemeral, mut sender) = setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, Suite>(
                    &OpModeS::Base,
                    &public,
                    info,
                    &mut random,
                )
                .expect("a good prekey");
                black_box((ephemeral.to_bytes(), sender.seal(&plain, &aad).expect("sealed")));
                sender.export(b"lsnp 1 session", &mut session).expect("a secret");
                black_box((&session, key.sign(&text)));
            },
        ],
    );
    row("seal and sign a letter", 250.0, times);

    let prekey = <Suite as Kem>::PrivateKey::from_bytes(&bench.prekey.0).expect("a key");
    let (sealed, _) = bench.alice.seal_letter(&to, &aad, &plain, [6; 32]).expect("a good prekey");
    let ephemeral = <Suite as Kem>::EncappedKey::from_bytes(&sealed[..32]).expect("a key");
    let signature = ed25519_dalek::Signature::from_bytes(&envelope.signature.0);
    let verifying = key.verifying_key().to_bytes();
    let times = measure(
        10,
        [&mut || assert!(bench.read_letter(black_box(&letter)).is_some()), &mut || {
            let key = VerifyingKey::from_bytes(black_box(&verifying)).expect("a key");
            assert!(key.verify_strict(&text, &signature).is_ok());
            let info = b"lsnp 1 letter";
            let mut receiver = setup_receiver::<ChaCha20Poly1305, HkdfSha256, Suite>(
                &OpModeR::Base,
                &prekey,
                black_box(&ephemeral),
                info,
            )
            .expect("a good key");
            black_box(receiver.open(&sealed[32..], &aad).expect("the text"));
            receiver.export(b"lsnp 1 session", &mut session).expect("a secret");
        }],
    );
    row("verify and open a letter", 250.0, times);
}

fn frames(bench: &Bench) {
    let (plain, aad) = (bench.body(), bound(&bench.alice.public_key(), &bench.bob.public_key()));
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &bench.session.0).expect("a key"));
    let (mut counter, mut bare, mut buffer) = (0, 0, Vec::with_capacity(512));
    let times = measure(
        1_000,
        [
            &mut || {
                counter += 1;
                black_box(bench.write_frame(counter));
            },
            &mut || {
                bare += 1;
                buffer.clear();
                buffer.extend_from_slice(&plain);
                key.seal_in_place_append_tag(nonce(bare), Aad::from(&aad), &mut buffer).expect("sealed");
                black_box(&buffer);
            },
        ],
    );
    row("seal a session message", 1.5, times);

    let frame = bench.write_frame(1);
    let mut sealed = plain.clone();
    key.seal_in_place_append_tag(nonce(1), Aad::from(&aad), &mut sealed).expect("sealed");
    let times = measure(
        1_000,
        [&mut || assert!(bench.read_frame(black_box(&frame)).is_some()), &mut || {
            buffer.clear();
            buffer.extend_from_slice(&sealed);
            black_box(key.open_in_place(nonce(1), Aad::from(&aad), &mut buffer).expect("opened"));
        }],
    );
    row("open a session message", 1.5, times);
}

/// The lines and their colons by memchr, without any check: the baseline of `benches/codec.rs`.
fn split(bytes: &[u8]) -> [(&[u8], &[u8]); 16] {
    let mut fields: [(&[u8], &[u8]); 16] = [(&[], &[]); 16];
    let mut rest = bytes;
    for field in &mut fields {
        let Some(end) = memchr(b'\n', rest) else { break };
        let line = &rest[..end];
        rest = &rest[end + 1..];
        let Some(colon) = memchr(b':', line) else { break };
        *field = (&line[..colon], &line[colon + 1..]);
    }
    fields
}

fn reading(signed: &[u8]) {
    let times = measure(
        2_000,
        [
            &mut || {
                black_box(split(black_box(SAMPLE)));
            },
            &mut || {
                let _ = black_box(decode(black_box(SAMPLE)));
            },
            &mut || {
                let _ = black_box(decode(black_box(POST)));
            },
            &mut || {
                let _ = black_box((decode(black_box(signed)), Envelope::of(black_box(signed))));
            },
        ],
    );
    let [split, sample, unsigned, signed] = times;
    println!();
    println!("split the sample POST        {split:>9.1} ns");
    println!("read the sample POST         {sample:>9.1} ns   {:.2} times the split", sample / split);
    println!("read a POST before its signature {unsigned:>5.1} ns");
    println!("read it signed, not verified {signed:>9.1} ns   {:.2} times that", signed / unsigned);
}

/// One text of 200 bytes, from what the user wrote to the datagram and back: plain, signed, sealed in a letter, sealed in a
/// session. The lines that begin with `csv` are what a plot is drawn from.
fn whole(bench: &Bench) {
    let plain = || Bench::write(&Bench::dm(DmBody::Plain(&bench.text)));
    let sign = |mut out: Vec<u8>| {
        bench.sign(&mut out);
        out
    };
    let read = |bytes: &[u8]| decode(bytes).is_ok_and(|decoded| matches!(decoded.message, Message::Dm(_)));
    let to = bench.bob.prekey(&bench.prekey);
    let forms = [plain(), sign(plain()), bench.write_letter(&to), bench.write_frame(1)];
    let writes = measure(
        10,
        [
            &mut || {
                black_box(plain());
            },
            &mut || {
                black_box(sign(plain()));
            },
            &mut || {
                black_box(bench.write_letter(black_box(&to)));
            },
            &mut || {
                black_box(bench.write_frame(1));
            },
        ],
    );
    let reads = measure(
        10,
        [
            &mut || assert!(read(black_box(&forms[0]))),
            &mut || assert!(bench.verified(black_box(&forms[1])).is_some() && read(&forms[1])),
            &mut || assert!(bench.read_letter(black_box(&forms[2])).is_some()),
            &mut || assert!(bench.read_frame(black_box(&forms[3])).is_some()),
        ],
    );
    println!("\n{:<28} {:>12} {:>12} {:>12}", "a DM of 200 bytes", "bytes", "write", "read");
    println!("csv form,bytes,write_us,read_us");
    for (at, form) in ["plain", "signed", "letter", "session"].iter().enumerate() {
        let (bytes, write, read) = (forms[at].len(), writes[at] / 1_000.0, reads[at] / 1_000.0);
        println!("{form:<28} {bytes:>10} B {write:>9.2} us {read:>9.2} us");
        println!("csv {form},{bytes},{write:.3},{read:.3}");
    }
}

/// Allocations of a thousand calls.
fn allocations(mut work: impl FnMut()) -> usize {
    let region = Region::new(ALLOCATOR);
    for _ in 0..1_000 {
        work();
    }
    let change = region.change();
    change.allocations + change.reallocations
}

fn main() {
    let bench = Bench::new();
    println!("{:<28} {:>12} {:>12} {:>12} {:>7}", "text of 200 bytes", "target", "measured", "bare", "ratio");
    signatures(&bench);
    letters(&bench);
    frames(&bench);
    whole(&bench);

    let mut signed = POST.to_vec();
    bench.sign(&mut signed);
    reading(&signed);
    let unsigned = allocations(|| {
        let _ = black_box(decode(black_box(POST)));
    });
    let signed = allocations(|| {
        let _ = black_box((decode(black_box(&signed)), Envelope::of(black_box(&signed))));
    });
    println!("allocations in reading: {unsigned} unsigned, {signed} signed (0 and 0)");
    assert_eq!((unsigned, signed), (0, 0), "reading what is not trusted yet allocates");
}
