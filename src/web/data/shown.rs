//! From what the data space knows to the objects of the API.

use crate::data::Event;
use crate::data::board::Entry;
use crate::data::list::{Change, Item, List, LogEntry, Member, Standing, Summary};
use crate::data::message::{self, Message};
use crate::data::{board, cache, list};
use crate::wire::Safe;

use super::super::feed::About;
use super::super::{
    CacheObject, CallObject, ChangeObject, EventObject, ItemObject, JsonText, ListObject, LogObject, MemberObject,
    MessageObject, ProgressObject, SCHEMA, WholeListObject, convert,
};
use super::Names;

/// Columns of the name of a list.
const LIST: usize = 64;

pub(super) fn standing(standing: Standing) -> String {
    match standing {
        Standing::Invited => "invited",
        Standing::Joined => "joined",
        Standing::Left => "left",
    }
    .to_owned()
}

pub(super) fn list(summary: &Summary, names: &Names) -> ListObject {
    ListObject {
        v: SCHEMA,
        kind: "list".to_owned(),
        id: summary.id.to_string(),
        name: Safe::called(&summary.name, LIST).as_str().to_owned(),
        creator: names.author(&summary.creator),
        standing: standing(summary.standing),
        invited_by: summary.invited_by.as_ref().map(|key| names.author(key)),
        items: summary.items,
        members: summary.members,
        open: summary.open,
        by: None,
        change: None,
    }
}

pub(super) fn whole(list: List, names: &Names) -> WholeListObject {
    let mut authors = std::collections::BTreeMap::new();
    let item = |(place, item): (usize, Item)| {
        let by = authors.entry(item.by).or_insert_with(|| names.author(&item.by)).clone();
        ItemObject { id: item.id.to_string(), place, text: item.text, fields: item.fields, by }
    };
    let items = (1..).zip(list.items).map(item).collect();
    let member = |Member { key, standing: how, edits }: &Member| MemberObject {
        who: names.author(key),
        standing: standing(*how),
        edits: *edits,
    };
    WholeListObject {
        v: SCHEMA,
        kind: "whole-list".to_owned(),
        list: self::list(&list.summary, names),
        items,
        members: list.members.iter().map(member).collect(),
        refused: list.refused,
        rebuilt: list.rebuilt,
    }
}

pub(super) fn change(change: Change, names: &Names) -> ChangeObject {
    let bare = |what: &str| ChangeObject { what: what.to_owned(), item: None, text: None, place: None, whom: None };
    let of = |what: &str, item: list::ItemId, text: String, place: Option<usize>| ChangeObject {
        item: Some(item.to_string()),
        text: Some(text),
        place: place.map(|place| place.saturating_add(1)),
        ..bare(what)
    };
    match change {
        Change::Created => bare("created"),
        Change::Added { item, text, at } => of("added", item, text, Some(at)),
        Change::Moved { item, text, to } => of("moved", item, text, Some(to)),
        Change::Changed { item, text } => of("changed", item, text, None),
        Change::Removed { item, text } => of("removed", item, text, None),
        Change::Returned { item, text } => of("returned", item, text, None),
        Change::Invited(whom) => ChangeObject { whom: Some(names.author(&whom)), ..bare("invited") },
        Change::Opened => bare("opened"),
        Change::Joined => bare("joined"),
        Change::Left => bare("left"),
    }
}

pub(super) fn log(entry: LogEntry, names: &Names) -> LogObject {
    LogObject {
        v: SCHEMA,
        kind: "log".to_owned(),
        by: names.author(&entry.by),
        at: convert::time(entry.at),
        change: change(entry.change, names),
        undone: entry.undone,
    }
}

pub(super) fn progress(entry: Entry, names: &Names) -> ProgressObject {
    let board::Progress { user, lesson, status, at } = entry.progress;
    ProgressObject {
        v: SCHEMA,
        kind: "progress".to_owned(),
        user,
        lesson,
        status,
        timestamp: at,
        by: names.author(&entry.by),
        lamport: entry.lamport,
        newest: None,
        late: None,
    }
}

/// An event, and what it is about; none of what is not told.
pub(in crate::web) fn event(event: Event, names: &Names) -> Option<(EventObject, Option<About>)> {
    Some(match event {
        Event::List(list::Event::Invited(summary)) => {
            let about = summary.invited_by.map(About::Key);
            let object = ListObject { kind: "invited".to_owned(), ..list(&summary, names) };
            (EventObject::List(Box::new(object)), about)
        }
        Event::List(list::Event::Changed { list: summary, by, change: last }) => {
            let change = Some(change(last, names));
            let object = ListObject { by: Some(names.author(&by)), change, ..list(&summary, names) };
            (EventObject::List(Box::new(object)), Some(About::Key(by)))
        }
        Event::Board(board::Event::Told { entry, newest, late }) => {
            let about = About::Key(entry.by);
            let object = ProgressObject { newest: Some(newest), late: Some(late), ..progress(entry, names) };
            (EventObject::Progress(Box::new(object)), Some(about))
        }
        Event::Cache(cache::Event::In { key, size, by }) => {
            let object = CacheObject {
                v: SCHEMA,
                kind: "cache".to_owned(),
                namespace: key.namespace,
                key: key.name,
                size,
                by: names.author(&by),
            };
            (EventObject::Cache(Box::new(object)), Some(About::Key(by)))
        }
        // Whoever looked for it is told so.
        Event::Cache(cache::Event::TooLarge { .. }) => return None,
        Event::Message(message::Event::Published(message)) => {
            let Message { from, name, topic, kind, body, sealed, ours } = message;
            let object = MessageObject {
                v: SCHEMA,
                kind: "message".to_owned(),
                from: names.author_named(&from, Some(&name)),
                topic: topic.as_str().to_owned(),
                purpose: kind.word().to_owned(),
                body: JsonText::new(&body).ok()?,
                sealed,
                ours,
            };
            (EventObject::Message(Box::new(object)), Some(About::Message(topic)))
        }
        Event::Message(message::Event::Called { call, from, name, method, patience, body }) => {
            let object = CallObject {
                v: SCHEMA,
                kind: "call".to_owned(),
                call: format!("{:016x}", call.0),
                from: names.author_named(&from, Some(&name)),
                method: method.as_str().to_owned(),
                timeout_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
                body: JsonText::new(&body).ok()?,
            };
            (EventObject::Call(Box::new(object)), Some(About::Call(method)))
        }
    })
}
