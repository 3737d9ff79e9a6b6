//! Keys, as they are pressed.
//!
//! On Unix the bytes are read and understood here: what [`ratatui::crossterm`] reads it reads a thousand at a time and then
//! waits for more, so that keys behind many others would come late.

use std::io;

use tokio::sync::mpsc;

use super::view::Press;

/// What comes from the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Key(Press),
    /// Its size changed.
    Resized,
    /// Nobody sits there any more.
    Gone,
}

/// Starts to listen, on a thread of its own.
///
/// # Errors
/// What the system says.
pub(super) fn listen() -> io::Result<mpsc::Receiver<Signal>> {
    // What comes faster than it is looked at is kept by the terminal.
    let (signals, came) = mpsc::channel(super::KEYS);
    let heard = signals.clone();
    std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        // It goes on until there is nobody at either end.
        let _ = hear(&heard);
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

/// The rest of a key comes within this time, milliseconds; Escape alone is followed by nothing.
#[cfg(unix)]
const REST: i64 = 25;

/// Longest key, bytes.
#[cfg(unix)]
const LONGEST: usize = 64;

#[cfg(unix)]
fn hear(signals: &mpsc::Sender<Signal>) -> io::Result<()> {
    let input = io::stdin();
    let (mut held, mut bytes) = (Vec::new(), [0; 1_024]);
    loop {
        if !ready(&input, if held.is_empty() { None } else { Some(REST) })? {
            if held == b"\x1b" {
                tell(signals, Press::Escape)?;
            }
            held.clear();
            continue;
        }
        match rustix::io::read(&input, &mut bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => held.extend_from_slice(&bytes[..count]),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
            Err(error) => return Err(error.into()),
        }
        let mut rest = held.as_slice();
        while let Some((press, length)) = first(rest) {
            rest = &rest[length..];
            if let Some(press) = press {
                tell(signals, press)?;
            }
        }
        held = rest.to_vec();
        if held.len() > LONGEST {
            held.clear();
        }
    }
}

#[cfg(unix)]
fn tell(signals: &mpsc::Sender<Signal>, press: Press) -> io::Result<()> {
    signals.blocking_send(Signal::Key(press)).map_err(io::Error::other)
}

/// Waits until there is something to read; false when nothing came in time. An error when nobody sits there any more.
#[cfg(unix)]
fn ready(input: &io::Stdin, longest: Option<i64>) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let longest = longest.map(|ms| Timespec { tv_sec: 0, tv_nsec: ms * 1_000_000 });
    loop {
        let mut ready = [PollFd::new(input, PollFlags::IN)];
        match poll(&mut ready, longest.as_ref()) {
            Ok(0) => return Ok(false),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let [ready] = ready.map(|ready| ready.revents());
        if ready.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        return Ok(true);
    }
}

/// What the first key is, if it means anything, and how many bytes it takes; none while it is not whole.
#[cfg(unix)]
fn first(bytes: &[u8]) -> Option<(Option<Press>, usize)> {
    let press = match *bytes.first()? {
        0x1b => return escaped(bytes),
        0x03 => Press::Interrupt,
        0x1a => Press::Suspend,
        0x0c => Press::Redraw,
        b'\t' => Press::Tab,
        b'\r' | b'\n' => Press::Enter,
        0x7f | 0x08 => Press::Backspace,
        0..0x20 => return Some((None, 1)),
        byte => {
            let length = match byte {
                0..0x80 => 1,
                0xc0..0xe0 => 2,
                0xe0..0xf0 => 3,
                0xf0.. => 4,
                _ => return Some((None, 1)),
            };
            let letter = std::str::from_utf8(bytes.get(..length)?).ok().and_then(|text| text.chars().next());
            return Some(letter.map_or((None, 1), |letter| (Some(Press::Letter(letter)), length)));
        }
    };
    Some((Some(press), 1))
}

/// The same of what begins with Escape.
#[cfg(unix)]
fn escaped(bytes: &[u8]) -> Option<(Option<Press>, usize)> {
    match *bytes.get(1)? {
        b'[' => {}
        b'O' => return Some((named("", *bytes.get(2)?), 3)),
        0x1b => return Some((Some(Press::Escape), 1)),
        // With Alt, nothing has a meaning.
        _ => return first(&bytes[1..]).map(|(_, length)| (None, length + 1)),
    }
    let end = bytes.iter().skip(2).position(|byte| !(0x20..0x40).contains(byte))? + 2;
    let parameters = std::str::from_utf8(&bytes[2..end]).unwrap_or_default();
    match bytes[end] {
        last @ 0x40..0x7f => Some((named(parameters, last), end + 1)),
        // It was none.
        _ => Some((None, end)),
    }
}

#[cfg(unix)]
fn named(parameters: &str, last: u8) -> Option<Press> {
    Some(match (last, parameters) {
        (b'A', _) => Press::Up,
        (b'B', _) => Press::Down,
        (b'H', _) | (b'~', "1" | "7") => Press::Home,
        (b'F', _) | (b'~', "4" | "8") => Press::End,
        (b'~', "5") => Press::PageUp,
        (b'~', "6") => Press::PageDown,
        (b'Z', _) => Press::BackTab,
        _ => return None,
    })
}

#[cfg(not(unix))]
fn hear(signals: &mpsc::Sender<Signal>) -> io::Result<()> {
    use ratatui::crossterm::event::{self, Event};
    loop {
        let signal = match event::read()? {
            Event::Key(key) => press(key).map(Signal::Key),
            Event::Resize(..) => Some(Signal::Resized),
            Event::FocusGained | Event::FocusLost | Event::Mouse(_) | Event::Paste(_) => None,
        };
        if let Some(signal) = signal {
            signals.blocking_send(signal).map_err(io::Error::other)?;
        }
    }
}

/// What a key means, if anything.
#[cfg(not(unix))]
fn press(key: ratatui::crossterm::event::KeyEvent) -> Option<Press> {
    use ratatui::crossterm::event::{KeyCode, KeyEventKind, KeyModifiers};
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> (Vec<Press>, &[u8]) {
        let (mut pressed, mut rest) = (Vec::new(), bytes);
        while let Some((press, length)) = first(rest) {
            assert!(length > 0);
            pressed.extend(press);
            rest = &rest[length..];
        }
        (pressed, rest)
    }

    #[test]
    fn keys_are_told_apart() {
        let bytes = "q\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[H\x1b[4~\x1b[Z\t\r\x7f你\x03".as_bytes();
        let keys = [
            Press::Letter('q'),
            Press::Up,
            Press::Down,
            Press::PageUp,
            Press::PageDown,
            Press::Home,
            Press::End,
            Press::BackTab,
            Press::Tab,
            Press::Enter,
            Press::Backspace,
            Press::Letter('你'),
            Press::Interrupt,
        ];
        assert_eq!(all(bytes), (keys.to_vec(), &[][..]));
    }

    #[test]
    fn what_is_not_whole_waits_and_what_means_nothing_is_passed_over() {
        for part in ["\x1b", "\x1b[", "\x1b[1;", "\x1bO"] {
            assert_eq!(all(part.as_bytes()), (Vec::new(), part.as_bytes()));
        }
        assert_eq!(all(&[0xe4, 0xbd]), (Vec::new(), &[0xe4, 0xbd][..]));
        let bytes = b"\x1b[999;999R\x1b[<0;1;1M\x1b[200~\x1bq\x00\xff\x80\xc0A\x1b[1\x02\x1bOPn";
        assert_eq!(all(bytes).0, [Press::Letter('A'), Press::Letter('n')]);
        assert_eq!(all(b"\x1b\x1b[A").0, [Press::Escape, Press::Up]);
    }
}
