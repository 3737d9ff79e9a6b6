//! What was said with one, or to everyone.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;

use crate::engine::{Command, Contact, Peer, Person, Reply};
use crate::store::{History, Talk};
use crate::wire::PublicKey;

use super::input::Answer;
use super::people::LABEL;
use super::refusal::Refusal;
use super::routes::Api;
use super::{ConversationObject, SCHEMA, convert};

pub(super) async fn conversations(State(api): State<Arc<Api>>) -> Result<Answer<Vec<ConversationObject>>, Refusal> {
    let talks = api.kept(History::talks).await?;
    let known = Known::of(&api).await?;
    let everyone = object(talks.everyone, &known);
    Ok(Answer(std::iter::once(everyone).chain(talks.people.into_iter().map(|talk| object(talk, &known))).collect()))
}

/// Who is known by key, as it is known now.
struct Known(HashMap<PublicKey, Person>);

impl Known {
    async fn of(api: &Api) -> Result<Self, Refusal> {
        let Reply::Contacts(contacts) = api.context.handle.command(Command::Contacts).await? else {
            return Err(Refusal::failed("the peer does not say whom it knows"));
        };
        let away = contacts.into_iter().map(|contact: Contact| (contact.key, Person::Away(Box::new(contact))));
        let here = api.context.handle.peers().snapshot().into_iter();
        let here = here.filter_map(|peer: Peer| Some((peer.key()?, Person::Here(peer))));
        // Who is here goes before what is remembered of it.
        Ok(Self(away.chain(here).collect()))
    }
}

fn object(Talk { last, unread }: Talk, known: &Known) -> ConversationObject {
    let with = last.as_ref().filter(|line| !matches!(line.kind, crate::engine::Kind::Post));
    let with = with.and_then(|line| line.with.clone());
    let who = with.as_ref().map(|with| match &with.key {
        Some(key) => key.to_string(),
        None => format!("{LABEL}{}", with.user_id),
    });
    let person = with.as_ref().and_then(|with| known.0.get(&with.key?));
    let last = last.map(convert::line);
    let with = with.map(|with| person.map_or_else(|| convert::past(with), convert::of));
    ConversationObject { v: SCHEMA, kind: "conversation".to_owned(), with, who, unread, last }
}
