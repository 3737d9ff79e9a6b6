//! The first round of discovery, on a pipe.

use std::time::Duration;

use crate::engine::Instant;

use super::line::Wish;

/// On a pipe, commands wait for the first answers so long at most.
const FIRST_ROUND: Duration = Duration::from_secs(1);

/// The first answers are in when none came for so long.
const FIRST_GAP: Duration = Duration::from_millis(100);

/// The first round of discovery, on a pipe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    latest: Instant,
    /// The newest peer came then.
    came: Option<Instant>,
}

impl Round {
    pub(super) fn from(now: Instant) -> Self {
        Self { latest: now + FIRST_ROUND, came: None }
    }

    /// A peer came.
    pub(super) fn came(&mut self, now: Instant) {
        self.came = Some(now);
    }

    /// When it is over.
    pub(super) fn over(self) -> Instant {
        self.came.map_or(self.latest, |came| self.latest.min(came + FIRST_GAP))
    }
}

/// Whether a command is better done after the first round.
pub(super) fn needs_peers(wish: &Wish) -> bool {
    match wish {
        Wish::List { .. }
        | Wish::Peer { .. }
        | Wish::Verify { .. }
        | Wish::Judge { .. }
        | Wish::Post { .. }
        | Wish::Dm { .. }
        | Wish::Avatar { .. }
        | Wish::AvatarSave { .. }
        | Wish::Peers { .. }
        | Wish::Follow { .. }
        | Wish::Unfollow { .. }
        | Wish::Forget { .. }
        | Wish::History { who: Some(_), .. } => true,
        Wish::Profile { .. }
        | Wish::AvatarNone
        | Wish::Contacts
        | Wish::Compared { .. }
        | Wish::History { who: None, .. }
        | Wish::Unread
        | Wish::Search { .. }
        | Wish::Forgo { .. }
        | Wish::Quiet(_)
        | Wish::WhoAmI
        | Wish::Verbose
        | Wish::Help { .. }
        | Wish::Quit
        | Wish::Discover
        | Wish::Add { .. }
        | Wish::Web
        | Wish::Stats => false,
    }
}
