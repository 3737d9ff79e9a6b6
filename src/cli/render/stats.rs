//! What was counted, as lines.

use crate::engine::Counters;

use super::{Render, Shown};

impl Render {
    /// What was counted.
    #[must_use]
    pub fn stats(self, counters: &Counters, peers: usize) -> Vec<Shown> {
        let Counters { received, received_bytes, sent, sent_bytes, echoes, retries, .. } = *counters;
        let mut lines = vec![
            format!(
                "{peers} {}; received {received} datagrams ({received_bytes} bytes with own and dropped ones), \
                 sent {sent} ({sent_bytes} bytes)",
                if peers == 1 { "peer" } else { "peers" }
            ),
            format!("own announcements heard back: {echoes}; DMs sent once more: {retries}"),
        ];
        let dropped: Vec<String> = counters
            .drops()
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
