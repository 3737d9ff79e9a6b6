//! What the fuzz targets do with their input; `tests/fuzz.rs` replays the corpus with the same code.
#![allow(dead_code, unused_imports, reason = "each target uses one of these")]

mod authors;
mod input;
mod ledger;
mod played;
mod trust;

use lsnp::wire::{
    Carry, Chain, Chunk, Datagram, Dm, DmBody, Message, Numbers, Safe, SafeLines, Synced, decode as read, escaped,
    is_clean, unescaped,
};

pub use played::engine;
pub use trust::{sealed, signed};

/// Reads the bytes, and shows all text that they hold.
pub fn decode(bytes: &[u8]) {
    if let Ok(Some(carry)) = Carry::of(bytes) {
        assert!(Carry::of(carry.inner) == Ok(None), "a CARRY in a CARRY");
        if let Ok(inner) = read(carry.inner) {
            assert!(["POST", "DM", "ACK"].contains(&inner.message.kind()), "something else is carried");
        }
    }
    if let Ok(Some(chain)) = Chain::of(bytes) {
        assert!(chain.number > 0 && chain.lamport > 0 && chain.prev.is_some() == (chain.number > 1), "a broken chain");
        assert!(chain.long.is_none_or(|long| (1..=65_536).contains(&long.size)), "a text that is too long");
    }
    let Ok(datagram) = read(bytes) else { return };
    let show = |text: &str| {
        let safe = Safe::line(text);
        assert_eq!(Safe::line(safe.as_str()), safe, "shown text changes when it is shown again");
        assert!(!safe.as_str().chars().any(char::is_control), "a control character is shown");
        assert!(Safe::fitted(text, 32).width() <= 32, "a text is wider than it may be");
        let _ = SafeLines::of(text).iter().count();
    };
    show(datagram.message.kind());
    match datagram.message {
        Message::Discovery(m) => [m.display_name, m.status].into_iter().flatten().for_each(show),
        Message::Post(m) => {
            show(m.content);
            show(&unescaped(m.content));
        }
        Message::Dm(Dm { body: DmBody::Plain(content), .. }) => show(content),
        Message::Profile(m) => {
            [m.display_name, m.status].into_iter().flatten().for_each(show);
            let _ = m.avatar_data.and_then(|data| data.bytes());
        }
        Message::PeerListResponse(m) => {
            let ids = m.ids(64);
            assert!(ids.len() <= 64, "more ids than were wanted");
            ids.iter().for_each(|id| show(id));
        }
        Message::Chunk(m) => {
            let _ = m.bytes();
        }
        Message::Sync(m) => {
            let (Synced::Ask { have: list, .. } | Synced::Offer(list) | Synced::Want(list)) = &m.what;
            check_numbers(list);
        }
        _ => {}
    }
    let (text, marked) = std::str::from_utf8(bytes).map_or(("".into(), false), escaped);
    assert!(is_clean(&text), "an escaped text splits");
    if marked {
        assert_eq!(unescaped(&text).as_bytes(), bytes, "an escaped text does not come back");
    }
}

/// Authors ascend, and so do their numbers, which do not touch.
fn check_numbers(list: &[Numbers]) {
    assert!(list.len() <= 30 && list.is_sorted_by(|one, next| one.author < next.author), "authors in another order");
    for Numbers { ranges, .. } in list {
        assert!((1..=16).contains(&ranges.len()), "{} ranges", ranges.len());
        assert!(ranges.iter().all(|range| 0 < *range.start() && range.start() <= range.end()), "an empty range");
        assert!(ranges.is_sorted_by(|one, next| one.end() + 1 < *next.start()), "ranges that touch");
    }
}

/// Writes what was read, and reads it again.
pub fn roundtrip(bytes: &[u8]) {
    let Ok(datagram) = read(bytes) else { return };
    let Some(out) = written(&datagram) else { return };
    let again = match read(&out) {
        Ok(again) => again,
        Err(error) => panic!("what we wrote is refused: {error}"),
    };
    assert_eq!(written(&again).as_deref(), Some(&out[..]), "what we wrote is read otherwise");
    let lines = out.split(|byte| matches!(byte, b'\n' | b'\r' | 0x0b | 0x0c | 0x1c..=0x1e)).count();
    let keys = out.split(|byte| *byte == b'\n').count();
    assert_eq!(lines, keys, "a value splits");
}

fn written(datagram: &Datagram<'_>) -> Option<Vec<u8>> {
    let (ext, style) = (&datagram.extension, datagram.style);
    let mut out = Vec::new();
    match &datagram.message {
        Message::Discovery(m) => m.encode(ext, style, &mut out),
        Message::Ping(m) => m.encode(ext, style, &mut out),
        Message::Post(m) => m.encode(ext, None, style, &mut out),
        Message::Dm(m) => m.encode(ext, None, style, &mut out),
        Message::Profile(m) => m.encode(ext, None, style, &mut out),
        Message::PeerListRequest(m) => m.encode(ext, style, &mut out),
        Message::ChunkRequest(m) => m.encode(ext, &mut out),
        Message::Chunk(m) => Chunk::encode(m.from, &m.bytes()?, ext, &mut out),
        Message::Ack(m) => m.encode(ext, style, &mut out),
        Message::Sync(m) => m.encode(ext, &mut out),
        Message::Data(m) => m.encode(ext, &mut out),
        _ => return None,
    }
    Some(out)
}
