//! What two boards say to each other until they are the same (protocol.md §11.5).

use std::borrow::Cow;

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

use super::lines::PARTS;

/// Lines that one message names.
pub(super) const HEADS: usize = 20;
/// Lines that are asked for in one message.
pub(super) const WANTED: usize = 40;

/// A message between boards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Talk {
    /// The sum of each part: its last 4 bytes.
    Sums(Box<[u32; PARTS]>),
    /// All lines that the writer has, of those whose names have hashes from the first to the last.
    Heads { first: u64, last: u64, heads: Vec<Head> },
    /// Lines that the writer wants, by the hashes of their names.
    Want(Vec<u64>),
}

/// A line, as another board knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: u64,
    pub(super) lamport: u64,
    /// The last 4 of the first 8 bytes of its hash.
    pub(super) mark: u32,
}

/// Bytes of a [`Head`]: 8, 5 and 4.
const HEAD: usize = 17;

#[derive(Deserialize)]
struct Fields<'a> {
    v: u64,
    #[serde(borrow, default)]
    sums: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    heads: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    want: Option<Cow<'a, str>>,
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

impl Talk {
    pub(super) fn write(&self) -> String {
        let (key, bytes) = match self {
            Self::Sums(sums) => ("sums", sums.iter().flat_map(|sum| sum.to_be_bytes()).collect::<Vec<u8>>()),
            Self::Heads { first, last, heads } => {
                let mut bytes = [first.to_be_bytes(), last.to_be_bytes()].concat();
                for head in heads {
                    bytes.extend(head.name.to_be_bytes());
                    bytes.extend(&head.lamport.to_be_bytes()[3..]);
                    bytes.extend(head.mark.to_be_bytes());
                }
                ("heads", bytes)
            }
            Self::Want(names) => ("want", names.iter().flat_map(|name| name.to_be_bytes()).collect()),
        };
        format!("{{\"v\":1,\"{key}\":\"{}\"}}", BASE64URL_NOPAD.encode(&bytes))
    }

    /// Reads a message; `None` for what is none, or breaks a limit.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let fields: Fields<'_> = serde_json::from_slice(body).ok().filter(|fields: &Fields<'_>| fields.v == 1)?;
        if let Some(sums) = &fields.sums {
            let bytes = bytes(sums)?;
            let (words, rest) = bytes.as_chunks::<4>();
            let words: Vec<u32> = words.iter().map(|word| u32::from_be_bytes(*word)).collect();
            let sums = <[u32; PARTS]>::try_from(words).ok().filter(|_| rest.is_empty())?;
            return Some(Self::Sums(Box::new(sums)));
        }
        if let Some(heads) = &fields.heads {
            let bytes = bytes(heads)?;
            let (first, rest) = bytes.split_first_chunk()?;
            let (last, rest) = rest.split_first_chunk()?;
            let (heads, rest) = rest.as_chunks::<HEAD>();
            let (first, last) = (u64::from_be_bytes(*first), u64::from_be_bytes(*last));
            let heads: Vec<Head> = heads.iter().map(Head::read).collect();
            let good = rest.is_empty() && first <= last && heads.len() <= HEADS;
            let within = heads.iter().all(|head| (first..=last).contains(&head.name));
            return (good && within).then_some(Self::Heads { first, last, heads });
        }
        let bytes = bytes(fields.want.as_deref()?)?;
        let (names, rest) = bytes.as_chunks::<8>();
        let good = rest.is_empty() && names.len() <= WANTED;
        good.then(|| Self::Want(names.iter().map(|name| u64::from_be_bytes(*name)).collect()))
    }
}

impl Head {
    fn read(bytes: &[u8; HEAD]) -> Self {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Self {
            name: number(&bytes[..8]),
            lamport: number(&bytes[8..13]),
            mark: u32::try_from(number(&bytes[13..])).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes of a body that fit into a datagram as they are.
    const FITS: usize = 500;

    #[test]
    fn what_is_written_is_read_and_fits_into_a_datagram() {
        let head = |n: u64| Head { name: 1_000 + n, lamport: (1 << 40) - 1 - n % 2, mark: u32::MAX };
        let mut sums = [7; PARTS];
        sums[63] = u32::MAX;
        for talk in [
            Talk::Sums(Box::new(sums)),
            Talk::Heads { first: 1_000, last: u64::MAX, heads: (0..HEADS as u64).map(head).collect() },
            Talk::Heads { first: 0, last: 0, heads: Vec::new() },
            Talk::Want((0..WANTED as u64).collect()),
        ] {
            let text = talk.write();
            assert!(text.len() <= FITS, "{} bytes", text.len());
            assert_eq!(Talk::read(text.as_bytes()), Some(talk));
        }
    }

    #[test]
    fn what_breaks_a_limit_is_not_read() {
        let head = Head { name: 5, lamport: 1, mark: 2 };
        for talk in [
            Talk::Heads { first: 0, last: 9, heads: vec![head; HEADS + 1] },
            Talk::Heads { first: 6, last: 9, heads: vec![head] },
            Talk::Heads { first: 9, last: 0, heads: Vec::new() },
            Talk::Want(vec![1; WANTED + 1]),
        ] {
            assert_eq!(Talk::read(talk.write().as_bytes()), None, "{talk:?}");
        }
        for bad in ["{\"v\":1,\"sums\":\"AAAA\"}", "{\"v\":1,\"want\":\"AA\"}", "{\"v\":2,\"want\":\"\"}", "{\"v\":1}"]
        {
            assert_eq!(Talk::read(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_not(text in "[A-Za-z0-9_-]{0,600}", key in "sums|heads|want") {
            let _ = Talk::read(format!("{{\"v\":1,\"{key}\":\"{text}\"}}").as_bytes());
        }
    }
}
