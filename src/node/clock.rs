//! The one place that reads clocks, sets timers for the engine and draws random numbers from the system.
//!
//! On Linux time is `CLOCK_BOOTTIME`, which goes on while the machine sleeps, and the deadline is a timer on that
//! clock: it fires at once on waking. Elsewhere both stop while the machine sleeps.

use std::io;
use std::time::Duration;

use rand::TryRng;
use rand::rngs::SysRng;

use crate::engine::Instant;

/// Time since 1970 by the wall clock; zero before that.
#[must_use]
pub fn unix_now() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "this is the file that reads the clock")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// Random bytes of the system.
pub(super) fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    SysRng.try_fill_bytes(&mut seed).map_err(io::Error::other)?;
    Ok(seed)
}

pub(super) use system::{Clock, Timer};

#[cfg(target_os = "linux")]
mod system {
    use std::io;

    use super::Instant;
    use crate::node::watched::Watched;
    use rustix::time::{
        ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
        timerfd_settime,
    };

    const SECOND: u64 = 1_000_000_000;

    /// The engine's time: nanoseconds since the clock was made.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::node) struct Clock {
        birth: u64,
    }

    impl Clock {
        pub(in crate::node) fn new() -> Self {
            Self { birth: boottime() }
        }

        pub(in crate::node) fn now(self) -> Instant {
            Instant::from_nanos(boottime().saturating_sub(self.birth))
        }
    }

    fn boottime() -> u64 {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        seconds * SECOND + u64::try_from(time.tv_nsec).unwrap_or(0)
    }

    /// Waits for one deadline of the engine.
    #[derive(Debug)]
    pub(in crate::node) struct Timer {
        clock: Clock,
        timer: Watched,
        set: Option<Instant>,
    }

    impl Timer {
        pub(in crate::node) fn new(clock: Clock) -> io::Result<Self> {
            let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            Ok(Self { clock, timer: Watched::new(timer)?, set: None })
        }

        /// Moves the deadline. A deadline in the past is due at once.
        pub(in crate::node) fn set(&mut self, deadline: Instant) -> io::Result<()> {
            if self.set == Some(deadline) {
                return Ok(());
            }
            let nanos = self.clock.birth.saturating_add(deadline.as_nanos()).max(1);
            let value = Timespec {
                tv_sec: i64::try_from(nanos / SECOND).unwrap_or(i64::MAX),
                tv_nsec: (nanos % SECOND).try_into().unwrap_or(0),
            };
            let spec = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
            timerfd_settime(self.timer.as_fd(), TimerfdTimerFlags::ABSTIME, &spec)?;
            self.set = Some(deadline);
            Ok(())
        }

        /// Returns when the deadline is there; after that it must be set anew. Nothing is lost by dropping it early.
        pub(in crate::node) async fn due(&mut self) -> io::Result<()> {
            let mut count = [0; 8];
            self.timer.read(|timer| Ok(rustix::io::read(timer, &mut count)?)).await?;
            self.set = None;
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::time::Duration;

    use super::Instant;

    /// The engine's time: nanoseconds since the clock was made.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::node) struct Clock {
        birth: std::time::Instant,
    }

    impl Clock {
        pub(in crate::node) fn new() -> Self {
            Self { birth: now() }
        }

        pub(in crate::node) fn now(self) -> Instant {
            Instant::BIRTH + now().saturating_duration_since(self.birth)
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the file that reads the clock")]
    fn now() -> std::time::Instant {
        std::time::Instant::now()
    }

    /// Waits for one deadline of the engine.
    #[derive(Debug)]
    pub(in crate::node) struct Timer {
        clock: Clock,
        at: Option<std::time::Instant>,
    }

    impl Timer {
        /// The farthest deadline: a sleep may not overflow the system's clock.
        const FARTHEST: Duration = Duration::from_secs(86_400);

        #[expect(clippy::unnecessary_wraps, reason = "the same on every system")]
        pub(in crate::node) fn new(clock: Clock) -> io::Result<Self> {
            Ok(Self { clock, at: None })
        }

        /// Moves the deadline. A deadline in the past is due at once.
        #[expect(clippy::unnecessary_wraps, reason = "the same on every system")]
        pub(in crate::node) fn set(&mut self, deadline: Instant) -> io::Result<()> {
            self.at = Some(now() + deadline.since(self.clock.now()).min(Self::FARTHEST));
            Ok(())
        }

        /// Returns when the deadline is there; after that it must be set anew. Nothing is lost by dropping it early.
        pub(in crate::node) async fn due(&mut self) -> io::Result<()> {
            match self.at {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_deadline_is_met_and_can_be_moved() {
        let clock = Clock::new();
        let mut timer = Timer::new(clock).unwrap();
        let start = clock.now();
        timer.set(start + Duration::from_secs(3600)).unwrap();
        timer.set(start + Duration::from_millis(20)).unwrap();
        timer.due().await.unwrap();
        let took = clock.now().since(start);
        assert!(took >= Duration::from_millis(20) && took < Duration::from_secs(5), "{took:?}");
    }

    #[tokio::test]
    async fn a_deadline_in_the_past_is_due_at_once() {
        let clock = Clock::new();
        let mut timer = Timer::new(clock).unwrap();
        for _ in 0..2 {
            timer.set(Instant::BIRTH).unwrap();
            tokio::time::timeout(Duration::from_secs(5), timer.due()).await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_met_deadline_does_not_fire_again() {
        let clock = Clock::new();
        let mut timer = Timer::new(clock).unwrap();
        timer.set(Instant::BIRTH).unwrap();
        timer.due().await.unwrap();
        timer.set(clock.now() + Duration::from_secs(3600)).unwrap();
        let again = tokio::time::timeout(Duration::from_millis(20), timer.due()).await;
        assert!(again.is_err());
    }

    #[test]
    fn seeds_differ() {
        assert_ne!(seed().unwrap(), seed().unwrap());
    }
}
