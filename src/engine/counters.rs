//! What the engine counts, shown by STATS.

use std::time::Duration;

/// Datagrams and bytes, and every reason for which something was dropped. All since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Datagrams received and understood.
    pub received: u64,
    /// Bytes received, of all datagrams.
    pub received_bytes: u64,
    /// Datagrams sent; one to many counts for each address.
    pub sent: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Our own announcements heard back.
    pub echoes: u64,
    /// Dropped: not understood.
    pub malformed: u64,
    /// Dropped: a source that cannot be a peer (port below 1024, broadcast or multicast).
    pub bad_source: u64,
    /// Dropped: from another network, and no peer of our kind.
    pub off_link: u64,
    /// Dropped: too many from one source.
    pub source_rate: u64,
    /// Dropped: too many from all unknown sources.
    pub global_rate: u64,
    /// Dropped: seen before.
    pub duplicates: u64,
    /// Dropped: a DM for somebody else.
    pub not_for_us: u64,
    /// Dropped: a TYPE that we do nothing with.
    pub other_types: u64,
    /// Dropped: more identities at one address than allowed, or the table is full.
    pub table_full: u64,
    /// Dropped: from nobody known, of a TYPE that needs somebody known.
    pub strangers: u64,
    /// Dropped: from a peer that has left, or after we left.
    pub departed: u64,
    /// Newcomers that made place for others.
    pub evicted: u64,
    /// Not answered: answered a moment ago, too many at once, or the address sent too little to be sent more.
    pub unanswered: u64,
    /// Dropped: answers to nothing that we asked.
    pub stray_answers: u64,
    /// Dropped: goodbyes that are not the peer's own.
    pub stray_goodbyes: u64,
    /// Not probed: hints beyond their cap or rate, or off link.
    pub hints_dropped: u64,
    /// Pieces of avatars that nobody asked for, or that are not what was asked for.
    pub stray_chunks: u64,
    /// Dropped: signed, and the signature is not right.
    pub bad_signatures: u64,
    /// Dropped: signed, and seen before or older than what is known.
    pub replays: u64,
    /// Dropped: more signatures to check than there is time for.
    pub signature_rate: u64,
    /// Dropped: sealed, and not for us or not as it was sealed.
    pub unopened: u64,
    /// Dropped: not sealed with the secret of our group.
    pub outside_group: u64,
    /// Dropped: from somebody whom the user blocked.
    pub blocked: u64,
    /// Dropped: messages of somebody who did not prove to be there.
    pub unproven: u64,
    /// Dropped: acknowledgements of nothing that we sent there.
    pub stray_acks: u64,
    /// Messages that are not in the history because too many were on their way to the disk.
    pub not_kept: u64,
    /// Posts that stand where another post of the same author stands.
    pub forks: u64,
    /// DMs of ours that were sent once more.
    pub retries: u64,
    /// DMs of ours that were acknowledged, by the time since they were written: see [`Counters::LATENCY`].
    pub latency: [u64; 13],
    /// Those times together, microseconds.
    pub latency_sum: u64,
}

impl Counters {
    /// The upper ends of the steps of [`Counters::latency`], milliseconds; the last step has none.
    pub const LATENCY: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 30_000];

    pub(super) fn acknowledged(&mut self, after: Duration) {
        let step = Self::LATENCY.iter().position(|end| after <= Duration::from_millis(*end));
        self.latency[step.unwrap_or(Self::LATENCY.len())] += 1;
        self.latency_sum = self.latency_sum.saturating_add(u64::try_from(after.as_micros()).unwrap_or(u64::MAX));
    }

    /// What was dropped or not done, by reason: every reason, in a fixed order.
    #[must_use]
    pub fn drops(&self) -> [(&'static str, u64); 27] {
        [
            ("malformed", self.malformed),
            ("bad source", self.bad_source),
            ("off link", self.off_link),
            ("too fast from one source", self.source_rate),
            ("too fast from all", self.global_rate),
            ("duplicate", self.duplicates),
            ("not for us", self.not_for_us),
            ("other types", self.other_types),
            ("table full", self.table_full),
            ("newcomers replaced", self.evicted),
            ("not answered", self.unanswered),
            ("stray answers", self.stray_answers),
            ("stray goodbyes", self.stray_goodbyes),
            ("hints", self.hints_dropped),
            ("stray pieces", self.stray_chunks),
            ("stray ACKs", self.stray_acks),
            ("not kept", self.not_kept),
            ("strangers", self.strangers),
            ("from peers that left", self.departed),
            ("wrong signatures", self.bad_signatures),
            ("replays", self.replays),
            ("too many signatures", self.signature_rate),
            ("not opened", self.unopened),
            ("outside the group", self.outside_group),
            ("blocked", self.blocked),
            ("not proven to be there", self.unproven),
            ("forks", self.forks),
        ]
    }
}
