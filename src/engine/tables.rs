//! How full the tables are (protocol.md §8.2).

use super::{Engine, Fill};

impl Engine {
    /// The tables that grow with what others send, and with what waits for them.
    pub(super) fn tables(&self) -> Vec<Fill> {
        let limits = &self.config.limits;
        let fill = |what, size, cap| Fill { what, size, cap };
        vec![
            fill("peers", self.peers.len(), limits.peers),
            fill("contacts", self.authors.known(), limits.contacts),
            fill("sessions", self.sessions.len(), limits.sessions.1),
            fill("waiting DMs", self.outbox.count, limits.outbox.1),
            fill("waiting DMs, bytes", self.outbox.bytes, limits.outbox_bytes),
            fill("posts to pass on", self.posts.len(), limits.posts.0),
            fill("posts to pass on, bytes", self.posts.bytes(), limits.posts.1),
            fill("carried for others, bytes", self.carrier.bytes(), limits.carried.1),
            fill("pictures, bytes", self.pictures.bytes(), limits.avatars),
            fill("pictures being pulled", self.pulls.len(), limits.pulls),
            fill("lines on their way to the disk", self.commits.len(), limits.commits),
        ]
    }
}
