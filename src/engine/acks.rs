//! Acknowledgements, ours and those of others (protocol.md §10.2).

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::sync::Arc;

use crate::wire::{Ack, Extension, MessageId, OwnMessageId, PublicKey, SealedAck, SealedBody, Style};

use super::{Arrival, Engine, Event, Instant, Mark, PeerId, Rejected};

/// DMs to older clients that may still be acknowledged.
const OLDER_KEPT: usize = 256;

/// DMs that went to older clients, the newest last: where, which, to whom.
#[derive(Debug, Default)]
pub(super) struct OlderSent(VecDeque<(SocketAddrV4, OwnMessageId, PeerId, Arc<str>)>);

impl OlderSent {
    pub(super) fn note(&mut self, to: SocketAddrV4, id: OwnMessageId, peer: PeerId, text: &str) {
        self.0.push_back((to, id, peer, text.into()));
        if self.0.len() > OLDER_KEPT {
            self.0.pop_front();
        }
    }

    fn take(&mut self, from: SocketAddrV4, id: OwnMessageId) -> Option<(PeerId, Arc<str>)> {
        let at = self.0.iter().position(|(to, sent, ..)| *to == from && *sent == id)?;
        self.0.remove(at).map(|(_, _, peer, text)| (peer, text))
    }
}

impl Engine {
    /// Says what became of a DM of somebody: in the session, else signed; through others when it is not here.
    pub(super) fn acknowledge_to(&mut self, key: &PublicKey, message_id: &str, stored: bool, now: Instant) {
        self.send_ack(key, message_id, stored, false, now);
    }

    /// The same once more, because the message came once more: signed, for a session may be lost on the other side.
    pub(super) fn acknowledge_again(&mut self, key: &PublicKey, message_id: &str, stored: bool, now: Instant) {
        self.send_ack(key, message_id, stored, true, now);
    }

    fn send_ack(&mut self, key: &PublicKey, message_id: &str, stored: bool, again: bool, now: Instant) {
        if stored {
            // Who carried it carries it no more, and brings word of it.
            self.send_ack_by_carriers(key, message_id, now);
        }
        let Some(author) = self.authors.get(key) else { return };
        let peer = author.row.filter(|_| author.fresh).and_then(|id| self.peers.get(id));
        let Some(peer) = peer.filter(|peer| peer.best_path().proven && !peer.blocked) else {
            return;
        };
        let ack = SealedAck { message_id: message_id.to_owned(), stored };
        let body = SealedBody { ack: Some(ack), timestamp: self.unix(now), ..SealedBody::default() };
        let id = self.message_id();
        let frame = if again { None } else { self.write_frame(&peer, &body, id, now) };
        let payload = match frame {
            Some(frame) => frame,
            None => match self.signed_ack(key, message_id, stored) {
                Some(ack) => ack,
                None => return,
            },
        };
        self.transmit(&[peer.address()], payload.into());
    }

    /// An ACK that proves by itself who says it.
    pub(super) fn signed_ack(&mut self, author: &PublicKey, message_id: &str, stored: bool) -> Option<Vec<u8>> {
        let ack = Ack { message_id: MessageId::new(message_id)?, to: Some(*author), stored };
        let extension = Extension { sid: Some(self.own.sid), ..Extension::default() };
        let mut out = Vec::new();
        ack.encode(&extension, Style::Tight, &mut out);
        self.sign(&mut out);
        Some(out)
    }

    pub(super) fn on_ack(&mut self, ack: &Ack<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let message_id = ack.message_id.as_str();
        if let Some(signed) = arrival.signed {
            // One for somebody else says nothing about a message of ours with the same number.
            let ours = ack.to.is_some() && ack.to == self.own_key();
            let ours = ours && self.acknowledge(&signed.key, message_id, ack.stored, arrival.now);
            return if ours { Ok(()) } else { Err(Rejected::StrayAck) };
        }
        let sent = OwnMessageId::parse(message_id).and_then(|id| Some((id, self.older_sent.take(arrival.from, id)?)));
        let (id, (peer, text)) = sent.ok_or(Rejected::StrayAck)?;
        let to = self.peers.get(peer).ok_or(Rejected::Stranger)?;
        self.keep_mark(id, Mark::Acknowledged);
        self.event(Event::Marked { id, to, mark: Mark::Acknowledged, text });
        Ok(())
    }
}
