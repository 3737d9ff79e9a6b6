//! Typed lines, from a terminal or a pipe.

use std::sync::mpsc as blocking;

use tokio::sync::mpsc;

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// A line, without its line end.
    Line(String),
    /// A line that cannot be taken, and why.
    Wrong(&'static str),
    /// The end: Ctrl-C, Ctrl-D, or the end of the pipe.
    End,
}

/// What the prompt is asked to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) prompt: String,
    /// Whether the line is a command, to be kept in the history.
    pub(super) command: bool,
}

/// Where lines come from.
#[derive(Debug)]
pub struct Input {
    typed: mpsc::Receiver<Typed>,
    /// None on a pipe, which is read without being asked.
    asks: Option<blocking::Sender<Ask>>,
    asked: bool,
}

impl Input {
    pub(super) fn new(typed: mpsc::Receiver<Typed>, asks: Option<blocking::Sender<Ask>>) -> Self {
        Self { typed, asks, asked: false }
    }

    /// Asks for a line at the prompt, once until it comes.
    pub fn ask(&mut self, prompt: &str, command: bool) {
        if let Some(asks) = &self.asks
            && !self.asked
        {
            // A prompt that is gone shows as the end of the input.
            let _ = asks.send(Ask { prompt: prompt.to_owned(), command });
            self.asked = true;
        }
    }

    /// The next line. Nothing is lost by dropping it early.
    pub async fn next(&mut self) -> Typed {
        let typed = self.typed.recv().await.unwrap_or(Typed::End);
        self.asked = false;
        typed
    }

    /// Whether the prompt is on the screen.
    #[must_use]
    pub fn is_prompting(&self) -> bool {
        self.asked
    }
}
