//! The data space as lines: lists and their changes, progress, messages of programs.

use unicode_width::UnicodeWidthStr;

use crate::web::{
    AuthorObject, ChangeObject, ItemObject, ListObject, LogObject, MessageObject, ProgressObject, WholeListObject,
};
use crate::wire::Safe;

use super::super::shown::{Shown, Tone};
use super::{Render, grouped};

/// Most columns of a text within a sentence.
const QUOTED: usize = 60;

/// Most columns of a cell of a table.
const CELL: usize = 40;

/// Digits of an id that stand after a name.
const DIGITS: usize = 4;

impl Render {
    /// A list whole: a head, and a line an item. More than `most` items are counted only.
    #[must_use]
    pub fn whole_list(self, list: &WholeListObject, most: usize) -> Vec<Shown> {
        if self.pipe {
            return list.items.iter().map(row).collect();
        }
        let mut shown = vec![Shown::line(self.color, &[(Tone::Name, &head(list))])];
        let digits = list.items.len().to_string().len();
        for item in list.items.iter().take(most) {
            let place = format!("{:>digits$}. ", item.place);
            let text = Safe::line(&item.text);
            let fields = fields(item);
            shown.push(Shown::line(
                self.color,
                &[(Tone::Faint, &place), (Tone::Plain, text.as_str()), (Tone::Faint, &fields)],
            ));
        }
        if list.items.is_empty() {
            shown.push(Shown::line(self.color, &[(Tone::Faint, "Nothing is on it")]));
        }
        if list.items.len() > most {
            let text = format!("and {} more", grouped(list.items.len() - most));
            shown.push(Shown::line(self.color, &[(Tone::Faint, &text)]));
        }
        shown
    }

    /// The lists that there are.
    #[must_use]
    pub fn lists(self, lists: &[ListObject]) -> Vec<Shown> {
        if self.pipe {
            let row = |list: &ListObject| {
                let text = format!("{} {} items, {} members", list.standing, list.items, list.members);
                Shown::row("LIST", &list.id, &list.name, &text)
            };
            return lists.iter().map(row).collect();
        }
        let row = |list: &ListObject| {
            let note = match (list.standing.as_str(), &list.invited_by) {
                ("invited", Some(by)) => format!("{} invites you: peer share join {}", by.name, called(list, lists)),
                ("invited", None) => format!("join it: peer share join {}", called(list, lists)),
                _ if list.open => "open to everybody".to_owned(),
                _ => String::new(),
            };
            [called(list, lists), list.items.to_string(), list.members.to_string(), list.creator.name.clone(), note]
        };
        let head = ["LIST", "ITEMS", "MEMBERS", "BY", ""].map(str::to_owned);
        self.table([head].into_iter().chain(lists.iter().map(row)))
    }

    /// One thing that was done to a list, as it happens.
    #[must_use]
    pub fn list_change(self, list: &ListObject) -> Option<Shown> {
        let (by, change) = (list.by.as_ref()?, list.change.as_ref()?);
        let text = change_by(by, change);
        if self.pipe {
            return Some(Shown::row("CHANGE", &list.id, &list.name, &text));
        }
        let tone = if change.what == "returned" { Tone::Plain } else { Tone::Faint };
        Some(Shown::line(self.color, &[(tone, &format!("{}: {text}", list.name))]))
    }

    /// What was done to a list, by somebody, some time.
    #[must_use]
    pub fn log_entry(self, entry: &LogObject) -> Shown {
        let undone = if entry.undone { " (taken back)" } else { "" };
        let text = format!("{}{undone}", change_by(&entry.by, &entry.change));
        if self.pipe {
            return Shown::row("LOG", &entry.by.key, &entry.at, &text);
        }
        let at = local(&entry.at);
        Shown::line(self.color, &[(Tone::Faint, &format!("{at}  ")), (Tone::Plain, &text)])
    }

    /// The board.
    #[must_use]
    pub fn board(self, board: &[ProgressObject]) -> Vec<Shown> {
        if self.pipe {
            return board.iter().map(|progress| self.progress(progress, "")).collect();
        }
        let row = |progress: &ProgressObject| {
            let cell = |text: &str| Safe::fitted(text, CELL).as_str().to_owned();
            [
                cell(&progress.user),
                cell(&progress.lesson),
                cell(&progress.status),
                moment(progress.timestamp),
                progress.by.name.clone(),
            ]
        };
        let head = ["USER", "LESSON", "STATUS", "WHEN", "SAID BY"].map(str::to_owned);
        self.table([head].into_iter().chain(board.iter().map(row)))
    }

    /// Progress as it comes, and how it came.
    #[must_use]
    pub fn progress(self, progress: &ProgressObject, how: &str) -> Shown {
        if self.pipe {
            return Shown::row("PROGRESS", &progress.user, &progress.lesson, &progress.status);
        }
        let at = format!("{}  ", moment(progress.timestamp));
        let what = format!(" {}: {}", progress.lesson, progress.status);
        let by = format!("  (said by {}{how})", progress.by.name);
        Shown::line(
            self.color,
            &[(Tone::Faint, &at), (Tone::Name, &progress.user), (Tone::Plain, &what), (Tone::Faint, &by)],
        )
    }

    /// A message of a program.
    #[must_use]
    pub fn message(self, message: &MessageObject) -> Shown {
        if self.pipe {
            let text = format!("{} {}", message.topic, message.body.get());
            return Shown::row("MESSAGE", &message.from.key, &message.from.name, &text);
        }
        let sealed = if message.sealed { ", private" } else { "" };
        let kind = if message.purpose == "data" { String::new() } else { format!(", {}", message.purpose) };
        let head = format!(" {}{kind}{sealed}: ", message.topic);
        let body = message.body.get();
        Shown::line(self.color, &[(Tone::Name, &message.from.name), (Tone::Faint, &head), (Tone::Plain, body)])
    }

    /// Cells in columns; the last one has no width.
    fn table<const N: usize>(self, rows: impl Iterator<Item = [String; N]>) -> Vec<Shown> {
        let rows: Vec<[String; N]> = rows.map(|row| row.map(|cell| Safe::line(&cell).as_str().to_owned())).collect();
        let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..N).map(width).collect();
        let line = |row: &[String; N]| {
            let cells = row.iter().zip(&widths);
            let cells = cells.map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let tone = |at: usize| if at == 0 { Tone::Faint } else { Tone::Plain };
        let lines = rows.iter().enumerate();
        lines.map(|(at, row)| Shown::line(self.color, &[(tone(at), &line(row))])).collect()
    }
}

/// What a list is called among these: with digits of its id where another one is called so.
#[must_use]
pub fn called(list: &ListObject, among: &[ListObject]) -> String {
    let same = among.iter().filter(|other| other.name.eq_ignore_ascii_case(&list.name)).count();
    let digits = list.id.get(..DIGITS).unwrap_or_default();
    if same > 1 { format!("{}#{digits}", list.name) } else { list.name.clone() }
}

/// What was done, as a sentence about somebody.
#[must_use]
pub fn change_by(by: &AuthorObject, change: &ChangeObject) -> String {
    let who = if by.ours { "you" } else { &by.name };
    let quoted = quoted(change);
    match change.what.as_str() {
        // Nobody's doing alone.
        "returned" => format!("{quoted} is back, moved by {who} while somebody else removed it: what is moved stays"),
        "left" => format!("{who} takes part no longer"),
        "joined" => format!("{who} joined"),
        _ => format!("{who} {}", done(change)),
    }
}

/// What was done, without who did it.
#[must_use]
pub fn done(change: &ChangeObject) -> String {
    let quoted = quoted(change);
    let place = |word: &str| change.place.map(|place| format!(" {word} place {place}")).unwrap_or_default();
    match change.what.as_str() {
        "created" => "made the list".to_owned(),
        "added" => format!("added {quoted}{}", place("at")),
        "moved" => format!("moved {quoted}{}", place("to")),
        "changed" => format!("changed {quoted}"),
        "removed" => format!("removed {quoted}"),
        "returned" => format!("brought {quoted} back"),
        "invited" => {
            let whom = change.whom.as_ref().map_or("somebody", |whom| if whom.ours { "you" } else { &whom.name });
            format!("invited {whom}")
        }
        "opened" => "let everybody take part".to_owned(),
        "joined" => "joined".to_owned(),
        "left" => "left".to_owned(),
        other => Safe::fitted(other, CELL).as_str().to_owned(),
    }
}

fn quoted(change: &ChangeObject) -> String {
    let text = change.text.as_deref().unwrap_or_default();
    format!("\"{}\"", Safe::fitted(text, QUOTED))
}

fn head(list: &WholeListObject) -> String {
    let WholeListObject { list, refused, .. } = list;
    let plural = |count: usize, one: &str| {
        if count == 1 { format!("1 {one}") } else { format!("{} {one}s", grouped(count)) }
    };
    let open = if list.open { ", open to everybody" } else { "" };
    let standing = if list.standing == "invited" { ", you are invited" } else { "" };
    let refused = match usize::try_from(*refused) {
        Ok(0) => String::new(),
        Ok(count) => format!(", {} refused", plural(count, "edit")),
        Err(_) => ", very many edits refused".to_owned(),
    };
    let (items, members) = (plural(list.items, "item"), plural(list.members, "member"));
    format!("{} ({items}, {members}{open}{standing}{refused})", list.name)
}

fn row(item: &ItemObject) -> Shown {
    let text = format!("{}{}", Safe::line(&item.text), fields(item));
    Shown::row("ITEM", &item.id, &item.place.to_string(), &text)
}

fn fields(item: &ItemObject) -> String {
    let all: Vec<String> = item.fields.iter().map(|(name, value)| format!("{name}={}", Safe::line(value))).collect();
    if all.is_empty() { String::new() } else { format!("  [{}]", all.join(", ")) }
}

/// Unix seconds by the local clock.
fn moment(unix: u64) -> String {
    let time = i64::try_from(unix).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.map_or_else(|| "some time".to_owned(), at_home)
}

fn local(at: &str) -> String {
    at.parse::<jiff::Timestamp>().map_or_else(|_| Safe::fitted(at, CELL).as_str().to_owned(), at_home)
}

fn at_home(time: jiff::Timestamp) -> String {
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\x1b]0;t\x07\tb\nc\r\u{9b}2J\u{202e}d\u{85}\u{2028}e\u{0}";

    fn author(name: &str) -> AuthorObject {
        AuthorObject { key: "k".into(), name: name.into(), who: "#1".into(), trust: None, ours: false }
    }

    fn list(name: &str, id: &str) -> ListObject {
        ListObject {
            v: 1,
            kind: "list".into(),
            id: id.into(),
            name: name.into(),
            creator: author("alice"),
            standing: "joined".into(),
            invited_by: None,
            items: 1,
            members: 2,
            open: false,
            by: Some(author("bob")),
            change: Some(change("added", HOSTILE)),
        }
    }

    fn change(what: &str, text: &str) -> ChangeObject {
        ChangeObject {
            what: what.into(),
            item: Some("0000000000000001".into()),
            text: Some(text.into()),
            place: Some(1),
            whom: None,
        }
    }

    fn progress(text: &str) -> ProgressObject {
        ProgressObject {
            v: 1,
            kind: "progress".into(),
            user: text.into(),
            lesson: text.into(),
            status: text.into(),
            timestamp: u64::MAX,
            by: author("bob"),
            lamport: 1,
            newest: None,
            late: None,
        }
    }

    #[test]
    fn hostile_texts_are_lines_and_rows_like_all_others() {
        let item = ItemObject {
            id: "1".into(),
            place: 1,
            text: HOSTILE.into(),
            fields: [("a".to_owned(), HOSTILE.to_owned())].into(),
            by: author("bob"),
        };
        let whole = WholeListObject {
            v: 1,
            kind: "whole-list".into(),
            list: list("party", "ab12"),
            items: vec![item],
            members: Vec::new(),
            refused: 3,
            rebuilt: 0,
        };
        let message = MessageObject {
            v: 1,
            kind: "message".into(),
            from: author("bob"),
            topic: "a/b".into(),
            purpose: "chat".into(),
            body: crate::web::JsonText::of(&HOSTILE).unwrap(),
            sealed: true,
            ours: false,
        };
        for pipe in [false, true] {
            let render = Render { pipe, color: false };
            let mut all = render.whole_list(&whole, 10);
            all.extend(render.lists(std::slice::from_ref(&whole.list)));
            all.extend(render.list_change(&whole.list));
            all.extend(render.board(&[progress(HOSTILE)]));
            all.push(render.progress(&progress(HOSTILE), ""));
            all.push(render.message(&message));
            let rows = all.iter().filter(|line| line.as_str().split('\t').count() == 4).count();
            assert_eq!(rows, if pipe { all.len() } else { 0 }, "{all:#?}");
            let hidden = |c: char| c != '\t' && (c.is_control() || c == '\u{202e}' || c == '\u{2028}');
            assert!(all.iter().all(|line| !line.as_str().contains(hidden)), "{all:#?}");
        }
    }

    #[test]
    fn a_list_that_is_longer_than_the_screen_says_so() {
        let item = |place| ItemObject {
            id: format!("{place:016x}"),
            place,
            text: format!("song {place}"),
            fields: Default::default(),
            by: author("bob"),
        };
        let whole = WholeListObject {
            v: 1,
            kind: "whole-list".into(),
            list: list("party", "ab12"),
            items: (1..=12).map(item).collect(),
            members: Vec::new(),
            refused: 0,
            rebuilt: 0,
        };
        let shown = Render { pipe: false, color: false }.whole_list(&whole, 10);
        let text: Vec<&str> = shown.iter().map(Shown::as_str).collect();
        assert_eq!((text[1], text[11], text.len()), (" 1. song 1", "and 2 more", 12), "{text:#?}");
    }

    #[test]
    fn what_is_back_is_explained_and_names_that_are_shared_have_digits() {
        let told = change_by(&author("bob"), &change("returned", "milk"));
        assert!(told.contains("\"milk\" is back") && told.contains("what is moved stays"), "{told}");
        let lists = [list("party", "ab12cd"), list("Party", "ff00aa"), list("food", "ab12ff")];
        assert_eq!([0, 2].map(|at| called(&lists[at], &lists)), ["party#ab12", "food"]);
    }
}
