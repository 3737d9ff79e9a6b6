//! `peer share`: lists that several people edit at once.

mod watch;
mod which;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::web::{
    AddRequest, ChangeObject, EditRequest, ListObject, LogObject, MoveRequest, RemoveRequest, SetRequest,
};

use super::super::args::{Options, ShareArgs, ShareTask};
use super::super::host::sentence;
use super::super::render::data::done;
use super::books::render;
use super::link::{Link, Manner};
use super::trouble::Trouble;
use super::{input, object, put, say};

/// A peer that runs for one edit only gives others so long to fetch it.
const LAST_EDIT: Duration = Duration::from_millis(500);

/// A list that is not known at once is waited for so long by a peer of our own: others tell of theirs when they meet it.
const NEWS: Duration = Duration::from_secs(2);

/// So often it is looked whether there is one.
const LOOK: Duration = Duration::from_millis(50);

pub(super) async fn share(options: &Options, args: &ShareArgs) -> Result<(), Trouble> {
    if let ShareTask::Show { list, watch: true } = &args.task {
        return watch::watch(options, list, args.json).await;
    }
    let link = Link::open(options, Manner { json: args.json, serves: false, settles: true }).await?;
    let worked = work(&link, args).await;
    if matches!(worked, Ok(Told::Others)) && link.is_own() {
        tokio::time::sleep(LAST_EDIT).await;
    }
    link.close().await;
    worked.map(|_| ())
}

/// Whether others have to be told.
enum Told {
    Nobody,
    Others,
}

async fn work(link: &Link, args: &ShareArgs) -> Result<Told, Trouble> {
    let json = args.json;
    match &args.task {
        ShareTask::New { called } => {
            let list = link.client.new_list(called).await?;
            tell(json, &list, || format!("Made the list {}: invite others by peer share invite", list.name))?;
            return Ok(Told::Others);
        }
        ShareTask::List => {
            lists(link, json).await?;
            return Ok(Told::Nobody);
        }
        ShareTask::Show { list, .. } => {
            let list = found(link, list).await?;
            let whole = link.client.list(&list.id).await?;
            if json { object(&whole) } else { render().whole_list(&whole, usize::MAX).iter().try_for_each(put) }?;
            return Ok(Told::Nobody);
        }
        ShareTask::Log { list, limit } => {
            let list = found(link, list).await?;
            let limit = usize::try_from(*limit).ok();
            log(&link.client.list_log(&list.id, limit).await?, json)?;
            return Ok(Told::Nobody);
        }
        ShareTask::Add { list, text, at, fields } => {
            let texts = words(text)?;
            let list = found(link, list).await?;
            let places = at.map_or(0, |at| usize::try_from(at).unwrap_or(usize::MAX));
            for (n, text) in texts.into_iter().enumerate() {
                let at = at.map(|_| places.saturating_add(n));
                let add = AddRequest { text, at, fields: map(fields) };
                edit(link, &list, EditRequest { add: Some(add), ..EditRequest::default() }, json).await?;
            }
        }
        ShareTask::Move { list, item, to } => {
            let (list, item) = item_of(link, list, item).await?;
            let to = usize::try_from(*to).unwrap_or(usize::MAX);
            let shift = MoveRequest { item, to };
            edit(link, &list, EditRequest { shift: Some(shift), ..EditRequest::default() }, json).await?;
        }
        ShareTask::Set { list, item, text, fields, dropped } => {
            let mut texts = if text.is_empty() { Vec::new() } else { words(text)? };
            if texts.len() > 1 {
                return Err(Trouble::usage("an item is one line, and the input has more"));
            }
            let text = texts.pop();
            let (list, item) = item_of(link, list, item).await?;
            let set = SetRequest { item, text, fields: map(fields), drop: dropped.clone() };
            edit(link, &list, EditRequest { set: Some(set), ..EditRequest::default() }, json).await?;
        }
        ShareTask::Remove { list, item } => {
            let (list, item) = item_of(link, list, item).await?;
            let remove = RemoveRequest { item };
            edit(link, &list, EditRequest { remove: Some(remove), ..EditRequest::default() }, json).await?;
        }
        ShareTask::Invite { list, whom } => {
            let list = found(link, list).await?;
            let all = whom.eq_ignore_ascii_case("all");
            link.client.invite(&list.id, Some(whom.as_str()).filter(|_| !all)).await?;
            let whom = if all { "Everybody".to_owned() } else { super::shown(whom) };
            tell(json, &list, || format!("{whom} may take part in {}: peer share join {}", list.name, list.name))?;
        }
        ShareTask::Join { list } => {
            let list = match found(link, list).await {
                Ok(found) => link.client.join_list(&found.id).await?,
                // One that was left is not among those that are told.
                Err(trouble) => link.client.join_list(list).await.map_err(|_| trouble)?,
            };
            tell(json, &list, || format!("You take part in {}", list.name))?;
        }
        ShareTask::Leave { list } => {
            let list = found(link, list).await?;
            link.client.leave_list(&list.id).await?;
            tell(json, &list, || format!("You take part in {} no longer", list.name))?;
        }
        ShareTask::Undo { list } => {
            let list = found(link, list).await?;
            let edited = link.client.undo(&list.id).await?;
            tell(json, &edited, || format!("Taken back: {}", done(&edited.change)))?;
        }
    }
    Ok(Told::Others)
}

async fn edit(link: &Link, list: &ListObject, request: EditRequest, json: bool) -> Result<(), Trouble> {
    let edited = link.client.edit_list(&list.id, &request).await?;
    tell(json, &edited, || edited_line(list, &edited.change))
}

fn edited_line(list: &ListObject, change: &ChangeObject) -> String {
    sentence(&format!("{} ({})", done(change), list.name))
}

/// The list that is meant. A peer of our own has to hear of it first, perhaps.
async fn found(link: &Link, typed: &str) -> Result<ListObject, Trouble> {
    let looked = async {
        loop {
            match which::list(&link.client.lists().await?, typed) {
                Err(trouble) if trouble.is_nobody() && link.is_own() => tokio::time::sleep(LOOK).await,
                found => return found,
            }
        }
    };
    match tokio::time::timeout(NEWS, looked).await {
        Ok(found) => found,
        Err(_) => which::list(&link.client.lists().await?, typed),
    }
}

/// The list and the item that are meant.
async fn item_of(link: &Link, list: &str, item: &str) -> Result<(ListObject, String), Trouble> {
    let list = found(link, list).await?;
    let whole = link.client.list(&list.id).await?;
    let item = which::item(&whole, item)?.id.clone();
    Ok((list, item))
}

async fn lists(link: &Link, json: bool) -> Result<(), Trouble> {
    let mut lists = link.client.lists().await?;
    if link.is_own() && lists.is_empty() {
        tokio::time::sleep(LAST_EDIT).await;
        lists = link.client.lists().await?;
    }
    lists.retain(|list| list.standing != "left");
    if json {
        return lists.iter().try_for_each(object);
    }
    if lists.is_empty() {
        return say("There is no list. To make one: peer share new NAME");
    }
    render().lists(&lists).iter().try_for_each(put)
}

fn log(entries: &[LogObject], json: bool) -> Result<(), Trouble> {
    if json {
        return entries.iter().try_for_each(object);
    }
    let render = render();
    entries.iter().try_for_each(|entry| put(&render.log_entry(entry)))
}

fn tell<T: serde::Serialize>(json: bool, told: &T, line: impl FnOnce() -> String) -> Result<(), Trouble> {
    if json { object(told) } else { say(&line()) }
}

/// The texts that are meant: of the arguments one, of the input one a line.
fn words(text: &[String]) -> Result<Vec<String>, Trouble> {
    let texts = if text == ["-"] { input()?.lines().map(str::to_owned).collect() } else { vec![text.join(" ")] };
    let texts: Vec<String> = texts.into_iter().filter(|text| !text.trim().is_empty()).collect();
    if texts.is_empty() { Err(Trouble::usage("an item needs a text")) } else { Ok(texts) }
}

fn map(fields: &[(String, String)]) -> BTreeMap<String, String> {
    fields.iter().cloned().collect()
}
