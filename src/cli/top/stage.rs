//! The terminal while the overview has it, and as it was found afterwards.

use std::io::{self, Stdout, Write};
use std::mem::ManuallyDrop;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use tokio::sync::mpsc;

use super::draw;
use super::text::Line;
use super::view::Press;

/// Keys that may wait until they are looked at; what comes faster is kept by the terminal.
const WAITING: usize = super::KEYS;

/// What was read together is told within this time. With none at all, an answer of the terminal that nobody asked for
/// would hold up the keys behind it.
const MORE: Duration = Duration::from_millis(5);

/// Whether the terminal is ours.
static OURS: AtomicBool = AtomicBool::new(false);

/// The terminal; given back when this is dropped, and before a panic is told.
pub(super) struct Stage {
    /// Never dropped: it would complain about a terminal that is gone, to nobody, and panic.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<Stdout>>>,
    area: Rect,
    color: bool,
}

/// What comes from the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Key(Press),
    /// Its size changed.
    Resized,
    /// Nobody sits there any more.
    Gone,
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

/// Starts to listen to the keys, on a thread of its own.
///
/// # Errors
/// What the system says.
pub(super) fn listen() -> io::Result<mpsc::Receiver<Signal>> {
    let (signals, came) = mpsc::channel(WAITING);
    let heard = signals.clone();
    std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        while hear(&heard).is_ok() {}
        // Nobody may listen any more.
        let _ = heard.blocking_send(Signal::Gone);
    })?;
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut resized = signal(SignalKind::window_change())?;
        tokio::spawn(
            async move { while resized.recv().await.is_some() && signals.send(Signal::Resized).await.is_ok() {} },
        );
    }
    Ok(came)
}

/// Waits for keys and hands them on; an error when none will come.
fn hear(signals: &mpsc::Sender<Signal>) -> io::Result<()> {
    wait()?;
    while event::poll(MORE)? {
        let signal = match event::read()? {
            Event::Key(key) => press(key).map(Signal::Key),
            Event::Resize(..) => Some(Signal::Resized),
            Event::FocusGained | Event::FocusLost | Event::Mouse(_) | Event::Paste(_) => None,
        };
        if let Some(signal) = signal {
            signals.blocking_send(signal).map_err(io::Error::other)?;
        }
    }
    Ok(())
}

/// Waits until there is something to read. Whoever hung up is told apart here: to read from it would never end.
#[cfg(unix)]
fn wait() -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    let input = io::stdin();
    loop {
        let mut ready = [PollFd::new(&input, PollFlags::IN)];
        match poll(&mut ready, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let [ready] = ready.map(|ready| ready.revents());
        if ready.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if ready.contains(PollFlags::IN) {
            return Ok(());
        }
    }
}

#[cfg(not(unix))]
fn wait() -> io::Result<()> {
    Ok(())
}

/// What a key means, if anything.
#[expect(clippy::wildcard_enum_match_arm, reason = "of all keys that there are, few mean anything here")]
fn press(key: KeyEvent) -> Option<Press> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if control || key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META) {
        return match key.code {
            KeyCode::Char('c') if control => Some(Press::Interrupt),
            KeyCode::Char('z') if control => Some(Press::Suspend),
            KeyCode::Char('l') if control => Some(Press::Redraw),
            _ => None,
        };
    }
    Some(match key.code {
        KeyCode::Char(letter) => Press::Letter(letter),
        KeyCode::Up => Press::Up,
        KeyCode::Down => Press::Down,
        KeyCode::PageUp => Press::PageUp,
        KeyCode::PageDown => Press::PageDown,
        KeyCode::Home => Press::Home,
        KeyCode::End => Press::End,
        KeyCode::Tab => Press::Tab,
        KeyCode::BackTab => Press::BackTab,
        KeyCode::Enter => Press::Enter,
        KeyCode::Esc => Press::Escape,
        KeyCode::Backspace => Press::Backspace,
        _ => return None,
    })
}
