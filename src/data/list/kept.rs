//! What is kept of lists for the next start: each edit and statement as its author signed it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::data::Row;
use crate::engine::{Channel, Instant};
use crate::wire::{Envelope, Message, PublicKey, decode};

use super::chain::Chain;
use super::document::ChainId;
use super::replica::Replica;
use super::span::Body;
use super::undo::Inverse;
use super::{ListId, Standing};

/// The key of a row: list, author, epoch, number.
fn key(list: &ListId, chain: &ChainId, n: u32) -> Vec<u8> {
    [&list.0[..], &chain.0.0, &chain.1.to_be_bytes(), &n.to_be_bytes()].concat()
}

fn read_key(key: &[u8]) -> Option<(ListId, ChainId, u32)> {
    let (list, rest) = key.split_first_chunk::<16>()?;
    let (author, rest) = rest.split_first_chunk::<32>()?;
    let (epoch, rest) = rest.split_first_chunk::<4>()?;
    let n = u32::from_be_bytes(rest.try_into().ok()?);
    Some((ListId(*list), (PublicKey(*author), u32::from_be_bytes(*epoch)), n))
}

/// The body that a datagram holds; none when it is long, and so elsewhere.
fn body_of(raw: &[u8]) -> Option<Vec<u8>> {
    let Message::Data(data) = decode(raw).ok()?.message else { return None };
    data.body.bytes()
}

impl Replica {
    /// The row of something that is held.
    pub(super) fn row(&self, chain: &ChainId, n: u32) -> Option<Row> {
        let held = self.chains.get(chain)?.get(n)?;
        let long = if body_of(&held.raw).is_some() { &[][..] } else { &held.body };
        let mut value = Vec::with_capacity(held.raw.len() + long.len() + 8);
        for part in [&held.raw, long] {
            value.extend_from_slice(&u32::try_from(part.len()).unwrap_or(0).to_be_bytes());
            value.extend_from_slice(part);
        }
        if let Some(inverse) = self.inverses.get(&(chain.1, n)).filter(|_| self.is_me(&chain.0)) {
            // Writing into memory does not fail; without it the edit cannot be taken back after the next start.
            let _ = rmp_serde::encode::write_named(&mut value, inverse);
        }
        Some(Row { table: Channel::List, key: key(&self.id, chain, n), value: Some(value.into()) })
    }

    /// The rows of all that is held.
    pub(super) fn rows(&self) -> Vec<Row> {
        let all = self.chains.iter().flat_map(|(chain, held)| (1..=held.len()).map(|n| (*chain, n)));
        all.filter_map(|(chain, n)| self.row(&chain, n)).collect()
    }

    /// What drops the rows of a chain from this number on.
    pub(super) fn drops_of(&self, chain: &ChainId, n: u32) -> Vec<Row> {
        let len = self.chains.get(chain).map_or(0, Chain::len);
        (n..=len).map(|n| Row { table: Channel::List, key: key(&self.id, chain, n), value: None }).collect()
    }

    /// What drops the rows of edits, or of everything.
    pub(super) fn drops(&self, statements_too: bool) -> Vec<Row> {
        let some = self.chains.keys().filter(|(_, epoch)| statements_too || epoch.is_multiple_of(2));
        some.flat_map(|chain| self.drops_of(chain, 1)).collect()
    }
}

/// The lists that were kept.
pub(super) fn read(rows: Vec<Row>, me: PublicKey, now: Instant) -> BTreeMap<ListId, Replica> {
    let mut all: Vec<(ListId, u32, ChainId, u32, _)> = Vec::new();
    for row in rows {
        if let (Some((list, chain, n)), Some(value)) = (read_key(&row.key), row.value) {
            // Statements first: they say whose edits count.
            all.push((list, chain.1 % 2, chain, n, value));
        }
    }
    all.sort_by_key(|(list, odd, chain, n, _)| (*list, 1 - odd, *chain, *n));
    let mut lists: BTreeMap<ListId, Replica> = BTreeMap::new();
    // Somebody's statements may rest on those of somebody else that stand behind them.
    for _ in 0..3 {
        for (list, _, chain, n, value) in &all {
            let replica = lists.entry(*list).or_insert_with(|| Replica::new(*list, me, now));
            if replica.chains.get(chain).is_none_or(|held| held.get(*n).is_none()) {
                read_one(replica, chain, *n, value);
            }
        }
    }
    lists.retain(|_, replica| replica.standing().is_some());
    for replica in lists.values_mut() {
        if replica.standing() == Some(Standing::Left) {
            replica.forget_edits();
        }
        replica.refused = 0;
        replica.find_own();
        replica.settle();
    }
    lists
}

fn read_one(replica: &mut Replica, chain: &ChainId, n: u32, value: &[u8]) -> Option<()> {
    let (raw, rest) = split(value)?;
    let (long, rest) = split(rest)?;
    let body: Arc<[u8]> = if long.is_empty() { body_of(raw)?.into() } else { long.into() };
    let read = Body::decode(&body)?;
    if Envelope::of(raw).ok()?.key != chain.0 {
        return None;
    }
    let raw: Arc<[u8]> = raw.into();
    if replica.is_me(&chain.0)
        && !rest.is_empty()
        && let Ok(inverse) = rmp_serde::from_slice::<Inverse>(rest)
    {
        replica.inverses.insert((chain.1, n), inverse);
    }
    replica.take(chain.0, &read, (&raw, &body), &mut Vec::new(), Instant::BIRTH);
    Some(())
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*len) as usize)
}
