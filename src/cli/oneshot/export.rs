//! `peer export`: the history as a file.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use jiff::civil::Date;
use tokio::sync::mpsc;

use crate::engine::Kind;
use crate::web::{LineObject, line_object};
use crate::wire::{Safe, SafeLines};

use super::super::args::{ExportArgs, Format, Options};
use super::super::past::{Cast, Past};
use super::books::{Books, Wanted, ago};
use super::trouble::Trouble;

/// Lines on their way from the history to the file.
const AHEAD: usize = 64;

pub(super) async fn export(options: &Options, args: &ExportArgs) -> Result<(), Trouble> {
    let books = Books::open(options).await?;
    let wanted = Wanted { with: args.with.clone(), since: args.since.map(ago), ..Wanted::default() };
    // Whoever is asked for must be there before a file is made.
    let mut lines = Lines::open(&books, &wanted).await?;
    let to_output = args.file == Path::new("-");
    let mut out: Box<dyn Write> = if to_output {
        Box::new(BufWriter::new(io::stdout().lock()))
    } else {
        Box::new(BufWriter::new(make(&args.file)?))
    };
    let written = write(&mut lines, &mut out, args.format).await;
    if written.is_err() && !to_output {
        // A part of it could be taken for the whole.
        let _ = fs::remove_file(&args.file);
    }
    written
}

/// Makes a file that is not there yet, for our eyes only.
fn make(file: &Path) -> Result<File, Trouble> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map_err(|error| {
        Trouble::failed(if error.kind() == io::ErrorKind::AlreadyExists {
            format!("{} exists already and was left as it is: export to another file", file.display())
        } else {
            format!("cannot write {}: {error}", file.display())
        })
    })
}

async fn write(lines: &mut Lines, out: &mut dyn Write, format: Format) -> Result<(), Trouble> {
    let mut day = None;
    while let Some(line) = lines.next().await? {
        let text = match format {
            Format::Jsonl => crate::web::json(&line) + "\n",
            Format::Markdown => markdown(&line, &mut day),
        };
        out.write_all(text.as_bytes()).map_err(Trouble::output)?;
    }
    out.flush().map_err(Trouble::output)
}

/// Lines as they come, the oldest first.
enum Lines {
    Peer(crate::web::Lines),
    Shelf(mpsc::Receiver<LineObject>),
}

impl Lines {
    async fn open(books: &Books, wanted: &Wanted) -> Result<Self, Trouble> {
        match books {
            Books::Peer(client) => Ok(Self::Peer(client.export(&wanted.asked()).await?)),
            Books::Shelf(shelf) => {
                let query = wanted.query(shelf).await?;
                let (sender, lines) = mpsc::channel(AHEAD);
                shelf.spawn_each(query, move |line| sender.blocking_send(line_object(line)).is_ok());
                Ok(Self::Shelf(lines))
            }
        }
    }

    async fn next(&mut self) -> Result<Option<LineObject>, Trouble> {
        match self {
            Self::Peer(lines) => Ok(lines.next().await?),
            Self::Shelf(lines) => Ok(lines.recv().await),
        }
    }
}

/// A line of the list under the heading of its day.
fn markdown(line: &LineObject, day: &mut Option<Date>) -> String {
    let past = Past::from(line);
    let mut text = String::new();
    if *day != Some(past.at.date()) {
        text.push_str(if day.is_some() { "\n" } else { "" });
        *day = Some(past.at.date());
        text.push_str(&format!("## {}\n\n", past.at.strftime("%A %Y-%m-%d")));
    }
    let cast = Cast::of(std::slice::from_ref(&past));
    let other = past.with.as_ref().map(|with| escaped(&cast.label(with))).unwrap_or_default();
    let who = match (past.kind, past.ours) {
        (Kind::Dm { .. }, true) => format!("**you** to {other}"),
        (Kind::Post | Kind::Profile, true) => "**you**".to_owned(),
        (Kind::Dm { .. }, false) => format!("**{other}** to you"),
        (Kind::Post | Kind::Profile, false) => format!("**{other}**"),
    };
    let verb = if past.kind == Kind::Profile { " is called" } else { "" };
    let mark = match &past.mark {
        Some((word, Some(reason))) => format!(" *({word}: {reason})*"),
        Some((word, None)) => format!(" *({word})*"),
        None => String::new(),
    };
    // A line break stays one, inside its item.
    let said: Vec<String> = SafeLines::of(&past.text).iter().map(|line| escaped(line.as_str())).collect();
    text.push_str(&format!("- {} {who}{verb}: {}{mark}\n", past.at.strftime("%H:%M"), said.join("  \n  ")));
    text
}

/// Text that Markdown shows as it is.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in Safe::line(text).as_str().chars() {
        if c.is_ascii_punctuation() && !matches!(c, ',' | '.' | ':' | ';' | '?' | '/' | '\'' | '"' | '%' | '@' | '=') {
            out.push('\\');
        }
        out.push(c);
    }
    // What would begin a list or a heading.
    match out.split_once('.') {
        Some((number, _)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => {
            out.replacen('.', "\\.", 1)
        }
        _ => out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_shows_texts_as_they_are() {
        assert_eq!(
            escaped("# <b>*hi*</b> [x](y) `z` _u_"),
            "\\# \\<b\\>\\*hi\\*\\</b\\> \\[x\\]\\(y\\) \\`z\\` \\_u\\_"
        );
        assert_eq!(escaped("1. one, 2.5"), "1\\. one, 2.5");
        assert!(!escaped("a\x1b[2J\nb").contains(['\x1b', '\n']));
    }
}
