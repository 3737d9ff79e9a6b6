//! Comings and goings at a terminal: a few are told one by one, a crowd in one line a second.

use std::time::Duration;

use crate::engine::{Event, Instant};

/// So many in one second are told one by one.
const FEW: u32 = 10;

const WINDOW: Duration = Duration::from_secs(1);

/// Counts who comes and goes.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// When this second is over.
    over: Option<Instant>,
    /// Of this second.
    count: u32,
    /// The last second was a crowd.
    before: bool,
    came: u32,
    went: u32,
}

impl Crowd {
    /// True when this event is told in a line of its own.
    pub(super) fn tells(&mut self, event: &Event, now: Instant) -> bool {
        let came = match event {
            Event::Here(_) | Event::Back(_) => true,
            Event::Left(_) | Event::Gone(_) | Event::Quiet(_) => false,
            Event::Post { .. }
            | Event::Dm { .. }
            | Event::KeyChanged { .. }
            | Event::Marked { .. }
            | Event::Said { .. }
            | Event::CaughtUp { .. }
            | Event::Profile(_)
            | Event::Judged(_)
            | Event::PeerList { .. }
            | Event::Avatar { .. }
            | Event::AvatarFailed(_)
            | Event::Followed(_)
            | Event::Unfollowed(_)
            | Event::FollowAnswered { .. }
            | Event::Answered { .. }
            | Event::Renamed { .. }
            | Event::CutOff
            | Event::Traced { .. } => return true,
        };
        self.tells_one(came, now)
    }

    fn tells_one(&mut self, came: bool, now: Instant) -> bool {
        if self.over.is_none_or(|over| over <= now && self.folded() == 0) {
            *self = Self { over: Some(now + WINDOW), ..Self::default() };
        }
        self.count = self.count.saturating_add(1);
        if self.count <= FEW && !self.before {
            return true;
        }
        let counter = if came { &mut self.came } else { &mut self.went };
        *counter = counter.saturating_add(1);
        false
    }

    /// When the line about the others is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.over.filter(|_| self.folded() > 0)
    }

    /// The line about the others, once it is due.
    pub(super) fn summary(&mut self, now: Instant) -> Option<String> {
        self.due().filter(|due| *due <= now)?;
        let parts = [(self.came, "more came"), (self.went, "left or went quiet")];
        let parts: Vec<String> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        *self = Self { over: Some(now + WINDOW), before: self.count > FEW, ..Self::default() };
        Some(format!("{}. LIST shows who is here", parts.join(", ")))
    }

    fn folded(&self) -> u32 {
        self.came.saturating_add(self.went)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_told_one_by_one_and_a_crowd_in_one_line_a_second() {
        let start = Instant::from_nanos(0);
        let at = |millis: u64| start + Duration::from_millis(millis);
        let mut crowd = Crowd::default();
        let told = (0..500).filter(|n| crowd.tells_one(n % 5 > 0, at(*n))).count();
        assert_eq!((told, crowd.due(), crowd.summary(at(999))), (10, Some(at(1000)), None));
        let line = crowd.summary(at(1000)).unwrap();
        assert_eq!(line, "392 more came, 98 left or went quiet. LIST shows who is here");
        assert!(!crowd.tells_one(true, at(1500)), "it goes on");
        assert_eq!(crowd.summary(at(2000)).unwrap(), "1 more came. LIST shows who is here");
        assert!(crowd.tells_one(true, at(2500)), "it is over");
        assert_eq!(crowd.due(), None);
        for second in 3..100 {
            assert!((0..10).all(|n| crowd.tells_one(true, at(second * 1100 + n))), "ten a second are few");
        }
    }
}
