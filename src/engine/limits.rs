//! The cap of every table, with unit and reason (protocol.md §8.2). What is dropped is counted in
//! [`Counters`](super::Counters).

use std::time::Duration;

/// Caps of every table and rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Peers in all. A newcomer beyond it is not listed.
    pub peers: usize,
    /// Older clients among them.
    pub older: usize,
    /// Newcomers that have proved nothing yet; one more replaces the youngest of the address with the most, unless each
    /// has an address of its own.
    pub probation: usize,
    /// Newcomers that have proved nothing yet and have an address each.
    pub crowd: usize,
    /// Identities at one IP:port; our own addresses are exempt.
    pub identities: usize,
    /// Paths to one peer.
    pub paths: usize,
    /// Datagrams a second that an unknown IP:port may send, and how many at once.
    pub unknown_rate: (u32, u32),
    /// Datagrams a second that a proven path may send, and how many at once.
    pub known_rate: (u32, u32),
    /// Datagrams a second in all that are looked at from unknown addresses, and how many at once.
    pub global_rate: (u32, u32),
    /// Wrong signatures a second that are checked in all of those who say to be a key that answered where they are, and how
    /// many at once. A known peer is heard as long as there is time for these: a fifth of a core.
    pub forged_rate: (u32, u32),
    /// Buckets of the rate limiter; beyond, all newcomers share one.
    pub buckets: usize,
    /// Message ids remembered against duplicates, of proven peers and of others, each.
    pub seen: usize,
    /// Answers waiting to be sent.
    pub answers: usize,
    /// Addresses that may become a peer: remembered, named by lists, of this host.
    pub hints: usize,
    /// Addresses that the user named.
    pub lasting: usize,
    /// Hints probed in one second.
    pub hints_rate: u32,
    /// Avatars kept, bytes in all.
    pub avatars: usize,
    /// Avatars pulled at the same time.
    pub pulls: usize,
    /// Strangers are sent something by unicast once in this time, and so many at once; a broadcast reaches the others.
    /// With more than 50 peers the pace rises with their number, so that a crowd of any size is proven in a minute or two.
    /// Fifty hosts that share one kernel (1,024 places for neighbours, each taken for 5 s) start without a loss so.
    pub strangers: (Duration, u32),
    /// Signatures a second that are checked of known keys that are heard elsewhere than where they answered, and how
    /// many at once.
    pub known_checks: (u32, u32),
    /// Signatures a second that are checked of unknown keys, and how many at once.
    pub unknown_checks: (u32, u32),
    /// Peers whose path is proven; one more replaces the youngest of the IP with the most about whom the user said
    /// nothing.
    pub settled: usize,
    /// Keys that are kept over a restart; one more replaces the youngest of the IP with the most that are not here.
    pub contacts: usize,
    /// Datagrams that we send of ourselves within 3 s to addresses where nobody has answered.
    pub knocks: usize,
    /// Messages of ours that wait for one peer, and in all.
    pub waiting: (usize, usize),
    /// DMs of ours that are not delivered, for one reader and in all.
    pub outbox: (usize, usize),
    /// Bytes of all DMs of ours that are not delivered.
    pub outbox_bytes: usize,
    /// DMs to one reader that are sent and not acknowledged, on an unproven and on a proven path.
    pub in_flight: (usize, usize),
    /// DMs of others whose fate is remembered, so that they are acknowledged once more.
    pub acked: usize,
    /// Lines of history on their way to the disk.
    pub commits: usize,
    /// Posts that are passed on, and their bytes in all.
    pub posts: (usize, usize),
    /// Posts that are asked for at the same time, in all and of one peer; and posts that one peer may say to have and we
    /// have not.
    pub wanted: (usize, usize, usize),
    /// Bytes that are carried for absent peers: of one author and in all.
    pub carried: (usize, usize),
    /// Long texts that are pulled at the same time, of one peer and in all; and bytes of those that are served.
    pub long_texts: (usize, usize, usize),
    /// Messages of others that wait until their sender proves to be there, of one peer and in all.
    pub held: (usize, usize),
    /// Sessions with one peer, and in all (protocol.md §9.6).
    pub sessions: (usize, usize),
    /// Subkeys of a group that are remembered (protocol.md §9.10).
    pub subkeys: usize,
    /// Messages a second that one older client is sent, and how many at once.
    pub older_rate: (u32, u32),
    /// Messages a second that peers on proven paths are sent, and how many at once: less than [`Limits::known_rate`]
    /// takes in, and no more at once than a usual socket holds.
    pub own_rate: (u32, u32),
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            peers: 16_384,
            older: 2_560,
            probation: 512,
            crowd: 2_048,
            identities: 8,
            paths: 4,
            unknown_rate: (20, 60),
            known_rate: (200, 400),
            global_rate: (5_000, 5_000),
            forged_rate: (5_000, 5_000),
            buckets: 4_096,
            seen: 32_768,
            answers: 1_024,
            hints: 512,
            lasting: 256,
            hints_rate: 10,
            avatars: 16 << 20,
            pulls: 4,
            strangers: (Duration::from_secs(2), 6),
            known_checks: (500, 500),
            unknown_checks: (500, 500),
            settled: 12_288,
            contacts: 4_096,
            knocks: 50,
            waiting: (64, 1_024),
            outbox: (256, 4_096),
            outbox_bytes: 16 << 20,
            in_flight: (4, 16),
            acked: 8_192,
            commits: 2_048,
            posts: (4_096, 2 << 20),
            wanted: (512, 32, 1_024),
            carried: (64 << 10, 1 << 20),
            long_texts: (2, 8, 1 << 20),
            held: (16, 512),
            sessions: (32, 4_096),
            subkeys: 1_024,
            older_rate: (20, 100),
            own_rate: (160, 64),
        }
    }
}
