//! The terminal as it was found, to be left so.

use std::io::{self, IsTerminal};

/// Whether a person sits there: lines are read from and shown at a terminal.
#[must_use]
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Whether lines may be colored.
#[must_use]
pub fn is_colored() -> bool {
    let off = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !off("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// The settings of the terminal at the start; put back when this is dropped.
#[derive(Debug)]
pub struct Terminal {
    #[cfg(unix)]
    found: Option<rustix::termios::Termios>,
}

impl Terminal {
    /// Remembers them.
    #[must_use]
    pub fn found() -> Self {
        Self {
            #[cfg(unix)]
            found: rustix::termios::tcgetattr(io::stdin()).ok(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(found) = &self.found {
            // A terminal that is gone needs nothing.
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, found);
        }
    }
}
