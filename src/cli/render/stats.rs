//! What was counted, as lines.

use crate::engine::Counters;

use super::{Render, Shown};

impl Render {
    /// What was counted.
    #[must_use]
    pub fn stats(self, counters: &Counters, peers: usize) -> Vec<Shown> {
        let Counters {
            received,
            received_bytes,
            sent,
            sent_bytes,
            echoes,
            malformed,
            bad_source,
            off_link,
            source_rate,
            global_rate,
            duplicates,
            not_for_us,
            other_types,
            table_full,
            evicted,
            unanswered,
            stray_answers,
            stray_goodbyes,
            hints_dropped,
            stray_chunks,
            stray_acks,
            not_kept,
            strangers,
            departed,
            bad_signatures,
            replays,
            signature_rate,
            unopened,
            outside_group,
            blocked,
            unproven,
            forks,
        } = *counters;
        let mut lines = vec![
            format!(
                "{peers} peers; received {received} datagrams ({received_bytes} bytes with own and dropped ones), \
                 sent {sent} ({sent_bytes} bytes)"
            ),
            format!("own announcements heard back: {echoes}"),
        ];
        let dropped: Vec<String> = [
            ("malformed", malformed),
            ("bad source", bad_source),
            ("off link", off_link),
            ("too fast from one source", source_rate),
            ("too fast from all", global_rate),
            ("duplicate", duplicates),
            ("not for us", not_for_us),
            ("other types", other_types),
            ("table full", table_full),
            ("newcomers replaced", evicted),
            ("not answered", unanswered),
            ("stray answers", stray_answers),
            ("stray goodbyes", stray_goodbyes),
            ("hints", hints_dropped),
            ("stray pieces", stray_chunks),
            ("stray ACKs", stray_acks),
            ("not kept", not_kept),
            ("strangers", strangers),
            ("from peers that left", departed),
            ("wrong signatures", bad_signatures),
            ("replays", replays),
            ("too many signatures", signature_rate),
            ("not opened", unopened),
            ("outside the group", outside_group),
            ("blocked", blocked),
            ("not proven to be there", unproven),
            ("forks", forks),
        ]
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
        let none = "nothing".to_owned();
        lines.push(format!("dropped: {}", if dropped.is_empty() { none } else { dropped.join(", ") }));
        if self.pipe {
            return vec![self.info(&lines.join("; "))];
        }
        lines.iter().map(|line| self.info(line)).collect()
    }
}
