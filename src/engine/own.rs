//! Who we are, and who we were a moment ago.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::wire::{Name, Sid, UserId};

use super::avatar::OwnAvatar;
use super::{Config, Instant};

/// What a peer starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name in our id.
    pub name: Name,
    /// What we want to be called, if not by that name.
    pub display_name: Option<String>,
    /// A line about us.
    pub status: Option<String>,
    /// Our picture: PNG or JPEG of at most 20,480 bytes; anything else counts as none.
    pub avatar: Option<Vec<u8>>,
    /// The port of our unicast socket.
    pub port: u16,
}

#[derive(Debug)]
pub(super) struct Own {
    name: Name,
    pub(super) user_id: Arc<str>,
    /// Ids that we announced before, with the moment until which they are ours.
    old: VecDeque<(Arc<str>, Instant)>,
    pub(super) display_name: Option<Arc<str>>,
    pub(super) status: Option<Arc<str>>,
    pub(super) avatar: Option<OwnAvatar>,
    pub(super) port: u16,
    pub(super) sid: Sid,
}

impl Own {
    pub(super) fn new(identity: Identity, sid: Sid) -> Self {
        Self {
            user_id: label(&identity.name, Ipv4Addr::LOCALHOST),
            name: identity.name,
            old: VecDeque::new(),
            display_name: identity.display_name.map(Into::into),
            status: identity.status.map(Into::into),
            avatar: identity.avatar.as_deref().and_then(OwnAvatar::new),
            port: identity.port,
            sid,
        }
    }

    /// Takes the IP into our id; true when that changed it.
    /// The name in our id.
    pub(super) fn called(&self) -> &str {
        self.name.as_str()
    }

    pub(super) fn rename(&mut self, ip: Ipv4Addr, now: Instant) -> bool {
        let user_id = label(&self.name, ip);
        if user_id == self.user_id {
            return false;
        }
        let old = std::mem::replace(&mut self.user_id, user_id);
        self.old.push_back((old, now + Config::OLD_ID));
        if self.old.len() > 16 {
            self.old.pop_front();
        }
        true
    }

    /// True when `to` is an id that we go by, or announced in the last 300 s.
    pub(super) fn is(&self, to: &str, now: Instant) -> bool {
        *self.user_id == *to || self.old.iter().any(|(old, until)| **old == *to && now <= *until)
    }

    /// Our id as a field. A name and an IPv4 address always make one.
    pub(super) fn field(&self) -> UserId<'_> {
        UserId::new(&self.user_id).unwrap_or_else(|| unreachable!("a name and an address make an id"))
    }
}

fn label(name: &Name, ip: Ipv4Addr) -> Arc<str> {
    format!("{}@{ip}", name.as_str()).into()
}
