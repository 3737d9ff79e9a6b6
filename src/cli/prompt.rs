//! The prompt at a terminal, on a thread of its own: history, completion, and messages above the line being typed.

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

use crate::engine::{Peer, Peers};

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
    let mut words: Vec<String> = Vec::new();
    for peer in peers {
        let same = |other: &&Peer| other.raw_name() == peer.raw_name();
        let shared = peers.iter().filter(same).count() > 1;
        words.extend(names(peer, shared || rest.contains('@')));
    }
    words.retain(|word| word.to_lowercase().starts_with(&lower));
    words.sort();
    words.dedup();
    (start, words)
}

/// What can be typed for a peer, as far as it can be shown: its name, or its id where the name would not do, and its
/// display name in quotes.
fn names(peer: &Peer, by_id: bool) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let id = peer.shown_id();
    if id.as_str() == peer.raw_id() && !peer.raw_id().contains([' ', '"']) {
        names.push(if by_id { peer.raw_id() } else { peer.raw_name() }.to_owned());
    }
    let name = peer.shown_name();
    if peer.raw_display_name() == Some(name.as_str()) && !name.as_str().contains('"') {
        names.push(format!("\"{name}\""));
        if !name.as_str().contains(' ') {
            names.push(name.as_str().to_owned());
        }
    }
    names
}
