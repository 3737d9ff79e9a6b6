//! Every duration of the protocol, with its reason. Caps of tables stand in [`Limits`].

use std::time::Duration;

use super::Limits;

/// How a peer behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Between two announcements, before jitter. Default 30 s, 1 s to 100 s: an older client forgets a peer for ever
    /// that it did not hear for 300 s (protocol.md §5.4).
    pub heartbeat: Duration,
    /// A peer unheard for so long is off the list. Default 300 s, as older clients have it.
    pub expiry: Duration,
    /// The port that announcements go to.
    pub discovery_port: u16,
    /// Only look around: ask to be answered, but not to be listed.
    pub scan: bool,
    /// Send no DM that others can read.
    pub private_only: bool,
    /// A data space stands beside the engine.
    pub data: bool,
    /// Somebody answers [`Output::Commit`](super::Output::Commit): there is a history.
    pub history: bool,
    /// Which posts from before we came are wanted.
    pub catch_up: CatchUp,
    /// Shards of the peer table, a power of two of at least 2. Many peers in one process want few.
    pub shards: usize,
    /// Caps of every table.
    pub limits: Limits,
}

/// Which posts from before we came are wanted, and for how long posts are passed on to others (protocol.md §10.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatchUp {
    /// None that are older. Default 24 h.
    pub age: Duration,
    /// The newest so many at most; none for 0. Default 500.
    pub posts: u32,
}

impl Default for CatchUp {
    fn default() -> Self {
        Self { age: Duration::from_secs(24 * 3600), posts: 500 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(30),
            expiry: Duration::from_secs(300),
            discovery_port: crate::wire::DISCOVERY_PORT,
            scan: false,
            private_only: false,
            data: false,
            history: false,
            catch_up: CatchUp::default(),
            shards: 4,
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// Beats that a peer may miss before it is quiet, in tenths.
    pub(super) const QUIET_TENTH_BEATS: u32 = 25;

    /// When, after a start, a wake or a change of address, the quick announcements go out (±20 %).
    pub(super) const QUICK: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(3)];

    /// The quick announcements start anew at most once in this time.
    pub(super) const RESTART_GAP: Duration = Duration::from_secs(1);

    /// An announcement is brought forward at most once in this time.
    pub(super) const HURRY_GAP: Duration = Duration::from_secs(2);

    /// The limited broadcast goes along at every so manyth beat; in between the directed ones do.
    pub(super) const LIMITED_EVERY: u64 = 10;

    /// A second echo is asked for after this, if the first stays unanswered.
    pub(super) const ECHO_RETRY: Duration = Duration::from_secs(1);

    /// A quiet peer is probed three times, this far apart, and then at every beat.
    pub(super) const PROBE_GAP: Duration = Duration::from_secs(2);

    /// An announcement from the same address and identity is answered once in this time.
    pub(super) const ANSWER_AGAIN: Duration = Duration::from_secs(30);

    /// An answer waits up to this for each live peer, so that many do not answer at once.
    pub(super) const ANSWER_SPREAD: Duration = Duration::from_millis(2);

    /// No answer waits longer.
    pub(super) const ANSWER_LATEST: Duration = Duration::from_secs(10);

    /// Up to so many live peers everybody answers; beyond, with falling probability.
    pub(super) const ANSWER_ALWAYS: usize = 300;

    /// A TO that names an id which we announced in this time is for us.
    pub(super) const OLD_ID: Duration = Duration::from_secs(300);

    /// An address that a peer list names is probed once in this time.
    pub(super) const HINT_AGAIN: Duration = Duration::from_secs(60);

    /// A later call than promised by this much means that the machine slept.
    pub(super) const SLEPT: Duration = Duration::from_secs(5);

    /// A new prekey is made after so long (protocol.md §9.5).
    pub(super) const PREKEY_TURN: Duration = Duration::from_secs(24 * 3600);

    /// A prekey is erased after so long: a letter may be on its way for 7 days.
    pub(super) const PREKEY_KEPT: Duration = Duration::from_secs(8 * 24 * 3600);

    /// Nothing is said in a session that is older; a letter opens another.
    pub(super) const SESSION_TURN: Duration = Duration::from_secs(24 * 3600);

    /// What a peer says in a session is heard for so long.
    pub(super) const SESSION_KEPT: Duration = Duration::from_secs(48 * 3600);

    /// A POST or PROFILE of ours waits so long for the peer to answer.
    pub(super) const WAIT: Duration = Duration::from_secs(10);

    /// A DM without an ACK is sent again after this (±20 %), doubled each time up to [`Config::RETRY_LONGEST`].
    pub(super) const RETRY: Duration = Duration::from_millis(500);

    /// The longest time between two tries.
    pub(super) const RETRY_LONGEST: Duration = Duration::from_secs(8);

    /// Tries before a DM waits for the next announcement of its reader.
    pub(super) const TRIES: u8 = 8;

    /// A DM waits so long for its reader, and is carried for it so long.
    pub(super) const OUTBOX: Duration = Duration::from_secs(7 * 24 * 3600);

    /// A DM that is not committed after this is acknowledged as received.
    pub(super) const SLOW_COMMIT: Duration = Duration::from_millis(50);

    /// A text that is not committed after this is told all the same.
    pub(super) const STUCK_COMMIT: Duration = Duration::from_secs(2);

    /// A message of somebody who has not proved to be there is held so long.
    pub(super) const HELD: Duration = Duration::from_secs(5);

    /// Those whom a message of ours waits for are asked at this pace, and so many at once: datagrams for neighbours who
    /// are not there wait for 3 s in the system's queue, which holds some 150.
    pub(super) const URGENT: (Duration, u32) = (Duration::from_millis(100), 50);

    /// Those who say something before they have answered are asked at this pace, and so many at once.
    pub(super) const CLAIMED: (Duration, u32) = (Duration::from_millis(250), 16);

    /// A picture goes to an older client whole, and at most once in this time.
    pub(super) const PICTURE_AGAIN: Duration = Duration::from_secs(3600);
}
