//! `peer history`, `peer search`, `peer forget`: through the running peer, or from the file of the history.

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use crate::engine::RowId;
use crate::node::unix_now;
use crate::store::{Forget, Query};
use crate::web::{Client, ForgetRequest, ForgottenObject, HistoryQuery, LineObject, SCHEMA, line_object};

use super::super::args::{ForgetArgs, HistoryArgs, Options, SearchArgs};
use super::super::past::Past;
use super::super::render::{Render, grouped};
use super::super::terminal;
use super::link::{Found, profile, running};
use super::shelf::Shelf;
use super::trouble::Trouble;
use super::{object, put, say, shown};

/// Lines that one answer of the API holds.
const PAGE: u32 = 1_000;

/// The history, wherever it is.
#[derive(Debug)]
pub(super) enum Books {
    Peer(Client),
    Shelf(Box<Shelf>),
}

/// Which lines are wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) with: Option<String>,
    /// Unix seconds by our clock.
    pub(super) since: Option<u64>,
    pub(super) unread: bool,
    pub(super) limit: Option<u32>,
}

impl Books {
    pub(super) async fn open(options: &Options) -> Result<Self, Trouble> {
        if options.temporary {
            return Err(Trouble::no_history());
        }
        if let Some(client) = running(options).await? {
            return Ok(Self::Peer(client));
        }
        match profile(options).await? {
            Found::Running(client) => Ok(Self::Peer(client)),
            Found::Profile(profile, _) => Shelf::open(options, profile).map(|shelf| Self::Shelf(Box::new(shelf))),
        }
    }

    async fn lines(&self, wanted: Wanted) -> Result<Vec<LineObject>, Trouble> {
        match self {
            Self::Peer(client) => {
                let query = wanted.asked();
                if wanted.limit.is_some_and(|limit| limit <= PAGE) {
                    return Ok(client.history(&query).await?);
                }
                let mut stream = client.export(&query).await?;
                let mut lines = Vec::new();
                while let Some(line) = stream.next().await? {
                    lines.push(line);
                }
                Ok(lines)
            }
            Self::Shelf(shelf) => {
                let query = wanted.query(shelf).await?;
                Ok(shelf.lines(query).await?.into_iter().map(line_object).collect())
            }
        }
    }

    async fn search(&self, words: &str, with: Option<&str>, limit: u32) -> Result<Vec<LineObject>, Trouble> {
        match self {
            Self::Peer(client) => Ok(client.search(words, with, Some(limit.min(PAGE))).await?),
            Self::Shelf(shelf) => {
                let wanted = Wanted { with: with.map(str::to_owned), limit: Some(limit), ..Wanted::default() };
                let query = Query { words: Some(words.to_owned()), ..wanted.query(shelf).await? };
                Ok(shelf.lines(query).await?.into_iter().map(line_object).collect())
            }
        }
    }

    async fn read(&self, rows: Vec<i64>) -> Result<(), Trouble> {
        if rows.is_empty() {
            return Ok(());
        }
        match self {
            Self::Peer(client) => Ok(client.read(&rows).await?),
            Self::Shelf(shelf) => shelf.read(rows.into_iter().map(RowId).collect()).await,
        }
    }

    async fn forget(&self, what: &ForgetRequest) -> Result<ForgottenObject, Trouble> {
        match self {
            Self::Peer(client) => Ok(client.forget(what).await?),
            Self::Shelf(shelf) => {
                let what = match what {
                    ForgetRequest { with: Some(with), .. } => match shelf.whom(with).await? {
                        (Some(key), _) => Forget::With(key),
                        (None, label) => Forget::WithLabel(label.unwrap_or_default()),
                    },
                    ForgetRequest { before: Some(before), .. } => Forget::Before(*before),
                    ForgetRequest { .. } => Forget::Everything,
                };
                let lines = shelf.forget(what).await?;
                Ok(ForgottenObject { v: SCHEMA, kind: "forgotten".to_owned(), lines })
            }
        }
    }
}

impl Wanted {
    pub(super) fn asked(&self) -> HistoryQuery {
        HistoryQuery {
            with: self.with.clone(),
            since: self.since,
            limit: self.limit,
            before: None,
            unread: self.unread,
            kind: None,
        }
    }

    pub(super) async fn query(&self, shelf: &Shelf) -> Result<Query, Trouble> {
        let (with, with_label) = match &self.with {
            Some(with) => shelf.whom(with).await?,
            None => (None, None),
        };
        let (since, unread, limit) = (self.since, self.unread, self.limit);
        Ok(Query { with, with_label, since, unread, limit, ..Query::default() })
    }
}

/// The moment that is so long ago, Unix seconds.
pub(super) fn ago(age: Duration) -> u64 {
    unix_now().as_secs().saturating_sub(age.as_secs())
}

pub(super) async fn history(options: &Options, args: &HistoryArgs) -> Result<(), Trouble> {
    let books = Books::open(options).await?;
    let since = args.since.map(ago);
    let wanted = Wanted { with: args.with.clone(), since, unread: args.unread, limit: Some(args.limit) };
    let lines = books.lines(wanted).await?;
    show(&lines, args.json)?;
    // What a program reads, nobody has seen, unless it asks for just that.
    if !args.unread && (args.json || render().pipe) {
        return Ok(());
    }
    let unread = lines.iter().filter(|line| !line.read && !line.ours);
    books.read(unread.filter_map(|line| line.row).collect()).await
}

pub(super) async fn search(options: &Options, args: &SearchArgs) -> Result<(), Trouble> {
    let books = Books::open(options).await?;
    let lines = books.search(&args.words.join(" "), args.with.as_deref(), args.limit).await?;
    show(&lines, args.json)
}

fn show(lines: &[LineObject], json: bool) -> Result<(), Trouble> {
    if json {
        return lines.iter().try_for_each(object);
    }
    let past: Vec<Past> = lines.iter().map(Past::from).collect();
    render().past(&past).iter().try_for_each(put)
}

/// For a person at a terminal, for a program elsewhere.
pub(super) fn render() -> Render {
    Render { pipe: !io::stdout().is_terminal(), color: terminal::is_colored() }
}

pub(super) async fn forget(options: &Options, args: &ForgetArgs) -> Result<(), Trouble> {
    let what =
        ForgetRequest { with: args.what.with.clone(), before: args.what.older_than.map(ago), all: args.what.all };
    if !args.yes && !asked(args)? {
        return say("Nothing was removed");
    }
    let forgotten = Books::open(options).await?.forget(&what).await?;
    if args.json {
        return object(&forgotten);
    }
    let lines = usize::try_from(forgotten.lines).unwrap_or(usize::MAX);
    say(&format!("Forgotten: {} lines", grouped(lines)))
}

/// Asks at a terminal; elsewhere there is nobody to ask.
fn asked(args: &ForgetArgs) -> Result<bool, Trouble> {
    if !terminal::is_interactive() {
        return Err(Trouble::usage("nobody can be asked here: add --yes to remove it for ever"));
    }
    let what = match (&args.what.with, args.what.older_than) {
        (Some(with), _) => format!("all posts of {0} and all DMs with {0}", shown(with)),
        (None, Some(age)) => format!("all that is older than {} days", age.as_secs() / 86_400),
        (None, None) => "the whole history".to_owned(),
    };
    let mut out = io::stdout().lock();
    write!(out, "Forget {what} for ever? [y/N] ").and_then(|()| out.flush()).map_err(Trouble::output)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|error| Trouble::failed(error.to_string()))?;
    Ok(["y", "yes"].iter().any(|yes| answer.trim().eq_ignore_ascii_case(yes)))
}
