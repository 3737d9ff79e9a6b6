//! Shared lists.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::data::list::{Command, Edit, Invitee, ItemId, List, Reply};
use crate::data::{self};

use super::super::input::{Answer, Asked, Input};
use super::super::refusal::Refusal;
use super::super::routes::{Api, done};
use super::super::{
    AddRequest, DoneObject, EditRequest, EditedObject, InviteRequest, ListObject, ListRequest, LogObject, LogQuery,
    MoveRequest, RemoveRequest, SCHEMA, SetRequest, WholeListObject,
};
use super::{shown, unsaid};

/// Entries of a log, unless said otherwise, and at most.
const LOG: (usize, usize) = (100, 1_000);

impl Api {
    async fn list(&self, command: Command) -> Result<Reply, Refusal> {
        match self.data(data::Command::List(command)).await? {
            data::Reply::List(reply) => Ok(reply),
            _ => Err(unsaid()),
        }
    }

    async fn shown(&self, list: String) -> Result<List, Refusal> {
        match self.list(Command::Show { list }).await? {
            Reply::Show(list) => Ok(list),
            _ => Err(unsaid()),
        }
    }

    /// The item that is meant by its id or its place.
    async fn item(&self, list: &str, asked: &str) -> Result<ItemId, Refusal> {
        if let Some(id) = ItemId::parse(asked) {
            return Ok(id);
        }
        let place: usize = asked.parse().map_err(|_| Refusal::usage("an item is meant by its id or its place"))?;
        let items = self.shown(list.to_owned()).await?.items;
        let found = place.checked_sub(1).and_then(|at| items.get(at)).map(|item| item.id);
        found.ok_or_else(|| {
            let count = items.len();
            Refusal::new(StatusCode::NOT_FOUND, "unknown", format!("there is no place {place}: the list has {count}"))
        })
    }

    async fn edit(&self, list: &str, asked: EditRequest) -> Result<Edit, Refusal> {
        Ok(match asked {
            EditRequest { add: Some(AddRequest { text, at, fields }), shift: None, set: None, remove: None } => {
                Edit::Add { text, at: at.map(place).transpose()?, fields }
            }
            EditRequest { add: None, shift: Some(MoveRequest { item, to }), set: None, remove: None } => {
                Edit::Move { item: self.item(list, &item).await?, to: place(to)? }
            }
            EditRequest { add: None, shift: None, set: Some(asked), remove: None } => {
                let SetRequest { item, text, fields, drop } = asked;
                let mut changed = fields.into_iter().map(|(name, value)| (name, Some(value))).collect::<Vec<_>>();
                changed.extend(drop.into_iter().map(|name| (name, None)));
                let count = changed.len();
                let fields: std::collections::BTreeMap<_, _> = changed.into_iter().collect();
                if fields.len() != count {
                    return Err(Refusal::usage("a field cannot get a value and go"));
                }
                Edit::Set { item: self.item(list, &item).await?, text, fields }
            }
            EditRequest { add: None, shift: None, set: None, remove: Some(RemoveRequest { item }) } => {
                Edit::Remove { item: self.item(list, &item).await? }
            }
            EditRequest { .. } => return Err(Refusal::usage("exactly one of: add, move, set, remove")),
        })
    }

    async fn summary(&self, command: Command) -> Result<Answer<ListObject>, Refusal> {
        let Reply::List(summary) = self.list(command).await? else { return Err(unsaid()) };
        Ok(Answer(shown::list(&summary, &self.names().await)))
    }

    async fn edited(&self, command: Command) -> Result<Answer<EditedObject>, Refusal> {
        let Reply::Edited { item, change } = self.list(command).await? else { return Err(unsaid()) };
        let change = shown::change(change, &self.names().await);
        Ok(Answer(EditedObject { v: SCHEMA, kind: "edited".to_owned(), item: item.to_string(), change }))
    }
}

/// Places are counted from 1 by people.
fn place(from_one: usize) -> Result<usize, Refusal> {
    from_one.checked_sub(1).ok_or_else(|| Refusal::usage("places are counted from 1"))
}

pub(in crate::web) async fn lists(State(api): State<Arc<Api>>) -> Result<Answer<Vec<ListObject>>, Refusal> {
    let Reply::Summaries(summaries) = api.list(Command::Summaries).await? else { return Err(unsaid()) };
    let names = api.names().await;
    Ok(Answer(summaries.iter().map(|summary| shown::list(summary, &names)).collect()))
}

pub(in crate::web) async fn new(
    State(api): State<Arc<Api>>,
    Input(ListRequest { name }): Input<ListRequest>,
) -> Result<Answer<ListObject>, Refusal> {
    api.summary(Command::New { name }).await
}

pub(in crate::web) async fn show(
    State(api): State<Arc<Api>>,
    Path(list): Path<String>,
) -> Result<Answer<WholeListObject>, Refusal> {
    let list = api.shown(list).await?;
    Ok(Answer(shown::whole(list, &api.names().await)))
}

pub(in crate::web) async fn edit(
    State(api): State<Arc<Api>>,
    Path(list): Path<String>,
    Input(asked): Input<EditRequest>,
) -> Result<Answer<EditedObject>, Refusal> {
    let edit = api.edit(&list, asked).await?;
    api.edited(Command::Edit { list, edit }).await
}

pub(in crate::web) async fn undo(
    State(api): State<Arc<Api>>,
    Path(list): Path<String>,
) -> Result<Answer<EditedObject>, Refusal> {
    api.edited(Command::Undo { list }).await
}

pub(in crate::web) async fn invite(
    State(api): State<Arc<Api>>,
    Path(list): Path<String>,
    Input(asked): Input<InviteRequest>,
) -> Result<Answer<DoneObject>, Refusal> {
    let whom = match asked {
        InviteRequest { to: None, all: true } => Invitee::All,
        InviteRequest { to: Some(who), all: false } => Invitee::Key(api.key_of(&who).await?),
        InviteRequest { .. } => return Err(Refusal::usage("exactly one of: to, all")),
    };
    api.data(data::Command::List(Command::Invite { list, whom })).await?;
    Ok(done())
}

pub(in crate::web) async fn join(
    State(api): State<Arc<Api>>,
    Path(list): Path<String>,
) -> Result<Answer<ListObject>, Refusal> {
    api.summary(Command::Join { list }).await
}

pub(in crate::web) async fn leave(
    State(api): State<Arc<Api>>,
    Path(list): Path<String>,
) -> Result<Answer<DoneObject>, Refusal> {
    api.data(data::Command::List(Command::Leave { list })).await?;
    Ok(done())
}

pub(in crate::web) async fn log(
    State(api): State<Arc<Api>>,
    Path(list): Path<String>,
    Asked(asked): Asked<LogQuery>,
) -> Result<Answer<Vec<LogObject>>, Refusal> {
    let limit = asked.limit.unwrap_or(LOG.0);
    if !(1..=LOG.1).contains(&limit) {
        return Err(Refusal::usage("limit is a number from 1 to 1,000"));
    }
    let Reply::Log(entries) = api.list(Command::Log { list, limit }).await? else { return Err(unsaid()) };
    let names = api.names().await;
    Ok(Answer(entries.into_iter().map(|entry| shown::log(entry, &names)).collect()))
}
