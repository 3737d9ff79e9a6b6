//! Peers for tests, and how to wait for what they tell.

use std::time::Duration;

use lsnp::peer::{Builder, Peer, Watch};
use tokio::time::timeout;

pub(crate) use super::port::free_port;

/// Longest wait for anything. A test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A peer on this computer only.
pub(crate) fn builder(name: &str, port: u16) -> Builder {
    Peer::builder().name(name).interface("127.0.0.1").discovery_port(port)
}

/// These, started; each has met each.
pub(crate) async fn started<const N: usize>(builders: [Builder; N]) -> [Peer; N] {
    let mut peers = Vec::new();
    for builder in builders {
        peers.push(builder.start().await.unwrap());
    }
    for (at, peer) in peers.iter().enumerate() {
        for other in peers[..at].iter().chain(&peers[at + 1..]) {
            peer.meet(other.key(), PATIENCE).await.unwrap();
        }
    }
    peers.try_into().unwrap()
}

/// Two who know each other.
pub(crate) async fn two() -> [Peer; 2] {
    let port = free_port();
    started(["alice", "bob"].map(|name| builder(name, port))).await
}

/// The first that `find` takes.
pub(crate) async fn next<T, U>(watch: &mut Watch<T>, what: &str, mut find: impl FnMut(T) -> Option<U>) -> U {
    let search = async {
        loop {
            let item = watch.next().await.unwrap_or_else(|| panic!("no {what}: the peer has ended"));
            if let Some(found) = find(item) {
                return found;
            }
        }
    };
    timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("no {what}"))
}

/// A folder for one test, removed at its end.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("lsnp-library-").tempdir().unwrap()
}
