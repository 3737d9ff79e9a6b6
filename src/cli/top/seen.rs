//! What the running peer has told: the model of the overview.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::web::{ConversationObject, DoctorObject, NetworkObject, PeerObject, StatusObject, TrafficObject};

/// What the peer told last.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) status: Option<StatusObject>,
    pub(super) peers: Vec<PeerObject>,
    pub(super) network: Option<NetworkObject>,
    pub(super) traffic: Option<TrafficObject>,
    /// What it had told before, and how long before.
    pub(super) before: Option<(TrafficObject, Duration)>,
    /// Lines that nobody has read, by the peer that wrote them.
    unread: BTreeMap<String, u64>,
    /// Why nothing is heard of it.
    pub(super) lost: Option<String>,
    pub(super) doctor: Doctor,
}

/// What the doctor found.
#[derive(Debug, Clone, Default)]
pub(super) enum Doctor {
    #[default]
    NotAsked,
    Asked,
    Found(Box<DoctorObject>),
    Failed(String),
}

/// What there is to tell of the peer.
#[derive(Debug)]
pub(super) enum News {
    Status(Box<StatusObject>),
    Peers(Vec<PeerObject>),
    Network(Box<NetworkObject>),
    /// And the time since the one before.
    Traffic(Box<TrafficObject>, Option<Duration>),
    Conversations(Vec<ConversationObject>),
    Doctor(Doctor),
    /// It has ended, or does not answer.
    Lost(String),
    /// It is there again, perhaps as another process.
    Back,
}

impl Seen {
    pub(super) fn take(&mut self, news: News) {
        match news {
            News::Status(status) => self.status = Some(*status),
            News::Peers(peers) => self.peers = peers,
            News::Network(mut network) => {
                // They are listed already.
                network.peers = Vec::new();
                self.network = Some(*network);
            }
            News::Traffic(traffic, after) => {
                self.before = self.traffic.replace(*traffic).zip(after);
            }
            News::Conversations(conversations) => self.unread = unread(conversations),
            News::Doctor(doctor) => self.doctor = doctor,
            News::Lost(why) => {
                self.lost = Some(why);
                self.before = None;
                if matches!(self.doctor, Doctor::Asked) {
                    self.doctor = Doctor::NotAsked;
                }
            }
            News::Back => self.lost = None,
        }
    }

    /// DMs of this one that nobody has read.
    pub(super) fn unread(&self, peer: &PeerObject) -> u64 {
        self.unread.get(peer.key.as_ref().unwrap_or(&peer.id)).copied().unwrap_or_default()
    }

    /// How many are in each of these states: live or just heard, quiet, away.
    pub(super) fn presences(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for peer in self.peers.iter().filter(|peer| !peer.blocked) {
            match peer.presence.as_str() {
                "quiet" => counts[1] += 1,
                "away" => counts[2] += 1,
                _ => counts[0] += 1,
            }
        }
        counts
    }
}

/// Who is known by a key is that key, anybody else an id.
fn unread(conversations: Vec<ConversationObject>) -> BTreeMap<String, u64> {
    let mut unread = BTreeMap::new();
    for conversation in conversations {
        if let Some(with) = conversation.with.filter(|_| conversation.unread > 0) {
            *unread.entry(with.key.unwrap_or(with.id)).or_default() += conversation.unread;
        }
    }
    unread
}
