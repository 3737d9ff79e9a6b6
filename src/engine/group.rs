//! Closed groups: everything that is said is sealed with a shared secret, everything else is ignored
//! (protocol.md §9.10).

use std::sync::Arc;

use crate::wire::{GroupFrame, Sid};

use super::hash::{Key, Table};
use super::{Crypto, Limits, Rejected, Secret};

/// The secret of our group.
#[derive(Debug)]
pub(super) struct Group {
    key: Secret,
    own: Option<(Sid, Secret)>,
    counter: u64,
    subkeys: Table<Sid, Secret>,
}

fn subkey(crypto: &dyn Crypto, key: &Secret, sid: Sid) -> Secret {
    crypto.derive(key, &[b"group frame", &sid.0.to_be_bytes()])
}

impl Group {
    pub(super) fn new(secret: Secret, key: Key) -> Self {
        Self { key: secret, own: None, counter: 0, subkeys: Table::with_hasher(key) }
    }

    /// Seals a datagram of ours.
    pub(super) fn wrap(&mut self, crypto: &dyn Crypto, sid: Sid, payload: &[u8]) -> Arc<[u8]> {
        let (_, key) = self.own.get_or_insert_with(|| (sid, subkey(crypto, &self.key, sid)));
        let mut out = Vec::with_capacity(payload.len() * 4 / 3 + 100);
        GroupFrame::begin(sid, self.counter, &mut out);
        let mut boxed = payload.to_vec();
        crypto.seal(key, self.counter, &out, &mut boxed);
        self.counter += 1;
        GroupFrame::end(&boxed, &mut out);
        out.into()
    }

    /// Opens a datagram of the group.
    pub(super) fn unwrap(
        &mut self,
        crypto: &dyn Crypto,
        own: Sid,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Vec<u8>, Rejected> {
        let frame = GroupFrame::of(bytes).ok_or(Rejected::OutsideGroup)?;
        if frame.sid == own {
            return Err(Rejected::OwnEcho);
        }
        let mut boxed = frame.bytes().ok_or(Rejected::OutsideGroup)?;
        let known = self.subkeys.get(&frame.sid);
        let made = if known.is_none() { Some(subkey(crypto, &self.key, frame.sid)) } else { None };
        let key = known.or(made.as_ref()).ok_or(Rejected::OutsideGroup)?;
        if !crypto.open(key, frame.counter, frame.head, &mut boxed) {
            return Err(Rejected::OutsideGroup);
        }
        if let Some(made) = made {
            if self.subkeys.len() >= limits.subkeys {
                // They are made again in a microsecond.
                self.subkeys.clear();
            }
            self.subkeys.insert(frame.sid, made);
        }
        Ok(boxed)
    }
}
