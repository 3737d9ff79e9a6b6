//! One peer, as far as it is known.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use crate::wire::{AvatarLabel, Caps, Prekey, PublicKey, Safe, Sid, Style, UserId};

use super::{Contact, Instant, Socket};

/// A peer's number in this run of ours; never used again in the same run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(pub(super) u32);

impl PeerId {
    /// No number is smaller.
    pub const FIRST: Self = Self(0);
    /// No number is greater.
    pub const LAST: Self = Self(u32::MAX);
    /// Of somebody who is not here: see [`Peer::is_here`].
    pub const NOBODY: Self = Self::LAST;
}

/// Whether a peer is there, as far as we know (protocol.md §5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Presence {
    /// Heard, but it has not answered us yet.
    Heard,
    /// Heard lately.
    Live,
    /// Unheard for 2.5 of its beats.
    Quiet,
    /// Not here: known by key from earlier.
    Away,
}

/// A peer: its label, where it is, and when it was heard. Cheap to clone; a copy does not change.
#[derive(Debug, Clone)]
pub struct Peer {
    pub(super) id: PeerId,
    pub(super) user_id: Arc<str>,
    pub(super) about: Option<Arc<About>>,
    pub(super) sid: Option<Sid>,
    pub(super) heard: Instant,
    pub(super) since: Instant,
    pub(super) paths: Vec<Path>,
    pub(super) presence: Presence,
    pub(super) dialect: Dialect,
    pub(super) caps: Caps,
    /// Seconds between its announcements.
    pub(super) beat: u16,
    /// Unanswered probes since it went quiet.
    pub(super) probes: u8,
    pub(super) tier: Tier,
    pub(super) lasting: bool,
    pub(super) pictured: bool,
    pub(super) key: Option<PublicKey>,
    pub(super) trust: Trust,
    pub(super) blocked: bool,
    pub(super) muted: bool,
    /// What letters to it are sealed to.
    pub(super) prekey: Option<Prekey>,
    pub(super) ways: Ways,
}

/// How a peer was heard since it came, or came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ways {
    /// At the port that everyone listens on: its broadcasts reach us.
    pub broadcast: bool,
    /// At our own port: it speaks to us.
    pub unicast: bool,
}

impl Ways {
    pub(super) fn by(socket: Socket) -> Self {
        Self::default().and(socket)
    }

    pub(super) fn and(self, socket: Socket) -> Self {
        match socket {
            Socket::Discovery => Self { broadcast: true, ..self },
            Socket::Unicast => Self { unicast: true, ..self },
        }
    }
}

/// What is known of who a peer is (protocol.md §9.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trust {
    /// It shows no key: anybody can say to be this peer.
    Unsigned,
    /// Its key is new and its name is not: the user has not said yet whether that is right.
    Changed,
    /// It has a key, and nothing speaks against it.
    Known,
    /// The user compared the digits.
    Verified,
}

/// What a peer tells about itself; most tell nothing, so it stands apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct About {
    pub(super) display_name: Option<Box<str>>,
    pub(super) status: Option<Box<str>>,
    pub(super) avatar: Option<AvatarLabel>,
}

impl About {
    pub(super) const NOTHING: Self = Self { display_name: None, status: None, avatar: None };
}

/// What a peer has proved, which decides who makes place for whom (protocol.md §8.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// Nothing yet.
    Probation,
    /// An older client, heard again after 20 s at the same address.
    Older,
    /// A path of it answered.
    Proven,
}

/// How to speak to an older client (protocol.md §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Dialect {
    pub(super) style: Style,
    /// What makes it list a stranger.
    pub(super) greeting: Greeting,
    /// Whether it wants a TOKEN; unknown until it sends something that has or lacks one.
    pub(super) token: Option<bool>,
}

/// The TYPE that an older client was first heard with, and so the one that it listens for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Greeting {
    #[default]
    Discovery,
    Ping,
    Profile,
}

/// One address of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) address: SocketAddrV4,
    pub(super) heard: Instant,
    /// The path answered an echo.
    pub(super) proven: bool,
    /// The echo that is out.
    pub(super) asked: Option<Asked>,
    /// The way there and back when it last answered, microseconds.
    pub(super) round_trip: Option<u32>,
    /// Bytes received from it, and sent to it while it was unproven.
    pub(super) received: u32,
    pub(super) sent: u32,
}

/// An echo that was asked for and not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) nonce: u64,
    pub(super) at: Instant,
    pub(super) tries: u8,
    /// The user wants to know.
    pub(super) probe: bool,
}

impl Peer {
    /// Somebody who is not here, as it is remembered.
    pub(super) fn away(contact: &Contact, now: Instant) -> Self {
        let about =
            contact.display_name.as_deref().map(|name| About { display_name: Some(name.into()), ..About::NOTHING });
        let trust = contact.trust();
        Self {
            about: about.map(Arc::new),
            sid: Some(contact.sid),
            key: Some(contact.key),
            trust,
            blocked: contact.blocked,
            muted: contact.muted,
            prekey: contact.prekey,
            ..Self::nobody(&format!("{}@{}", contact.name, contact.ip), contact.ip, now)
        }
    }

    /// Somebody of whom only the label is known.
    pub(super) fn nobody(user_id: &str, ip: Ipv4Addr, now: Instant) -> Self {
        let address = SocketAddrV4::new(ip, 0);
        let path = Path { address, heard: now, proven: false, asked: None, round_trip: None, received: 0, sent: 0 };
        Self {
            id: PeerId::NOBODY,
            user_id: user_id.into(),
            about: None,
            sid: None,
            heard: now,
            since: now,
            paths: vec![path],
            presence: Presence::Away,
            dialect: Dialect::default(),
            caps: Caps::default(),
            beat: 0,
            probes: 0,
            tier: Tier::Probation,
            lasting: false,
            pictured: false,
            key: None,
            trust: Trust::Unsigned,
            blocked: false,
            muted: false,
            prekey: None,
            ways: Ways::default(),
        }
    }

    /// Its number in this run.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.id
    }

    /// Its label, `name@ip`. Not for showing: see [`Peer::shown_id`].
    #[must_use]
    pub fn user_id(&self) -> Option<UserId<'_>> {
        UserId::new(&self.user_id)
    }

    /// Its label as it travels.
    #[must_use]
    pub fn raw_id(&self) -> &str {
        &self.user_id
    }

    /// Its label, fit to be shown.
    #[must_use]
    pub fn shown_id(&self) -> Safe {
        Safe::called(&self.user_id, UserId::MAX)
    }

    /// The name in its label, as it travels.
    #[must_use]
    pub fn raw_name(&self) -> &str {
        self.user_id.rsplit_once('@').map_or(&self.user_id, |(name, _)| name)
    }

    /// What it wants to be called, as it came.
    #[must_use]
    pub fn raw_display_name(&self) -> Option<&str> {
        self.about.as_ref().and_then(|about| about.display_name.as_deref())
    }

    /// What it is called on a screen: its display name, else the name in its label, else, where neither shows anything,
    /// its label; at most 32 columns.
    #[must_use]
    pub fn shown_name(&self) -> Safe {
        let names = [self.raw_display_name().unwrap_or_default(), self.raw_name()].map(|name| Safe::called(name, 32));
        let shows = names.into_iter().find(|name| !name.as_str().trim().is_empty());
        shows.unwrap_or_else(|| Safe::called(self.raw_id(), 32))
    }

    /// Its line about itself, fit to be shown.
    #[must_use]
    pub fn shown_status(&self) -> Option<Safe> {
        let status = self.about.as_ref().and_then(|about| about.status.as_deref());
        status.map(|status| Safe::fitted(status, 140)).filter(|status| !status.is_empty())
    }

    /// Where it is sent to: the best of its paths.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        self.best_path().address
    }

    /// All its paths with whether each has answered, best first.
    #[must_use]
    pub fn paths(&self) -> Vec<(SocketAddrV4, bool)> {
        let best = self.address();
        let mut paths: Vec<_> = self.paths.iter().map(|path| (path.address, path.proven)).collect();
        paths.sort_by_key(|(address, proven)| (*address != best, !proven));
        paths
    }

    /// Whether it is there.
    #[must_use]
    pub fn presence(&self) -> Presence {
        self.presence
    }

    /// False for somebody who is known by key from earlier, or wrote what others passed on, and is not here: it has no
    /// address, and no number.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.id != PeerId::NOBODY
    }

    /// When it was last heard.
    #[must_use]
    pub fn heard(&self) -> Instant {
        self.heard
    }

    /// When it was first heard.
    #[must_use]
    pub fn since(&self) -> Instant {
        self.since
    }

    /// True for an older client: plain text, no echo.
    #[must_use]
    pub fn is_older(&self) -> bool {
        self.sid.is_none()
    }

    /// True when the user named its address.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        self.lasting
    }

    /// The avatar it has, if it can be pulled or is here.
    #[must_use]
    pub fn has_avatar(&self) -> bool {
        self.avatar().is_some() || self.pictured
    }

    /// The random number of its start; none of an older client.
    #[must_use]
    pub fn sid(&self) -> Option<Sid> {
        self.sid
    }

    /// True once it has answered and says that it has a data space (protocol.md §11.1).
    #[must_use]
    pub fn takes_data(&self) -> bool {
        self.caps.has(Caps::DATA) && self.key.is_some() && self.best_path().proven && !self.blocked
    }

    /// Its identity; none of a peer that signs nothing.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        self.key
    }

    /// What is known of who it is.
    #[must_use]
    pub fn trust(&self) -> Trust {
        self.trust
    }

    /// True when a DM to it is sealed, so that nobody else can read it.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.key.is_some()
    }

    /// True when the user blocked it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// True when its posts are not shown.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.muted
    }

    /// True once an address of it has answered, or an older client stayed for 20 s: what flies by is not settled.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.tier != Tier::Probation
    }

    /// A proven path before an unproven, then the one that its label names, then one off the loopback, then the
    /// oldest.
    pub(super) fn best_path(&self) -> &Path {
        let named = UserId::new(&self.user_id).and_then(UserId::ip);
        let best = self.paths.iter().enumerate().min_by_key(|(at, path)| {
            let ip = *path.address.ip();
            (!path.proven, Some(ip) != named, ip.is_loopback(), *at)
        });
        &self.paths[best.map_or(0, |(at, _)| at)]
    }

    /// The way there and back when its best path last answered; none before.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.best_path().round_trip.map(|micros| Duration::from_micros(u64::from(micros)))
    }

    /// How it was heard since it came, or came back.
    #[must_use]
    pub fn ways(&self) -> Ways {
        self.ways
    }

    /// The avatar that can be pulled from it.
    #[must_use]
    pub fn avatar(&self) -> Option<AvatarLabel> {
        self.about.as_ref().and_then(|about| about.avatar)
    }

    pub(super) fn path_mut(&mut self, address: SocketAddrV4) -> Option<&mut Path> {
        self.paths.iter_mut().find(|path| path.address == address)
    }

    /// How long it may be unheard before it is quiet. However slow its beat: it is asked before it is gone.
    pub(super) fn patience(&self, expiry: Duration) -> Duration {
        let beats = Duration::from_secs(u64::from(self.beat)) * super::Config::QUIET_TENTH_BEATS / 10;
        beats.min(expiry * 5 / 6)
    }
}
