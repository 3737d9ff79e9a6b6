//! What is in the cache: bounded in number, bytes and time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::data::Row;
use crate::engine::{Channel, Instant};
use crate::wire::PublicKey;

use super::said::KeyId;
use super::{Key, VALUE_MAX, ValueHash};

/// Entries at most.
pub(super) const ENTRIES_MAX: usize = 1_000;

/// Bytes of all values at most.
pub(super) const BYTES_MAX: u64 = 256 << 20;

/// Shortest and longest time that a value is good.
pub(super) const TTL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(7 * 24 * 3_600));

/// One value under one key.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) hash: ValueHash,
    pub(super) size: u32,
    /// Who put it in.
    pub(super) by: PublicKey,
    pub(super) end: Instant,
    /// Its place in the order of use.
    used: u64,
    /// A small value is at hand, once it was here.
    pub(super) small: Option<Arc<[u8]>>,
}

impl Entry {
    pub(super) fn new(key: Key, hash: ValueHash, size: u32, by: PublicKey, end: Instant) -> Self {
        Self { key, hash, size, by, end, used: 0, small: None }
    }

    /// The row that brings it back; `unix` is now.
    pub(super) fn row(&self, unix: u64, now: Instant) -> Row {
        let kept = Kept {
            namespace: self.key.namespace.clone(),
            name: self.key.name.clone(),
            hash: self.hash.0,
            size: self.size,
            by: self.by.0,
            from: unix,
            until: unix + self.end.since(now).as_secs(),
        };
        let value = rmp_serde::to_vec(&kept).unwrap_or_default();
        Row { table: Channel::Cache, key: KeyId::of(&self.key).0.to_vec(), value: Some(value.into()) }
    }

    /// Reads a row; none when it is none of ours or too old. A clock that was set back brings no more than the time that
    /// was left then.
    pub(super) fn read(row: &Row, unix: u64, now: Instant) -> Option<(u64, Self)> {
        let kept: Kept = rmp_serde::from_slice(row.value.as_ref()?).ok()?;
        // Both clocks are cut to seconds.
        let left = kept.until.checked_sub(unix)?.min(kept.until.saturating_sub(kept.from)).checked_sub(1)?;
        let key = Key { namespace: kept.namespace, name: kept.name };
        let good = left > 0
            && left <= TTL.1.as_secs()
            && kept.size as usize <= VALUE_MAX
            && row.key == KeyId::of(&key).0
            && super::check_key(&key).is_ok();
        let end = now + Duration::from_secs(left);
        good.then(|| (kept.from, Self::new(key, ValueHash(kept.hash), kept.size, PublicKey(kept.by), end)))
    }
}

#[derive(Serialize, Deserialize)]
struct Kept {
    namespace: String,
    name: String,
    hash: [u8; 32],
    size: u32,
    by: [u8; 32],
    /// Unix seconds.
    from: u64,
    until: u64,
}

#[derive(Debug, Default)]
pub(super) struct Shelf {
    entries: BTreeMap<KeyId, Entry>,
    by_use: BTreeMap<u64, KeyId>,
    by_end: BTreeSet<(Instant, KeyId)>,
    /// Each value, how many entries and works need it, and its size.
    values: BTreeMap<ValueHash, (usize, u32)>,
    bytes: u64,
    last_use: u64,
}

impl Shelf {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The entry of a key that is not too old.
    pub(super) fn get(&self, id: &KeyId, now: Instant) -> Option<&Entry> {
        self.entries.get(id).filter(|entry| entry.end > now)
    }

    /// Some entry with this value that is not too old.
    pub(super) fn with_value(&self, hash: &ValueHash, now: Instant) -> Option<&Entry> {
        self.values.get(hash)?;
        self.entries.values().find(|entry| entry.hash == *hash && entry.end > now)
    }

    pub(super) fn with_lost_value(&self, hash: &ValueHash) -> Vec<KeyId> {
        self.entries.iter().filter(|(_, entry)| entry.hash == *hash).map(|(id, _)| *id).collect()
    }

    /// Notes that an entry was of use.
    pub(super) fn touch(&mut self, id: &KeyId) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        self.by_use.remove(&entry.used);
        self.last_use += 1;
        entry.used = self.last_use;
        self.by_use.insert(self.last_use, *id);
    }

    /// A small value is at hand from now on.
    pub(super) fn remember(&mut self, hash: &ValueHash, value: &Arc<[u8]>) {
        for entry in self.entries.values_mut().filter(|entry| entry.hash == *hash) {
            entry.small = Some(Arc::clone(value));
        }
    }

    /// A value is needed once more.
    pub(super) fn hold(&mut self, hash: ValueHash, size: u32) {
        let held = self.values.entry(hash).or_insert((0, size));
        held.0 += 1;
        if held.0 == 1 {
            self.bytes += u64::from(size);
        }
    }

    /// A value is needed once less; true when it is needed no more.
    pub(super) fn release(&mut self, hash: &ValueHash) -> bool {
        let Some(held) = self.values.get_mut(hash) else { return true };
        held.0 -= 1;
        if held.0 > 0 {
            return false;
        }
        self.bytes -= u64::from(held.1);
        self.values.remove(hash);
        true
    }

    /// Takes an entry, in place of the one of the same key, which is returned.
    pub(super) fn insert(&mut self, id: KeyId, mut entry: Entry) -> Option<Entry> {
        let before = self.remove(&id);
        self.hold(entry.hash, entry.size);
        self.last_use += 1;
        entry.used = self.last_use;
        self.by_use.insert(entry.used, id);
        self.by_end.insert((entry.end, id));
        self.entries.insert(id, entry);
        before
    }

    /// Takes an entry out; its value is still held.
    pub(super) fn remove(&mut self, id: &KeyId) -> Option<Entry> {
        let entry = self.entries.remove(id)?;
        self.by_use.remove(&entry.used);
        self.by_end.remove(&(entry.end, *id));
        Some(entry)
    }

    /// The entry that was of no use for the longest time, while there are too many or too large ones.
    pub(super) fn over(&self) -> Option<KeyId> {
        let over = self.entries.len() > ENTRIES_MAX || self.bytes > BYTES_MAX;
        self.by_use.first_key_value().filter(|_| over).map(|(_, id)| *id)
    }

    /// An entry that is too old.
    pub(super) fn expired(&self, now: Instant) -> Option<KeyId> {
        self.by_end.first().filter(|(end, _)| *end <= now).map(|(_, id)| *id)
    }

    /// When the next one is too old.
    pub(super) fn next(&self) -> Option<Instant> {
        self.by_end.first().map(|(end, _)| *end)
    }

    pub(super) fn ids(&self, wanted: impl Fn(&Key) -> bool) -> Vec<KeyId> {
        self.entries.iter().filter(|(_, entry)| wanted(&entry.key)).map(|(id, _)| *id).collect()
    }

    pub(super) fn hashes(&self) -> Vec<ValueHash> {
        self.values.keys().copied().collect()
    }
}
