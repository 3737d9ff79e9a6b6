//! Signed and sealed datagrams, mutated.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use lsnp::engine::Crypto;
use lsnp::sim::FakeCrypto;
use lsnp::wire::{
    Assembly, Carry, Chain, Dm, DmBody, Envelope, Extension, GroupFrame, Message, PieceHash, Pieces, SIGNED_DOMAIN,
    SealedBody, Taken, decode,
};

use super::authors::Authors;
use super::input::Input;

/// All that anybody ever signed here.
static SIGNED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let texts = [
        "TYPE:PEER_DISCOVERY\nUSER_ID:a@10.0.0.2\nPORT:8001\nPREKEY:0b0b0001,\
         ZLEBsdC-WocEvQePmJUAH8A-jp-VIvGI3RKNmEbUhGY\nSID:AQIDBAUGBwg\nASK:ERITFBUWFxg\n",
        "TYPE:POST\nUSER_ID:a@10.0.0.2\nCONTENT:Hello\nMESSAGE_ID:1\nSID:AQIDBAUGBwg\nPOST_NO:1\nLAMPORT:1\n",
        "TYPE:POST\nUSER_ID:b@10.0.0.3\nCONTENT:Hi\nMESSAGE_ID:1\nSID:CAcGBQQDAgE\nPOST_NO:2\n\
         PREV:AQIDBAUGBwgJCgsMDQ4PEA\nSEEN:AQIDBAUGBwgJCgsMDQ4PEA\nLAMPORT:9\n",
        "TYPE:PROFILE\nUSER_ID:b@10.0.0.3\nDISPLAY_NAME:Bob\nSTATUS:here\nSID:CAcGBQQDAgE\n",
        "TYPE:DM\nFROM:a@10.0.0.2\nTO:b@10.0.0.3\nSEAL:1\nKID:0b0b0001\nMESSAGE_ID:2\nBOX:AAAA\nSID:AQIDBAUGBwg\n",
        "TYPE:CHUNK_REQUEST\nFROM:a@10.0.0.2\nHASH:AQIDBAUGBwgJCgsMDQ4PEA\nSID:AQIDBAUGBwg\n",
        "TYPE:ACK\nMESSAGE_ID:2\nFOR:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA\nSTATUS:STORED\nSID:AQIDBAUGBwg\n",
        "TYPE:SYNC\nFROM:a@10.0.0.2\nWANT:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=1-3,7\nSID:AQIDBAUGBwg\n",
    ];
    let mut authors = Authors::new();
    texts.iter().zip(0..).map(|(text, at)| authors.sign(at, 1, text.as_bytes())).collect()
});

fn lines(datagram: &[u8]) -> Vec<Vec<u8>> {
    datagram.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Changes a signed datagram, or takes any bytes: nothing is believed that was not signed so, byte for byte.
pub fn signed(bytes: &[u8]) {
    let mut input = Input(bytes);
    let first = input.byte();
    let base = |which: u8| &SIGNED[usize::from(which) % SIGNED.len()];
    let mut datagram = if first == u8::MAX { input.rest().to_vec() } else { base(first).clone() };
    for _ in 0..16 {
        if first == u8::MAX || input.is_empty() {
            break;
        }
        let mut all = lines(&datagram);
        let what = input.byte();
        let at = usize::from(input.number());
        let line = at % all.len().max(1);
        match what % 12 {
            0 if !datagram.is_empty() => {
                let at = at % datagram.len();
                datagram[at] = input.byte();
                continue;
            }
            1 => {
                datagram.splice(at % (datagram.len() + 1).., input.part().to_vec());
                continue;
            }
            2 => {
                datagram.truncate(at % (datagram.len() + 1));
                continue;
            }
            3 => {
                datagram.extend_from_slice(input.part());
                continue;
            }
            4 if !all.is_empty() => drop(all.remove(line)),
            5 if !all.is_empty() => {
                let other = usize::from(input.byte()) % all.len();
                all.swap(line, other);
            }
            6 if !all.is_empty() => {
                let to = usize::from(input.byte()) % all.len();
                all.insert(to, all[line].clone());
            }
            7 => {
                let other = lines(base(input.byte()));
                let from = usize::from(input.byte()) % other.len();
                if what & 128 == 0 && !all.is_empty() {
                    all[line] = other[from].clone();
                } else {
                    all.insert(line, other[from].clone());
                }
            }
            8 if !all.is_empty() => {
                let key = all[line].iter().position(|byte| *byte == b':').map_or(0, |colon| colon + 1);
                all[line].truncate(key);
                all[line].extend_from_slice(input.part());
                all[line].push(b'\n');
            }
            9 => {
                let other = lines(base(input.byte()));
                let from = usize::from(input.byte()) % other.len();
                all.truncate(line);
                all.extend_from_slice(&other[from..]);
            }
            10 if !all.is_empty() => {
                if all[line].pop().is_some() {
                    all[line].extend_from_slice(b"\r\n");
                }
            }
            _ => all.insert(line, [input.part(), b"\n"].concat()),
        }
        datagram = all.concat();
    }
    check_signed(&datagram);
}

fn check_signed(datagram: &[u8]) {
    let marked = datagram
        .split(|byte| *byte == b'\n')
        .any(|line| [&b"PK:"[..], b"SEQ:", b"SIG:"].iter().any(|key| line.starts_with(key)));
    let read = decode(datagram);
    if let Ok(read) = &read {
        assert!(read.extension.signed || !marked, "something with a signature counts as unsigned");
    }
    let _ = Chain::of(datagram);
    let Ok(envelope) = Envelope::of(datagram) else { return };
    assert!(marked, "a signature without its keys");
    assert_eq!(Envelope::claimed_key(datagram), Some(envelope.key), "two readings of who signed it");
    assert!(read.is_err() || read.is_ok_and(|read| read.extension.signed), "signed, and not");
    let signature = data_encoding::BASE64URL_NOPAD.encode(&envelope.signature.0);
    let again = [envelope.signed, b"SIG:", signature.as_bytes(), b"\n\n"].concat();
    assert_eq!(again, datagram, "a signature has two spellings");
    if FakeCrypto::new(0).verify(&envelope.key, SIGNED_DOMAIN, envelope.signed, &envelope.signature) {
        assert!(SIGNED.iter().any(|signed| signed == datagram), "a forgery");
    }
}

/// Reads the bytes as everything that is sealed or holds something sealed; what has one form is written the same again.
pub fn sealed(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    match first % 8 {
        0 => {
            if let Some(body) = SealedBody::decode(bytes) {
                assert!(body.text.len() <= bytes.len(), "a text that is longer than what it came in");
                let held = [!body.text.is_empty(), body.long.is_some(), body.ack.is_some()];
                assert_eq!(held.iter().filter(|one| **one).count(), 1, "a body of more than one thing");
                assert!(body.long.as_ref().is_none_or(|long| (17..=65_552).contains(&long.size)), "a size");
                assert_eq!(SealedBody::decode(&body.encode()), Some(body), "a body that changes");
            }
        }
        1 => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let body = SealedBody::text(&text, bytes.len() as u64);
            let read = SealedBody::decode(&body.encode());
            assert_eq!(read, Some(body).filter(|_| !text.is_empty()), "a text that does not survive");
        }
        2 => check_dm(bytes),
        3 => check_group_frame(bytes),
        4 => check_carry(bytes),
        5 => check_pieces(bytes),
        _ => check_lists(bytes),
    }
}

fn check_carry(bytes: &[u8]) {
    let Ok(Some(carry)) = Carry::of(bytes) else { return };
    let mut out = Vec::new();
    carry.encode(&mut out);
    assert_eq!(out, bytes, "a CARRY that has two forms");
    assert!(carry.inner.len() <= 1_200, "too much is carried");
}

/// Cuts bytes, more of them than there are here, and puts them together in an order that the bytes tell.
fn check_pieces(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (repeats, step) = (usize::from(input.byte()) + 1, usize::from(input.byte()));
    let whole = input.rest().repeat(repeats);
    let Some(pieces) = Pieces::cut(&whole[..whole.len().min(65_552)]) else { return };
    let size = whole.len().min(65_552);
    let root = pieces.root();
    let stock: BTreeMap<PieceHash, Vec<u8>> = pieces.into_pieces().into_iter().collect();
    let Some(mut assembly) = Assembly::new(root, size) else { panic!("{size} bytes are not put together") };
    for _ in 0..=stock.len() {
        let missing: Vec<PieceHash> = assembly.missing().collect();
        assert!(!missing.is_empty(), "nothing is missing, and nothing whole");
        match assembly.take(stock[&missing[step % missing.len()]].clone()) {
            Taken::More => {}
            Taken::Whole(again) => return assert_eq!(again, whole[..size], "put together otherwise"),
            other => panic!("{other:?}"),
        }
    }
    panic!("it does not end");
}

/// Takes pieces that an author made up: a list of them under a size that need not be right.
fn check_lists(bytes: &[u8]) {
    let mut input = Input(bytes);
    let size = usize::from(input.number()) + usize::from(input.byte() & 1) * 16;
    let mut parts: Vec<Vec<u8>> = Vec::new();
    while !input.is_empty() && parts.len() < 40 {
        parts.push(input.part().to_vec());
    }
    let list: Vec<u8> = parts.iter().flat_map(|part| PieceHash::of(part).0).collect();
    let root = PieceHash::of(&list);
    let Some(mut assembly) = Assembly::new(root, size) else { return };
    for piece in [list].into_iter().chain(parts) {
        let before = assembly.missing().count();
        match assembly.take(piece) {
            Taken::Whole(whole) => return assert_eq!(whole.len(), size, "whole, and of another size"),
            Taken::Stray => assert_eq!(assembly.missing().count(), before, "a stray changes something"),
            Taken::More | Taken::Broken => {}
        }
        assert!(assembly.missing().count() <= 110, "too much is wanted");
    }
}

fn check_dm(bytes: &[u8]) {
    let framed = bytes.starts_with(DmBody::FRAME);
    let Ok(datagram) = decode(bytes) else { return };
    let Message::Dm(dm) = datagram.message else {
        assert!(!framed, "a frame that is no DM");
        return;
    };
    let mut out = Vec::new();
    dm.encode(&Extension::default(), None, datagram.style, &mut out);
    match dm.body {
        DmBody::Plain(_) => assert!(!framed, "a frame that is no frame"),
        DmBody::Letter { sealed, .. } => {
            assert!(!framed, "a frame that is a letter");
            let _ = sealed.read(&mut Vec::new());
            let again = decode(&out).map(|again| again.message);
            assert!(matches!(again, Ok(Message::Dm(Dm { body, .. })) if body == dm.body), "a letter that changes");
        }
        DmBody::Frame { sealed, .. } => {
            assert_eq!(out, bytes, "a frame that has two forms");
            let _ = sealed.read(&mut Vec::new());
        }
    }
}

fn check_group_frame(bytes: &[u8]) {
    let Some(frame) = GroupFrame::of(bytes) else { return };
    let mut out = Vec::new();
    GroupFrame::begin(frame.sid, frame.counter, &mut out);
    assert_eq!(out, frame.head, "a head that has two forms");
    if let Some(sealed) = frame.bytes() {
        GroupFrame::end(&sealed, &mut out);
        assert_eq!(out, bytes, "a group frame that has two forms");
    }
}
