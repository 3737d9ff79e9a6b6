//! The sample POST: split into fields, read to typed fields, written. Prints the ratios to the split, measured by turns
//! in the same run, and fails when reading or writing allocates.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "a bench measures with the clock and prints"
)]

use std::alloc::System;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use lsnp::wire::{Envelope, Extension, MessageId, Post, PublicKey, Signature, Style, UserId, decode, seal};
use memchr::memchr;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The sample of protocol.md §2.
const SAMPLE: &[u8] = b"TYPE:POST\nUSER_ID:alice@192.168.1.11\nCONTENT:Hello P2P network!\nTIMESTAMP:1728938500\n\
MESSAGE_ID:f83d2b1c00aa11bb\n\n";

/// The same with a text that brings it to 200 bytes and more.
const LONGER: &[u8] = b"TYPE:POST\nUSER_ID:alice@192.168.1.11\nCONTENT:Hello P2P network! Is anybody here who could \
help me carry the new table up to the third floor this afternoon?\nTIMESTAMP:1728938500\nMESSAGE_ID:f83d2b1c00aa11bb\n\n";

/// Keys and values as slices of the datagram.
type Fields<'a> = [(&'a [u8], &'a [u8]); 16];

/// The baseline: the lines and their colons by memchr, without any check. Returns how many lines there are.
#[inline]
fn split<'a>(bytes: &'a [u8], fields: &mut Fields<'a>) -> usize {
    let (mut rest, mut count) = (bytes, 0);
    while let Some(end) = memchr(b'\n', rest) {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        let Some(colon) = memchr(b':', line) else { break };
        if count == fields.len() {
            break;
        }
        fields[count] = (&line[..colon], &line[colon + 1..]);
        count += 1;
    }
    count
}

fn post(content: &str) -> Post<'_> {
    Post {
        user_id: UserId::new("alice@192.168.1.11").expect("an id"),
        content,
        timestamp: Some(1_728_938_500),
        message_id: MessageId::new("f83d2b1c00aa11bb"),
    }
}

fn content(sample: &[u8]) -> &str {
    match decode(sample).expect("a datagram").message {
        lsnp::wire::Message::Post(post) => post.content,
        other => panic!("{other:?}"),
    }
}

/// Nanoseconds a call of each of the three: the best of many short rounds, taken by turns.
fn measure(sample: &'static [u8]) -> [f64; 3] {
    const CALLS: u32 = 2_000;
    let (post, extension) = (post(content(sample)), Extension::default());
    let mut out = Vec::with_capacity(2_048);
    let mut fields: Fields<'_> = [(&[], &[]); 16];
    let mut best = [f64::MAX; 3];
    let took = |start: Instant| start.elapsed().as_nanos() as f64 / f64::from(CALLS);
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        let start = Instant::now();
        for _ in 0..CALLS {
            black_box(split(black_box(sample), &mut fields));
            black_box(&fields);
        }
        best[0] = best[0].min(took(start));
        let start = Instant::now();
        for _ in 0..CALLS {
            let _ = black_box(decode(black_box(sample)));
        }
        best[1] = best[1].min(took(start));
        let start = Instant::now();
        for _ in 0..CALLS {
            black_box(&post).encode(black_box(&extension), None, Style::Tight, &mut out);
            black_box(&out);
        }
        best[2] = best[2].min(took(start));
    }
    best
}

fn allocations(sample: &'static [u8]) -> usize {
    let (post, extension) = (post(content(sample)), Extension::default());
    let mut out = Vec::with_capacity(2_048);
    let region = Region::new(ALLOCATOR);
    for _ in 0..1_000 {
        let _ = black_box(decode(black_box(sample)));
        black_box(&post).encode(&extension, None, Style::Tight, &mut out);
        black_box(&out);
    }
    let change = region.change();
    change.allocations + change.reallocations
}

/// The sample with a signature around it. Which one makes no difference here: it is found, not verified.
fn signed() -> Vec<u8> {
    let mut out = SAMPLE.to_vec();
    let end = out.len() - 1;
    out.splice(end..end, *b"SID:AQIDBAUGBwg\nPOST_NO:1\nLAMPORT:1\n");
    seal(&mut out, &PublicKey([7; 32]), 65_537, 0x1234_5678, |_| Signature([7; 64]));
    out
}

/// Nanoseconds to read a signed POST, and to find its signature: the best of many short rounds. Fails when one of them
/// allocates.
fn measure_signed(sample: &[u8]) -> [f64; 2] {
    const CALLS: u32 = 2_000;
    let mut best = [f64::MAX; 2];
    let region = Region::new(ALLOCATOR);
    let until = Instant::now() + Duration::from_secs(1);
    while Instant::now() < until {
        let start = Instant::now();
        for _ in 0..CALLS {
            let _ = black_box(decode(black_box(sample)));
        }
        best[0] = best[0].min(start.elapsed().as_nanos() as f64 / f64::from(CALLS));
        let start = Instant::now();
        for _ in 0..CALLS {
            let _ = black_box(Envelope::of(black_box(sample)));
        }
        best[1] = best[1].min(start.elapsed().as_nanos() as f64 / f64::from(CALLS));
    }
    let change = region.change();
    assert_eq!(change.allocations + change.reallocations, 0, "reading a signed POST allocates");
    best
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (name, sample) in [("sample", SAMPLE), ("longer", LONGER)] {
        let (post, extension) = (post(content(sample)), Extension::default());
        let mut out = Vec::with_capacity(2_048);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(sample.len() as u64));
        let mut fields: Fields<'_> = [(&[], &[]); 16];
        group.bench_function("split", |b| {
            b.iter(|| {
                black_box(split(black_box(sample), &mut fields));
                black_box(&fields);
            });
        });
        group.bench_function("decode", |b| b.iter(|| black_box(decode(black_box(sample)))));
        group.bench_function("encode", |b| {
            b.iter(|| {
                black_box(&post).encode(black_box(&extension), None, Style::Tight, &mut out);
                black_box(&out);
            });
        });
        group.finish();
    }
    criterion.final_summary();

    println!("bytes   split    decode   ratio (<= 1.6)   encode   ratio (<= 0.6)   allocations (0)");
    for sample in [SAMPLE, LONGER] {
        let [split, decode, encode] = measure(sample);
        let allocations = allocations(sample);
        println!(
            "{:>5} {split:>7.1} ns {decode:>6.1} ns {:>8.2} {encode:>14.1} ns {:>8.2} {allocations:>16}",
            sample.len(),
            decode / split,
            encode / split,
        );
        assert_eq!(allocations, 0, "reading or writing a POST allocates");
    }
    let signed = signed();
    assert!(Envelope::of(&signed).is_ok(), "the sample is not signed");
    let [decode, envelope] = measure_signed(&signed);
    println!("signed, {} bytes: decode {decode:.1} ns, finding the signature {envelope:.1} ns", signed.len());
}
