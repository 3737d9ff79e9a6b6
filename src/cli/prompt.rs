//! The prompt at a terminal, on a thread of its own: history, completion, and messages above the line being typed.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc as blocking;
use std::sync::{Arc, OnceLock};

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, ExternalPrinter, Helper};
use tokio::sync::mpsc;

use crate::engine::{Peer, Peers, look};

use super::input::{Ask, Input, Typed};
use super::line::COMMANDS;
use super::screen::{self, Sink};

/// Lines of history that are kept.
const HISTORY: usize = 1000;

/// What the prompt learns after its start.
#[derive(Debug, Clone, Default)]
pub struct Later {
    /// Whom completion offers.
    pub peers: Arc<OnceLock<Peers>>,
    /// The file of the history.
    pub history: Arc<OnceLock<PathBuf>>,
}

/// Starts the prompt; it asks nothing until it is told to. Lines for the screen go through the sink.
///
/// # Errors
/// What the system says when the terminal cannot be used, or when it gives no thread.
pub fn start(later: Later) -> io::Result<(Input, Sink)> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(HISTORY)
        .and_then(|config| config.history_ignore_dups(true))
        .map_err(io::Error::other)?
        .history_ignore_space(true)
        .build();
    let mut editor: Editor<Names, DefaultHistory> = Editor::with_config(config).map_err(io::Error::other)?;
    editor.set_helper(Some(Names { peers: Arc::clone(&later.peers) }));
    // A terminal that cannot be edited on gets its lines as they come.
    let sink: Sink = match editor.create_external_printer() {
        Ok(mut printer) => Box::new(move |line| printer.print(line.to_owned()).map_err(io::Error::other)),
        Err(_) => screen::stdout(),
    };
    let (asks, asked) = blocking::channel();
    let (sender, typed) = mpsc::channel(1);
    std::thread::Builder::new().name("prompt".to_owned()).spawn(move || read(editor, &later, &asked, &sender))?;
    Ok((Input::new(typed, Some(asks)), sink))
}

fn read(
    mut editor: Editor<Names, DefaultHistory>,
    later: &Later,
    asked: &blocking::Receiver<Ask>,
    typed: &mpsc::Sender<Typed>,
) {
    let mut history = None;
    while let Ok(Ask { prompt, command }) = asked.recv() {
        if command && history.is_none() {
            history = later.history.get();
            if let Some(file) = history {
                // The first start has none.
                let _ = editor.load_history(file);
            }
        }
        let line = match editor.readline(&prompt) {
            Ok(line) => line,
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                if typed.blocking_send(Typed::Wrong("That line is not UTF-8 text; nothing was sent")).is_err() {
                    return;
                }
                continue;
            }
            Err(_) => {
                let _ = typed.blocking_send(Typed::End);
                return;
            }
        };
        if command
            && !line.trim().is_empty()
            && editor.add_history_entry(&line).unwrap_or(false)
            && let Some(file) = history
        {
            // A full disk costs the history, not the message.
            let _ = editor.append_history(file);
        }
        if typed.blocking_send(Typed::Line(line)).is_err() {
            return;
        }
    }
}

/// Completes commands and peers.
struct Names {
    peers: Arc<OnceLock<Peers>>,
}

impl Completer for Names {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let peers = self.peers.get().map(Peers::snapshot).unwrap_or_default();
        let (start, words) = complete(line.get(..pos).unwrap_or_default(), &peers);
        Ok((start, words.into_iter().map(|word| Pair { display: word.clone(), replacement: word + " " }).collect()))
    }
}

impl Hinter for Names {
    type Hint = String;
}
impl Highlighter for Names {}
impl Validator for Names {}
impl Helper for Names {}

/// Where the word at the end of `line` begins, and what it can become.
fn complete(line: &str, peers: &[Peer]) -> (usize, Vec<String>) {
    let line_start = line.len() - line.trim_start().len();
    let typed = &line[line_start..];
    let Some(end) = typed.find(char::is_whitespace) else {
        let upper = typed.to_uppercase();
        let words = COMMANDS.iter().filter(|(word, _)| word.starts_with(&upper));
        return (line_start, words.map(|(word, _)| (*word).to_owned()).collect());
    };
    let command = typed[..end].to_uppercase();
    let takes_peer = COMMANDS.iter().any(|(word, peer)| *peer && *word == command);
    let rest = typed[end..].trim_start();
    let start = line.len() - rest.len();
    let open_quote = rest.starts_with('"');
    if !takes_peer || (!open_quote && rest.contains(char::is_whitespace)) || rest.matches('"').count() > 1 {
        return (line.len(), Vec::new());
    }
    let lower = rest.to_lowercase();
    let mut looks: HashMap<String, usize> = HashMap::new();
    for peer in peers {
        for name in names_of(peer) {
            *looks.entry(look(&name)).or_default() += 1;
        }
    }
    let shared = |name: &str| looks.get(&look(name)).is_some_and(|count| *count > 1);
    let mut words: Vec<String> = Vec::new();
    for peer in peers.iter().filter(|peer| !peer.is_blocked()) {
        words.extend(words_for(peer, &shared, rest));
    }
    words.retain(|word| word.to_lowercase().starts_with(&lower));
    words.sort();
    words.dedup();
    (start, words)
}

/// What a peer goes by: its name, and its display name if that is another one.
fn names_of(peer: &Peer) -> Vec<String> {
    let mut names = vec![peer.raw_name().to_owned()];
    let shown = peer.shown_name();
    if look(shown.as_str()) != look(peer.raw_name()) {
        names.push(shown.as_str().to_owned());
    }
    names
}

/// What can be typed for a peer, as far as it can be shown: its name, its display name in quotes, either with the
/// fingerprint where it would not do alone, or its id.
fn words_for(peer: &Peer, shared: &impl Fn(&str) -> bool, typed: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let digits = peer.key().map(|key| key.fingerprint().hex());
    if let Some(digits) = digits.as_deref().filter(|_| typed.starts_with('#')) {
        words.push(format!("#{}", &digits[..8]));
    }
    let with_digits = |name: &str| match &digits {
        // More than a line shows: it never has to be told apart again.
        Some(digits) if shared(name) || typed.contains('#') => Some(format!("{name}#{}", &digits[..8])),
        Some(_) => Some(name.to_owned()),
        None => (!shared(name)).then(|| name.to_owned()),
    };
    let id = peer.shown_id();
    if id.as_str() == peer.raw_id() && !peer.raw_id().contains([' ', '"']) {
        match with_digits(peer.raw_name()) {
            Some(name) if !typed.contains('@') => words.push(name),
            Some(_) | None => words.push(peer.raw_id().to_owned()),
        }
    }
    let name = peer.shown_name();
    if peer.raw_display_name() == Some(name.as_str())
        && !name.as_str().contains('"')
        && let Some(name) = with_digits(name.as_str())
    {
        words.push(format!("\"{name}\""));
        if !name.contains(' ') {
            words.push(name);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Trust;
    use crate::engine::sample::{Sample, key};

    #[test]
    fn names_are_completed_so_that_they_mean_one_peer() {
        let mut lan = Sample::new();
        lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Known);
        let other = lan.signed("robert", [10, 0, 0, 3], key(2), Trust::Known);
        lan.older("carl", [10, 0, 0, 4]);
        let words = |lan: &Sample, line: &str| complete(line, &lan.peers().snapshot()).1;
        assert_eq!(words(&lan, "DM bo"), ["bob"]);
        assert_eq!(words(&lan, "VERIFY ca"), ["carl"]);
        lan.call(other, "B\u{43e}b");
        let digits = |number: u64| key(number).fingerprint().hex()[..8].to_owned();
        assert_eq!(words(&lan, "DM bo"), [format!("bob#{}", digits(1))]);
        assert_eq!(words(&lan, "DM \"B"), [format!("\"B\u{43e}b#{}\"", digits(2))]);
        assert_eq!(words(&lan, &format!("BLOCK #{}", &digits(2)[..2])), [format!("#{}", digits(2))]);
        lan.older("CARL", [10, 0, 0, 5]);
        assert_eq!(words(&lan, "DM ca"), ["CARL@10.0.0.5", "carl@10.0.0.4"]);
    }

    #[test]
    fn completion_is_quick_among_many() {
        let mut lan = Sample::new();
        for n in 0..10_000_u32 {
            let [_, _, b, c] = n.to_be_bytes();
            lan.newcomer("bob", [10, 1, b, c]);
        }
        assert_eq!(complete("DM bob", &lan.peers().snapshot()).1.len(), 10_000);
    }
}
