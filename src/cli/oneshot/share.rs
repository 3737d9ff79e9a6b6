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
        ShareTask::Add { .. } | ShareTask::Move { .. } | ShareTask::Set { .. } | ShareTask::Remove { .. } => {
            edit(link, args).await?;
        }
        ShareTask::Invite { list, whom } => {
            let list = found(link, list).await?;
            let all = whom.eq_ignore_ascii_case("all");
            link.client.invite(&list.id, Some(whom.as_str()).filter(|_| !all)).await?;
            let whom = if all { "Everybody".to_owned() } else { super::shown(whom) };
            tell(json, &list, || format!("{whom} may take part in {}: peer share join {}", list.name, list.name))?;
        }
        ShareTask::Join { list } => {
            let list = link.client.join_list(&found(link, list).await?.id).await?;
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

async fn edit(link: &Link, args: &ShareArgs) -> Result<(), Trouble> {
    let (list, request) = match &args.task {
        ShareTask::Add { list, text, at, fields } => {
            let text = words(text)?;
            let list = found(link, list).await?;
            let at = at.and_then(|at| usize::try_from(at).ok());
            (list, EditRequest { add: Some(AddRequest { text, at, fields: map(fields) }), ..EditRequest::default() })
        }
        ShareTask::Move { list, item, to } => {
            let (list, item) = item_of(link, list, item).await?;
            let to = usize::try_from(*to).unwrap_or(usize::MAX);
            (list, EditRequest { shift: Some(MoveRequest { item, to }), ..EditRequest::default() })
        }
        ShareTask::Set { list, item, text, fields, dropped } => {
            let text = if text.is_empty() { None } else { Some(words(text)?) };
            let (list, item) = item_of(link, list, item).await?;
            let set = SetRequest { item, text, fields: map(fields), drop: dropped.clone() };
            (list, EditRequest { set: Some(set), ..EditRequest::default() })
        }
        ShareTask::Remove { list, item } => {
            let (list, item) = item_of(link, list, item).await?;
            (list, EditRequest { remove: Some(RemoveRequest { item }), ..EditRequest::default() })
        }
        ShareTask::New { .. }
        | ShareTask::Show { .. }
        | ShareTask::Invite { .. }
        | ShareTask::Join { .. }
        | ShareTask::Leave { .. }
        | ShareTask::Log { .. }
        | ShareTask::Undo { .. }
        | ShareTask::List => return Ok(()),
    };
    let edited = link.client.edit_list(&list.id, &request).await?;
    tell(args.json, &edited, || edited_line(&list, &edited.change))
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

fn words(text: &[String]) -> Result<String, Trouble> {
    let text = if text == ["-"] { input()?.lines().next().unwrap_or_default().to_owned() } else { text.join(" ") };
    if text.trim().is_empty() { Err(Trouble::usage("an item needs a text")) } else { Ok(text) }
}

fn map(fields: &[(String, String)]) -> BTreeMap<String, String> {
    fields.iter().cloned().collect()
}
