//! The terminal while the overview has it, and as it was found afterwards.

use std::io::{self, Stdout, Write};
use std::mem::ManuallyDrop;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::draw;
use super::text::Line;

/// Whether the terminal is ours.
static OURS: AtomicBool = AtomicBool::new(false);

/// The terminal; given back when this is dropped, and before a panic is told.
pub(super) struct Stage {
    /// Never dropped: it would complain about a terminal that is gone, to nobody, and panic.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<Stdout>>>,
    area: Rect,
    color: bool,
}

impl Stage {
    /// Takes the terminal.
    ///
    /// # Errors
    /// What the system says; the terminal is as it was.
    pub(super) fn enter(color: bool) -> io::Result<Self> {
        take()?;
        let area = size();
        let terminal = Terminal::with_options(
            CrosstermBackend::new(io::stdout()),
            TerminalOptions { viewport: Viewport::Fixed(area) },
        );
        match terminal {
            Ok(terminal) => Ok(Self { terminal: ManuallyDrop::new(terminal), area, color }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Columns and rows, as they are now.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn measured(&mut self) -> io::Result<(usize, usize)> {
        let now = size();
        if now != self.area {
            self.area = now;
            self.terminal.resize(now)?;
        }
        Ok((usize::from(now.width), usize::from(now.height)))
    }

    /// Shows these lines, by as little as has changed.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn show(&mut self, lines: &[Line]) -> io::Result<()> {
        let color = self.color;
        self.terminal.draw(|frame| draw::draw(lines, color, frame.buffer_mut())).map(|_| ())
    }

    /// Makes the next picture a whole one.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn redraw(&mut self) -> io::Result<()> {
        self.terminal.resize(self.area)
    }

    /// Gives the terminal to the shell until we are called again.
    ///
    /// # Errors
    /// The terminal is gone.
    #[cfg(unix)]
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        give_back();
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        take()?;
        self.redraw()
    }

    /// Elsewhere than on Unix there is no such thing.
    #[cfg(not(unix))]
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        self.redraw()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        give_back();
    }
}

fn take() -> io::Result<()> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            told(panic);
        }));
    });
    enable_raw_mode()?;
    OURS.store(true, Ordering::SeqCst);
    let taken = execute!(io::stdout(), EnterAlternateScreen, Hide);
    if taken.is_err() {
        give_back();
    }
    taken
}

/// Once and no more: what stands on the screen by then is not ours.
fn give_back() {
    if OURS.swap(false, Ordering::SeqCst) {
        // A terminal that is gone needs nothing.
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
        let _ = io::stdout().flush();
    }
}

fn size() -> Rect {
    #[cfg(unix)]
    let found = rustix::termios::tcgetwinsize(io::stdout()).map(|size| (size.ws_col, size.ws_row)).ok();
    #[cfg(not(unix))]
    let found = ratatui::crossterm::terminal::size().ok();
    let (columns, rows) = found.unwrap_or_default();
    draw::area(columns, rows)
}
