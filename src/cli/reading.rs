//! Takes note of lines that somebody has seen, after they were written and not before.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::engine::RowId;
use crate::store::History;

use super::screen::Writing;

/// Rows that are noted together.
const MOST: usize = 1024;

#[derive(Debug)]
enum Item {
    Row(RowId),
    /// Tells when all before is noted.
    Mark(oneshot::Sender<()>),
}

/// Notes which rows were shown.
#[derive(Debug)]
pub(super) struct Reading {
    shown: mpsc::UnboundedSender<Item>,
    task: JoinHandle<()>,
}

impl Reading {
    /// Starts to take note. Rows may be told as soon as their lines are on their way to the screen.
    pub(super) fn start(history: History, writing: Writing) -> Self {
        let (shown, mut rows) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let mut some = Vec::new();
            while rows.recv_many(&mut some, MOST).await > 0 {
                // What a reader that has stopped never got stays unread.
                if !writing.reached().await {
                    return;
                }
                let (mut seen, mut marks) = (Vec::new(), Vec::new());
                for item in some.drain(..) {
                    match item {
                        Item::Row(row) => seen.push(row),
                        Item::Mark(mark) => marks.push(mark),
                    }
                }
                let history = history.clone();
                let noted = tokio::task::spawn_blocking(move || history.mark_read(&seen)).await;
                if let Ok(Err(error)) = noted {
                    tracing::warn!(%error, "lines that were shown count as unread");
                }
                for mark in marks {
                    // Nobody may wait for it any more.
                    let _ = mark.send(());
                }
            }
        });
        Self { shown, task }
    }

    /// These are on their way to the screen.
    pub(super) fn shown(&self, rows: impl IntoIterator<Item = RowId>) {
        for row in rows {
            // The task ends when nobody reads any more.
            let _ = self.shown.send(Item::Row(row));
        }
    }

    /// Waits until all that was shown so far is noted, but not for long.
    pub(super) async fn settle(&self, longest: Duration) {
        let (noted, mark) = oneshot::channel();
        if self.shown.send(Item::Mark(noted)).is_ok() {
            let _ = tokio::time::timeout(longest, mark).await;
        }
    }

    /// Waits until all that was shown is noted, but not for long.
    pub(super) async fn end(self, longest: Duration) {
        drop(self.shown);
        let _ = tokio::time::timeout(longest, self.task).await;
    }
}
