//! The bodies of a DATA of lists: edits, statements of members, and what one has of a list (protocol.md §11.3).
//!
//! Every body is a row of MessagePack values: a head, then what belongs to its kind.

use std::collections::BTreeMap;
use std::fmt;

use rmp_serde::Deserializer;
use serde::de::{self, IgnoredAny, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::wire::{PublicKey, is_clean};

use super::ListId;

/// Longest text of an item, bytes.
pub(super) const TEXT_MAX: usize = 2_000;
/// Most fields of an item in one edit.
pub(super) const FIELDS_MAX: usize = 16;
/// Longest name of a field, bytes.
pub(super) const FIELD_NAME_MAX: usize = 32;
/// Longest value of a field, bytes.
pub(super) const FIELD_MAX: usize = 500;
/// Most characters of the name of a list.
pub(super) const NAME_MAX: usize = 64;
/// Places beyond this one are nobody's.
const PLACE_MAX: u32 = 200_000;
/// Most edits that one edit directly follows.
const DEPS_MAX: usize = 300;
/// Most chains that one tells of.
pub(super) const HEADS_MAX: usize = 1_900;
/// Most lists that one tells of at once.
pub(super) const HASHES_MAX: usize = 64;
/// No number of an edit or a statement is greater.
pub(super) const NUMBER_MAX: u32 = 1 << 20;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    Edit(Edit),
    Statement(Statement),
    Heads(Heads),
    Hashes(Vec<Hashes>),
}

/// Where something stands among what its author said of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) list: ListId,
    /// Names the chain: odd for statements, even for edits.
    pub(super) epoch: u32,
    /// From 1, without a gap.
    pub(super) n: u32,
    /// Folds all that stands before it in its chain; 0 for the first.
    pub(super) before: u64,
    /// Unix seconds by the clock of the author: a label.
    pub(super) at: u64,
}

/// One edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) place: Place,
    /// What the author had seen, as the last operations (replica, counter), in order.
    pub(super) deps: Vec<(u64, u32)>,
    /// The author's own edit that this one takes back, by epoch and number.
    pub(super) undoes: Option<(u32, u32)>,
    pub(super) op: Op,
}

/// What an edit does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    Add { pos: u32, text: String, fields: BTreeMap<String, String> },
    Move { item: u64, from: u32, to: u32 },
    Set { item: u64, text: Option<String>, fields: BTreeMap<String, Option<String>> },
    Remove { pos: u32, start: (u64, u32) },
}

/// What somebody says about who takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) place: Place,
    /// 1 more than the greatest that its author knew.
    pub(super) order: u32,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Create(String),
    Invite(PublicKey),
    Open,
    Join,
    Leave,
}

/// How far one is with a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heads {
    pub(super) list: ListId,
    /// One takes part, and wants edits too.
    pub(super) whole: bool,
    pub(super) heads: Vec<Head>,
}

/// How far one is with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The first 8 bytes of the author's key.
    pub(super) author: u64,
    pub(super) epoch: u32,
    /// All to here.
    pub(super) n: u32,
    /// Folds all to here.
    pub(super) check: u64,
    /// Which of the 32 after `n + 1` are here too, the lowest bit for `n + 2`.
    pub(super) beyond: u32,
}

/// What one has of a list, folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hashes {
    pub(super) list: ListId,
    pub(super) statements: u64,
    /// 0 for who takes no part.
    pub(super) edits: u64,
    /// What the list is; 0 for who takes no part or is about to bring more into it.
    pub(super) outcome: u64,
}

/// Bytes as such, not as an array of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bin<const N: usize>([u8; N]);

type HeadOfPlace = (u8, Bin<16>, u32, u32, u64, u64);

impl<const N: usize> Serialize for Bin<N> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_bytes(&self.0)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bin<N> {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Plain<const N: usize>;
        impl<const N: usize> Visitor<'_> for Plain<N> {
            type Value = Bin<N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{N} bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bin<N>, E> {
                bytes.try_into().map(Bin).map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }
        from.deserialize_bytes(Plain)
    }
}

/// Kinds of bodies, the first number of each.
mod kind {
    pub(super) const ADD: u8 = 0;
    pub(super) const MOVE: u8 = 1;
    pub(super) const SET: u8 = 2;
    pub(super) const REMOVE: u8 = 3;
    pub(super) const CREATE: u8 = 16;
    pub(super) const INVITE: u8 = 17;
    pub(super) const OPEN: u8 = 18;
    pub(super) const JOIN: u8 = 19;
    pub(super) const LEAVE: u8 = 20;
    pub(super) const HEADS: u8 = 32;
    pub(super) const HASHES: u8 = 33;
}

fn put<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    // Writing into memory does not fail.
    let _ = rmp_serde::encode::write(out, value);
}

fn get<'de, T: Deserialize<'de>, R: rmp_serde::decode::ReadSlice<'de>>(from: &mut Deserializer<R>) -> Option<T> {
    T::deserialize(from).ok()
}

impl Body {
    /// Reads a body; none when it is not of the form, or larger than anything may be.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        // An array of six begins what is signed, one of two what is not.
        let mut from = Deserializer::from_read_ref(bytes);
        from.set_max_depth(8);
        let body = match bytes.first()? {
            0x96 => {
                let (kind, list, epoch, n, before, at): HeadOfPlace = get(&mut from)?;
                let place = Place { list: ListId(list.0), epoch, n, before, at };
                if !(1..=NUMBER_MAX).contains(&n) {
                    return None;
                }
                if kind < kind::CREATE {
                    Self::Edit(Edit::read(place, kind, &mut from)?)
                } else {
                    Self::Statement(Statement::read(place, kind, &mut from)?)
                }
            }
            0x92 => match get(&mut from)? {
                (kind::HEADS, whole) => {
                    let (list, heads): (Bin<16>, Vec<Head>) = get(&mut from)?;
                    let bounded = heads.len() <= HEADS_MAX && heads.iter().all(|head| head.n <= NUMBER_MAX);
                    Self::Heads(Heads { list: ListId(list.0), whole, heads: bounded.then_some(heads)? })
                }
                (kind::HASHES, false) => {
                    let hashes: Vec<(Bin<16>, u64, u64, u64)> = get(&mut from)?;
                    let read = |(list, statements, edits, outcome): (Bin<16>, u64, u64, u64)| Hashes {
                        list: ListId(list.0),
                        statements,
                        edits,
                        outcome,
                    };
                    (hashes.len() <= HASHES_MAX).then_some(())?;
                    Self::Hashes(hashes.into_iter().map(read).collect())
                }
                _ => return None,
            },
            _ => return None,
        };
        // Nothing may follow: the next value ends before it begins.
        let end = IgnoredAny::deserialize(&mut from);
        matches!(end, Err(rmp_serde::decode::Error::InvalidMarkerRead(_))).then_some(body)
    }
}

impl Body {
    /// Where it stands among what its author said; none of what is not signed for itself.
    pub(super) fn place(&self) -> Option<&Place> {
        match self {
            Self::Edit(edit) => Some(&edit.place),
            Self::Statement(statement) => Some(&statement.place),
            Self::Heads(_) | Self::Hashes(_) => None,
        }
    }
}

impl Place {
    fn write(&self, kind: u8, out: &mut Vec<u8>) {
        put(out, &(kind, Bin(self.list.0), self.epoch, self.n, self.before, self.at));
    }
}

impl Edit {
    /// Writes the body of a DATA.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        let kind = match self.op {
            Op::Add { .. } => kind::ADD,
            Op::Move { .. } => kind::MOVE,
            Op::Set { .. } => kind::SET,
            Op::Remove { .. } => kind::REMOVE,
        };
        self.place.write(kind, &mut out);
        put(&mut out, &(&self.deps, self.undoes));
        match &self.op {
            Op::Add { pos, text, fields } => put(&mut out, &(pos, text, fields)),
            Op::Move { item, from, to } => put(&mut out, &(item, from, to)),
            Op::Set { item, text, fields } => put(&mut out, &(item, text, fields)),
            Op::Remove { pos, start } => put(&mut out, &(pos, start)),
        }
        out
    }

    fn read<'de, R: rmp_serde::decode::ReadSlice<'de>>(
        place: Place,
        kind: u8,
        from: &mut Deserializer<R>,
    ) -> Option<Self> {
        type Follows = (Vec<(u64, u32)>, Option<(u32, u32)>);
        let (deps, undoes): Follows = get(from)?;
        let ordered = deps.windows(2).all(|pair| pair[0] < pair[1]) && deps.len() <= DEPS_MAX;
        if !ordered || !place.epoch.is_multiple_of(2) || deps.iter().any(|(_, counter)| *counter >= 1 << 30) {
            return None;
        }
        let op = match kind {
            kind::ADD => {
                let (pos, text, fields): (_, String, BTreeMap<String, String>) = get(from)?;
                check_text(&text).ok()?;
                check_fields(fields.iter().map(|(name, value)| (name, Some(value)))).ok()?;
                Op::Add { pos, text, fields }
            }
            kind::MOVE => {
                let (item, from, to) = get(from)?;
                Op::Move { item, from, to }
            }
            kind::SET => {
                let (item, text, fields): (_, Option<String>, BTreeMap<String, Option<String>>) = get(from)?;
                text.as_deref().map_or(Ok(()), check_text).ok()?;
                check_fields(fields.iter().map(|(name, value)| (name, value.as_ref()))).ok()?;
                if text.is_none() && fields.is_empty() {
                    return None;
                }
                Op::Set { item, text, fields }
            }
            kind::REMOVE => {
                let (pos, start) = get(from)?;
                Op::Remove { pos, start }
            }
            _ => return None,
        };
        let far = match op {
            Op::Add { pos, .. } => pos,
            Op::Move { from, to, .. } => from.max(to),
            Op::Set { .. } => 0,
            Op::Remove { pos, start } => pos.max(if start.1 < 1 << 30 { 0 } else { u32::MAX }),
        };
        (far <= PLACE_MAX).then_some(Self { place, deps, undoes, op })
    }

    /// Operations of the document that it makes.
    pub(super) fn count(&self) -> u32 {
        let count = match &self.op {
            Op::Add { fields, .. } => 1 + fields.len(),
            Op::Set { text, fields, .. } => usize::from(text.is_some()) + fields.len(),
            Op::Move { .. } | Op::Remove { .. } => 1,
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

impl Statement {
    /// Writes the body of a DATA.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        let kind = match self.what {
            What::Create(_) => kind::CREATE,
            What::Invite(_) => kind::INVITE,
            What::Open => kind::OPEN,
            What::Join => kind::JOIN,
            What::Leave => kind::LEAVE,
        };
        self.place.write(kind, &mut out);
        put(&mut out, &self.order);
        match &self.what {
            What::Create(name) => put(&mut out, name),
            What::Invite(key) => put(&mut out, &Bin(key.0)),
            What::Open | What::Join | What::Leave => {}
        }
        out
    }

    fn read<'de, R: rmp_serde::decode::ReadSlice<'de>>(
        place: Place,
        kind: u8,
        from: &mut Deserializer<R>,
    ) -> Option<Self> {
        let order: u32 = get(from)?;
        let what = match kind {
            kind::CREATE => {
                let name: String = get(from)?;
                check_name(&name).ok()?;
                // The list is named by what says this, so its name is not in it.
                (place.list == ListId([0; 16]) && place.n == 1).then_some(What::Create(name))?
            }
            kind::INVITE => What::Invite(PublicKey(get::<Bin<32>, _>(from)?.0)),
            kind::OPEN => What::Open,
            kind::JOIN => What::Join,
            kind::LEAVE => What::Leave,
            _ => return None,
        };
        (!place.epoch.is_multiple_of(2) && order <= NUMBER_MAX).then_some(Self { place, order, what })
    }
}

impl Heads {
    /// Writes the body of a DATA.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32 + self.heads.len() * 26);
        put(&mut out, &(kind::HEADS, self.whole));
        put(&mut out, &(Bin(self.list.0), &self.heads));
        out
    }
}

impl Hashes {
    /// Writes the body of a DATA.
    pub(super) fn encode(all: &[Self]) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 + all.len() * 30);
        put(&mut out, &(kind::HASHES, false));
        let rows: Vec<_> = all.iter().map(|one| (Bin(one.list.0), one.statements, one.edits, one.outcome)).collect();
        put(&mut out, &rows);
        out
    }
}

/// Text that an item may have.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check_text(text: &str) -> Result<(), crate::data::Error> {
    bounded("an item", text, TEXT_MAX)
}

/// A name that a list may have.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check_name(name: &str) -> Result<(), crate::data::Error> {
    bounded("the name of a list", name, NAME_MAX * 4)?;
    if name.chars().count() > NAME_MAX {
        return Err(crate::data::Error::Bad("the name of a list has at most 64 characters"));
    }
    if name.contains('#') || name.trim() != name {
        return Err(crate::data::Error::Bad("the name of a list holds no # and begins and ends with no space"));
    }
    Ok(())
}

/// Fields that an item may have.
///
/// # Errors
/// What is wrong with them.
pub(super) fn check_fields<'a>(
    fields: impl Iterator<Item = (&'a String, Option<&'a String>)>,
) -> Result<(), crate::data::Error> {
    use crate::data::Error;
    let mut count = 0;
    for (name, value) in fields {
        count += 1;
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        if name.is_empty() || name.len() > FIELD_NAME_MAX || !name.bytes().all(word) {
            return Err(Error::Bad("the name of a field has 1 to 32 characters of a-z, 0-9, _ and -"));
        }
        match value {
            Some(value) if value.len() > FIELD_MAX => {
                return Err(Error::TooLong { what: "a field", bytes: value.len(), max: FIELD_MAX });
            }
            Some(value) if !is_clean(value) => {
                return Err(Error::Bad("a field holds no line breaks and no control characters"));
            }
            _ => {}
        }
    }
    if count > FIELDS_MAX {
        return Err(Error::Full { what: "fields", max: FIELDS_MAX, advice: "put more into one of them" });
    }
    Ok(())
}

fn bounded(what: &'static str, text: &str, max: usize) -> Result<(), crate::data::Error> {
    use crate::data::Error;
    if text.trim().is_empty() {
        return Err(Error::Bad("an item needs a text, and a list a name"));
    }
    if text.len() > max {
        return Err(Error::TooLong { what, bytes: text.len(), max });
    }
    if !is_clean(text) {
        return Err(Error::Bad("an item and the name of a list hold no line breaks and no control characters"));
    }
    Ok(())
}
