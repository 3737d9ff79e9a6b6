//! The thread that writes, from its start to its end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::engine::{Archive, Commit, Limits, Outcome, Ticket};
use crate::node::Ledger;
use crate::wire::PublicKey;

use super::desk::{self, Desk, Shared};
use super::schema::Unfit;
use super::trouble::{Fault, Troubles};
use super::{Bounds, History, Keep, OpenError, Opened, archive, schema};

/// Entries of one transaction. What comes while one is written makes the next: so a lone entry never waits for another,
/// and many share one wait for the disk. One batch takes about 20 ms.
const BATCH: usize = 256;

/// A file that is not larger is looked at whole at every start, bytes.
const CHECKED: u64 = 16 << 20;

/// Opens the file, reads what is given back, and starts the thread.
pub(super) fn start(
    file: PathBuf,
    me: Option<PublicKey>,
    keep: Keep,
    bounds: Bounds,
    unix: u64,
) -> Result<Opened, OpenError> {
    let (tell, troubles) = unbounded_channel();
    let mut desk = Desk::new(&file, keep, bounds, Troubles::new(tell), unix);
    let mut notices = Vec::new();
    let archive = match load(&mut desk, me, unix) {
        Err(Unfit::Sqlite(error)) if Fault::of(&error) == Fault::Broken => {
            let unusable = |reason| OpenError::Unusable { file: file.clone(), reason };
            let aside = desk.set_aside().map_err(unusable)?;
            notices.push(desk::set_aside_line(&file, &aside));
            load(&mut desk, me, unix)
        }
        loaded => loaded,
    };
    let archive = archive.map_err(|unfit| match unfit {
        Unfit::Newer(version) => OpenError::Newer { file: file.clone(), version },
        Unfit::System(_) | Unfit::Sqlite(_) => OpenError::Unusable { file: file.clone(), reason: unfit.to_string() },
    })?;
    let shared = Arc::new(Shared::new(desk));
    let (commits, incoming) = sync_channel(Limits::default().commits);
    let (told, outcomes) = unbounded_channel();
    let thread = Arc::clone(&shared);
    let spawned = std::thread::Builder::new().name("history".to_owned()).spawn(move || run(&thread, &incoming, &told));
    spawned.map_err(|error| OpenError::Unusable { file, reason: error.to_string() })?;
    Ok(Opened { history: History { shared }, ledger: Ledger { archive, commits, outcomes, troubles }, notices })
}

fn load(desk: &mut Desk, me: Option<PublicKey>, unix: u64) -> Result<Archive, Unfit> {
    let small = desk.len() <= CHECKED;
    let db = desk.db()?;
    if small {
        schema::check(db)?;
    }
    Ok(archive::load(db, me, unix)?)
}

/// Ends when nobody can send anything more, and all is written.
fn run(shared: &Shared, commits: &Receiver<Commit>, outcomes: &UnboundedSender<Vec<(Ticket, Outcome)>>) {
    let mut rest = desk::SOON;
    loop {
        match commits.recv_timeout(rest) {
            Ok(first) => {
                let batch = std::iter::once(first).chain(commits.try_iter().take(BATCH - 1)).collect();
                let done = shared.turn().commit(batch);
                if !done.is_empty() {
                    // The node has ended: nobody wants to know.
                    let _ = outcomes.send(done);
                }
                rest = desk::SOON;
            }
            Err(RecvTimeoutError::Timeout) => rest = shared.turn().tidy(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    shared.turn().close();
}
