//! The frames of a closed group, in which the doctor asks and is answered (protocol.md §9.10).

use std::cell::Cell;

use crate::crypto::KeyPair;
use crate::engine::{Crypto, Secret};
use crate::wire::{GroupFrame, Sid};

/// Seals and opens with the key of a group.
#[derive(Debug)]
pub(super) struct Group {
    /// Its identity is never shown: only what needs none is used of it.
    crypto: KeyPair,
    key: Secret,
    counter: Cell<u64>,
}

impl Group {
    pub(super) fn new(key: Secret) -> Self {
        Self { crypto: KeyPair::new(&Secret([0; 32])), key, counter: Cell::new(0) }
    }

    fn subkey(&self, sid: Sid) -> Secret {
        self.crypto.derive(&self.key, &[b"group frame", &sid.0.to_be_bytes()])
    }

    /// Seals a datagram of this start.
    pub(super) fn wrap(&self, sid: Sid, mut datagram: Vec<u8>) -> Vec<u8> {
        let counter = self.counter.replace(self.counter.get() + 1);
        let mut out = Vec::new();
        GroupFrame::begin(sid, counter, &mut out);
        self.crypto.seal(&self.subkey(sid), counter, &out, &mut datagram);
        GroupFrame::end(&datagram, &mut out);
        out
    }

    /// Opens a datagram of the group; `None` for any other.
    pub(super) fn unwrap(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let frame = GroupFrame::of(bytes)?;
        let mut boxed = frame.bytes()?;
        self.crypto.open(&self.subkey(frame.sid), frame.counter, frame.head, &mut boxed).then_some(boxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Octets;

    #[test]
    fn only_who_has_the_key_opens_it() {
        let group = |byte| Group::new(Secret([byte; 32]));
        let (ours, theirs) = (group(1), group(2));
        let frames = [0, 1].map(|_| ours.wrap(Octets(7), b"TYPE:PING\n\n".to_vec()));
        assert_ne!(frames[0], frames[1], "a counter is used once");
        for frame in &frames {
            assert_eq!(group(1).unwrap(frame).unwrap(), b"TYPE:PING\n\n");
            assert_eq!(theirs.unwrap(frame), None);
        }
        assert_eq!(ours.unwrap(b"TYPE:PING\n\n"), None);
    }
}
