//! The one place that writes to the terminal or the pipe, on a thread of its own: a reader that is slow or has
//! stopped never holds up the peer.

use std::io::{self, Write};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::shown::{Shown, Tone};

/// Lines that may wait for a slow reader; beyond it events wait, and the oldest of them are lost and counted.
const WAITING: usize = 1024;

/// Whoever reads the lines.
#[derive(Debug)]
pub struct Reader {
    queue: mpsc::WeakSender<Item>,
}

impl Reader {
    /// Returns when nobody reads any more.
    pub async fn gone(&self) {
        if let Some(queue) = self.queue.upgrade() {
            queue.closed().await;
        }
    }
}

/// Tells when lines are written.
#[derive(Debug)]
pub(super) struct Writing {
    queue: mpsc::WeakSender<Item>,
}

impl Writing {
    /// Returns when all is written that was shown before; false when that never happens.
    pub(super) async fn reached(&self) -> bool {
        let (reached, mark) = oneshot::channel();
        let sent = match self.queue.upgrade() {
            Some(queue) => queue.send(Item::Mark(reached)).await.is_ok(),
            None => false,
        };
        sent && mark.await.is_ok()
    }
}

/// Where lines go.
pub type Sink = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

/// Writes lines in order.
#[derive(Debug)]
pub struct Screen {
    queue: mpsc::Sender<Item>,
    done: oneshot::Receiver<()>,
}

#[derive(Debug)]
enum Item {
    Line(Shown),
    Mark(oneshot::Sender<()>),
}

impl Screen {
    /// Starts the thread.
    ///
    /// # Errors
    /// What the system says when it gives no thread.
    pub fn start(mut sink: Sink) -> io::Result<Self> {
        let (queue, mut items) = mpsc::channel(WAITING);
        let (ended, done) = oneshot::channel();
        std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
            while let Some(item) = items.blocking_recv() {
                let written = match item {
                    Item::Line(line) => sink(&format!("{}\n", line.as_str())),
                    Item::Mark(reached) => {
                        // Nobody may wait for it any more.
                        let _ = reached.send(());
                        Ok(())
                    }
                };
                if written.is_err() {
                    break;
                }
            }
            let _ = ended.send(());
        })?;
        Ok(Self { queue, done })
    }

    /// Shows a line; lost when nobody reads any more (see [`Reader`]).
    pub async fn show(&self, line: Shown) {
        let _ = self.queue.send(Item::Line(line)).await;
    }

    /// Shows lines.
    pub async fn show_all(&self, lines: Vec<Shown>) {
        for line in lines {
            self.show(line).await;
        }
    }

    /// Waits until all is written that was shown, but not for long.
    pub async fn settle(&self, longest: Duration) {
        // A reader that has stopped is not waited for.
        let _ = tokio::time::timeout(longest, self.writing().reached()).await;
    }

    /// Tells when lines are written.
    pub(super) fn writing(&self) -> Writing {
        Writing { queue: self.queue.downgrade() }
    }

    /// Tells when nobody reads any more.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader { queue: self.queue.downgrade() }
    }

    /// Ends the thread after all is written, but does not wait for long.
    pub async fn end(self, longest: Duration) {
        drop(self.queue);
        let _ = tokio::time::timeout(longest, self.done).await;
    }
}

/// The standard output, flushed a line.
#[must_use]
pub fn stdout() -> Sink {
    Box::new(|line| {
        let mut out = io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.flush()
    })
}

/// Writes one line to the standard output, for what ends after it.
///
/// # Errors
/// What the system says, such as a pipe that nobody reads any more.
pub fn print(line: &Shown) -> io::Result<()> {
    stdout()(&format!("{}\n", line.as_str()))
}

/// Writes one line to the standard output. A reader that has gone had enough. The error is for the user.
///
/// # Errors
/// What the system says else.
pub(super) fn show(text: &str) -> Result<(), String> {
    match print(&Shown::line(false, &[(Tone::Plain, text)])) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("Cannot show anything: {error}")),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes one line to the standard error; where that is closed, nobody reads it.
pub fn complain(line: &Shown) {
    let _ = writeln!(io::stderr().lock(), "peer: {}", line.as_str());
}

/// Writes to the terminal what undoes what the prompt did to it.
pub(super) fn leave_line() {
    let mut out = io::stdout().lock();
    // Bracketed paste off; the shell's prompt starts on a line of its own.
    let _ = out.write_all(b"\x1b[?2004l\n").and_then(|()| out.flush());
}
