//! Carrying letters for those who are not here (protocol.md §10.5).

use std::net::SocketAddrV4;

use crate::wire::{Carry, OwnMessageId, PublicKey};

use super::{Carried, Engine, Instant, Limits, Rejected};

/// What we carry.
#[derive(Debug, Default)]
pub(super) struct Carrier {
    carried: Vec<Carried>,
}

impl Carrier {
    pub(super) fn restored(carried: Vec<Carried>, _limits: &Limits) -> Self {
        Self { carried }
    }
}

impl Engine {
    /// Somebody passes on what somebody else signed.
    pub(super) fn on_carry(
        &mut self,
        carry: &Carry<'_>,
        _bytes: usize,
        from: SocketAddrV4,
        now: Instant,
    ) -> Result<(), Rejected> {
        if carry.sid == self.own.sid {
            return Err(Rejected::OwnEcho);
        }
        let id = self.peers.at_sid(carry.sid).filter(|id| self.is_proven(*id, from)).ok_or(Rejected::Stranger)?;
        match carry.to {
            None => self.on_carried_post(carry, id, from, now),
            Some(_) => Err(Rejected::OtherType),
        }
    }

    pub(super) fn pass_carried(&mut self, _to: super::PeerId, _now: Instant) {}
    pub(super) fn give_to_carriers(&mut self, _key: &PublicKey, _id: OwnMessageId, _now: Instant) {}
    pub(super) fn carry_open(&mut self, _key: &PublicKey, _now: Instant) {}
    pub(super) fn send_ack_by_carriers(&mut self, _key: &PublicKey, _message_id: &str, _now: Instant) {}
}
