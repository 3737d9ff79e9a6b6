//! Reads commands from a pipe, one a line, on a thread of its own.

use std::io::{self, BufRead, Read};

use tokio::sync::mpsc;

use super::input::{Input, Typed};
use crate::wire::LONG_MAX;

/// Longest line that is read, bytes: more than one message holds, so that the limit of messages is named.
const LONGEST: u64 = LONG_MAX as u64 + 4096;

/// Starts to read the standard input.
///
/// # Errors
/// What the system says when it gives no thread.
pub fn start() -> io::Result<Input> {
    // Of one line: the next is read when this one is done, so a long file waits in its pipe.
    let (sender, typed) = mpsc::channel(1);
    std::thread::Builder::new().name("pipe".to_owned()).spawn(move || {
        let mut lines = io::stdin().lock();
        loop {
            let next = next(&mut lines);
            let end = next == Typed::End;
            if sender.blocking_send(next).is_err() || end {
                return;
            }
        }
    })?;
    Ok(Input::new(typed, None))
}

/// The next line; one that is too long is passed over whole.
fn next(lines: &mut impl BufRead) -> Typed {
    let mut line = Vec::new();
    match lines.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
        Ok(0) | Err(_) => return Typed::End,
        Ok(_) => {}
    }
    if line.len() as u64 == LONGEST && !line.ends_with(b"\n") {
        if lines.skip_until(b'\n').is_err() {
            return Typed::End;
        }
        return Typed::Wrong("That line is longer than 69,632 bytes; nothing was sent");
    }
    match String::from_utf8(line) {
        Ok(line) => Typed::Line(line.trim_end_matches(['\n', '\r']).to_owned()),
        Err(_) => Typed::Wrong("That line is not UTF-8 text; nothing was sent"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_whole_or_refused() {
        let longest = LONG_MAX + 4096;
        let long = "x".repeat(longest);
        let exact = "y".repeat(longest - 1);
        let bytes = [b"one\r\n\n\xff\n", long.as_bytes(), b"\n", exact.as_bytes(), b"\nlast"].concat();
        let mut lines = io::Cursor::new(bytes);
        assert_eq!(next(&mut lines), Typed::Line("one".into()));
        assert_eq!(next(&mut lines), Typed::Line(String::new()));
        assert!(matches!(next(&mut lines), Typed::Wrong(_)));
        assert!(matches!(next(&mut lines), Typed::Wrong(_)));
        assert_eq!(next(&mut lines), Typed::Line(exact));
        assert_eq!(next(&mut lines), Typed::Line("last".into()));
        assert_eq!(next(&mut lines), Typed::End);
    }
}
