//! The system's wish that the program ends.

use std::io;

/// A wish that the program ends. Elsewhere than on Unix there is Ctrl-C alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP.
    HangUp,
}

impl Signal {
    /// The exit status of a shell for what it ended.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }

    /// Passes it on to a command of ours, unless that has it, too: a terminal sends Ctrl-C to all that runs in front of it.
    #[cfg(unix)]
    pub fn pass_on(self, command: &std::process::Child) {
        use rustix::process::{Pid, Signal, kill_process};
        let signal = match self {
            Self::Interrupt if is_in_front() => return,
            Self::Interrupt => Signal::INT,
            Self::Terminate => Signal::TERM,
            Self::HangUp => Signal::HUP,
        };
        // It has ended by itself.
        let _ = kill_process(Pid::from_child(command), signal);
    }
}

/// Whether what is typed at the terminal is for us.
#[cfg(unix)]
fn is_in_front() -> bool {
    let front = std::fs::File::open("/dev/tty").ok().and_then(|tty| rustix::termios::tcgetpgrp(tty).ok());
    front == Some(rustix::process::getpgrp())
}

/// SIGINT, SIGTERM and SIGHUP; elsewhere than on Unix, Ctrl-C.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    kinds: [tokio::signal::unix::Signal; 3],
}

impl Signals {
    /// Takes them over, before anyone else does. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// What the system says.
    pub fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            let [interrupt, terminate, hangup] = kinds.map(signal);
            Ok(Self { kinds: [interrupt?, terminate?, hangup?] })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Returns when one came. Nothing is lost by dropping it early.
    pub async fn came(&mut self) {
        self.next().await;
    }

    /// The next one. Nothing is lost by dropping the future early.
    pub async fn next(&mut self) -> Signal {
        #[cfg(unix)]
        {
            let [interrupt, terminate, hangup] = &mut self.kinds;
            tokio::select! {
                _ = interrupt.recv() => Signal::Interrupt,
                _ = terminate.recv() => Signal::Terminate,
                _ = hangup.recv() => Signal::HangUp,
            }
        }
        #[cfg(not(unix))]
        {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            Signal::Interrupt
        }
    }
}
