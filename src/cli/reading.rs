//! Takes note of lines that somebody has seen, after they were written and not before.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::engine::RowId;
use crate::store::History;

use super::screen::Writing;

/// Rows that are noted together.
const MOST: usize = 1024;

/// Notes which rows were shown.
#[derive(Debug)]
pub(super) struct Reading {
    shown: mpsc::UnboundedSender<RowId>,
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
                let (history, seen) = (history.clone(), std::mem::take(&mut some));
                let noted = tokio::task::spawn_blocking(move || history.mark_read(&seen)).await;
                if let Ok(Err(error)) = noted {
                    tracing::warn!(%error, "lines that were shown count as unread");
                }
            }
        });
        Self { shown, task }
    }

    /// These are on their way to the screen.
    pub(super) fn shown(&self, rows: impl IntoIterator<Item = RowId>) {
        for row in rows {
            // The task ends when nobody reads any more.
            let _ = self.shown.send(row);
        }
    }

    /// Waits until all that was shown is noted, but not for long.
    pub(super) async fn end(self, longest: Duration) {
        drop(self.shown);
        let _ = tokio::time::timeout(longest, self.task).await;
    }
}
