//! The routes, and what each does.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post, put};
use tokio::sync::Semaphore;

use crate::data::message::Pattern;
use crate::engine::{Command, Mark, Me, Person, Reply, Until, Word};
use crate::node::{Profile, ProfileError};
use crate::wire::OwnMessageId;

use super::avatars::{self, Shelf};
use super::data::{Serving, board, cache, lists, programs};
use super::feed::{About, Feed, Part};
use super::input::{Answer, Asked, Input, Raw};
use super::people::People;
use super::refusal::Refusal;
use super::{
    Context, DmRequest, DoneObject, EventQuery, JudgeRequest, PeerObject, PeersQuery, PostRequest, ProfileObject,
    ProfileRequest, SCHEMA, SentObject, StatusObject, about, conversations, convert, history, locked, metrics, network,
    program, reach,
};

/// What all routes share.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) context: Context,
    /// The name of the profile; empty for a temporary one.
    profile: String,
    feed: Arc<Feed>,
    /// Messages and calls of programs.
    programs: Arc<Feed>,
    serving: Serving,
    /// The doctor looks at one thing at a time.
    pub(super) doctor: Arc<Semaphore>,
    pub(super) shelf: Shelf,
    /// When the peer was started, since 1970.
    pub(super) started: Duration,
}

pub(super) fn router(context: Context) -> Router {
    let profile = locked(&context.profile).name().to_owned();
    let doctor = Arc::new(Semaphore::new(1));
    let started = metrics::started(&context.handle);
    let api = Api {
        context,
        profile,
        feed: Arc::new(Feed::new(Part::People)),
        programs: Arc::new(Feed::new(Part::Programs)),
        serving: Serving::default(),
        doctor,
        shelf: Shelf::default(),
        started,
    };
    let routed = routes().into_iter().fold(Router::new(), |router, (path, route)| router.route(path, route));
    routed.fallback(nothing).method_not_allowed_fallback(not_so).with_state(Arc::new(api))
}

/// Every route with its methods; `openapi.json` has the same.
fn routes() -> [(&'static str, MethodRouter<Arc<Api>>); 43] {
    [
        ("/avatars/{name}", get(avatars::avatar)),
        ("/metrics", get(metrics::metrics)),
        ("/api/openapi.json", get(openapi)),
        ("/api/status", get(status)),
        ("/api/peers", get(peers)),
        ("/api/posts", post(send_post)),
        ("/api/dms", post(send_dm)),
        ("/api/messages/{id}", get(message)),
        ("/api/events", get(events)),
        ("/api/history", get(history::history)),
        ("/api/search", get(history::search)),
        ("/api/export", get(history::export)),
        ("/api/conversations", get(conversations::conversations)),
        ("/api/read", post(history::read)),
        ("/api/forget", post(history::forget)),
        ("/api/profile", get(profile).patch(set_profile)),
        ("/api/avatar", put(set_avatar).delete(drop_avatar)),
        ("/api/judge", post(judge)),
        ("/api/about", get(about::about)),
        ("/api/probe", post(reach::probe)),
        ("/api/reach", post(reach::reach)),
        ("/api/network", get(network::network)),
        ("/api/traffic", get(network::traffic)),
        ("/api/doctor", get(program::doctor)),
        ("/api/settings", get(program::settings).patch(program::change)),
        ("/api/stop", post(stop)),
        ("/api/lists", get(lists::lists).post(lists::new)),
        ("/api/lists/{list}", get(lists::show)),
        ("/api/lists/{list}/edits", post(lists::edit)),
        ("/api/lists/{list}/invite", post(lists::invite)),
        ("/api/lists/{list}/join", post(lists::join)),
        ("/api/lists/{list}/leave", post(lists::leave)),
        ("/api/lists/{list}/undo", post(lists::undo)),
        ("/api/lists/{list}/log", get(lists::log)),
        ("/api/cache", get(cache::get).put(cache::put).delete(cache::forget)),
        ("/api/cache/give-up", post(cache::give_up)),
        ("/api/cache/still-making", post(cache::still_making)),
        ("/api/cache/stats", get(cache::stats)),
        ("/api/board", get(board::board)),
        ("/api/progress", post(board::tell)),
        ("/api/publish", post(programs::publish)),
        ("/api/call", post(programs::call)),
        ("/api/answers/{call}", post(programs::answer)),
    ]
}

/// The paths of all routes.
pub(super) fn paths() -> Vec<&'static str> {
    routes().into_iter().map(|(path, _)| path).collect()
}

async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], include_str!("openapi.json")).into_response()
}

pub(super) fn no_route() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "nothing", "there is nothing of that name: see /api/openapi.json")
}

async fn nothing() -> Refusal {
    no_route()
}

pub(super) async fn not_so() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "usage", "not with this method: see /api/openapi.json")
}

pub(super) fn done() -> Answer<DoneObject> {
    Answer(DoneObject { v: SCHEMA, kind: "done".to_owned() })
}

impl Api {
    pub(super) async fn me(&self) -> Result<Me, Refusal> {
        let Reply::Me(me) = self.context.handle.command(Command::WhoAmI).await? else {
            return Err(Refusal::failed("the peer does not say who it is"));
        };
        Ok(me)
    }

    /// Changes what is kept for the next start, where a slow disk stops nobody; why it is not kept.
    async fn keep(
        &self,
        change: impl FnOnce(&mut Profile) -> Result<(), ProfileError> + Send + 'static,
    ) -> Option<String> {
        let profile = Arc::clone(&self.context.profile);
        let kept = tokio::task::spawn_blocking(move || change(&mut locked(&profile))).await;
        match kept {
            Ok(kept) => kept.err().map(|error| error.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }

    async fn profile_object(&self, not_kept: Option<String>) -> Result<Answer<ProfileObject>, Refusal> {
        let me = self.me().await?;
        Ok(Answer(ProfileObject {
            v: SCHEMA,
            kind: "profile".to_owned(),
            id: me.user_id.to_string(),
            name: me.display_name.map(|name| name.to_string()),
            status: me.status.map(|status| status.to_string()),
            avatar: me.avatar,
            picture: me.picture.map(convert::picture),
            not_kept,
        }))
    }

    /// What happens from now on is not missed.
    fn listen(&self) {
        self.feed.listen(&self.context.handle, self.context.history.as_ref());
    }

    fn sent(&self, sent: &SentObject) -> Answer<SentObject> {
        Answer(self.feed.sent(sent))
    }
}

async fn status(State(api): State<Arc<Api>>) -> Result<Answer<StatusObject>, Refusal> {
    let me = api.me().await?;
    let unread = match api.context.history {
        Some(_) => Some(api.kept(crate::store::History::unread).await?),
        None => None,
    };
    let name = me.user_id.rsplit_once('@').map_or(&*me.user_id, |(name, _)| name).to_owned();
    Ok(Answer(StatusObject {
        v: SCHEMA,
        kind: "status".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        id: me.user_id.to_string(),
        name: me.display_name.map_or(name, |name| name.to_string()),
        status: me.status.map(|status| status.to_string()),
        key: me.key.map(|key| key.to_string()),
        fingerprint: me.key.map(|key| key.fingerprint().hex()),
        profile: (!api.profile.is_empty()).then(|| api.profile.clone()),
        grouped: me.grouped,
        port: me.port,
        discovery: me.discovery_open,
        peers: api.context.handle.peers().len(),
        unread,
        history: api.context.history.is_some(),
        lists: cfg!(feature = "shared") && me.key.is_some(),
    }))
}

async fn peers(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<PeersQuery>,
) -> Result<Answer<Vec<PeerObject>>, Refusal> {
    let people = People(&api.context.handle);
    let mut found: Vec<Person> = api.context.handle.peers().snapshot().into_iter().map(Person::Here).collect();
    if asked.all {
        found.extend(people.away().await?.into_iter().map(|contact| Person::Away(Box::new(contact))));
    } else {
        found.retain(|person| !person.is_blocked());
    }
    Ok(Answer(found.iter().map(|person| people.object(person)).collect()))
}

async fn send_post(
    State(api): State<Arc<Api>>,
    Input(asked): Input<PostRequest>,
) -> Result<Answer<SentObject>, Refusal> {
    let Reply::Posted { id, to, without } = api.context.handle.command(Command::Post { text: asked.text }).await?
    else {
        return Err(unsaid());
    };
    Ok(api.sent(&SentObject {
        peers: Some(to.len()),
        without: without.iter().map(convert::person).collect(),
        ..convert::marked(id, None, Mark::Sent)
    }))
}

fn unsaid() -> Refusal {
    Refusal::failed("the peer does not say what became of it")
}

async fn send_dm(State(api): State<Arc<Api>>, Input(asked): Input<DmRequest>) -> Result<Answer<SentObject>, Refusal> {
    let person = People(&api.context.handle).person(&asked.to).await?;
    // Before the command: its mark may change at once.
    api.listen();
    match api.context.handle.command(Command::Dm { to: person.whom(), text: asked.text }).await? {
        Reply::Sent { id, to, private } => {
            let sent = convert::marked(id, Some(&to), Mark::Sent);
            Ok(api.sent(&SentObject { private: Some(private), ..sent }))
        }
        Reply::Waiting { id, to, until } => {
            let reason = match until {
                Until::Answer => "it has to answer first",
                Until::Word => "its key is new: say whether that is right",
                Until::Away => "not here: it is sent when it is heard again",
            };
            let sent = convert::marked(id, Some(&to), Mark::Waiting);
            Ok(api.sent(&SentObject { reason: Some(reason.to_owned()), ..sent }))
        }
        Reply::Done | Reply::Posted { .. } | Reply::Contacts(_) | Reply::Me(_) | Reply::Stats(_) | Reply::Tables(_) => {
            Err(unsaid())
        }
    }
}

async fn message(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Result<Answer<SentObject>, Refusal> {
    let unknown = || Refusal::nobody("no message of ours has that id, or it is not kept");
    if let Some(sent) = api.feed.message(&id) {
        return Ok(Answer(sent));
    }
    let id = OwnMessageId::parse(&id).ok_or_else(unknown)?;
    if api.context.history.is_none() {
        return Err(unknown());
    }
    let mark = api.kept(move |history| history.mark(id)).await?.ok_or_else(unknown)?;
    Ok(Answer(convert::marked(id, None, mark)))
}

async fn events(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    Asked(asked): Asked<EventQuery>,
) -> Result<Response, Refusal> {
    let last = headers.get("last-event-id").map(|id| id.to_str().ok().and_then(|id| id.parse().ok()));
    let since = match last {
        None => asked.since,
        Some(Some(last)) => Some(last),
        Some(None) => return Err(Refusal::usage("Last-Event-ID is a number")),
    };
    let stream = [(CONTENT_TYPE, "text/event-stream")];
    let since = match (&asked.from, &asked.topic, &asked.serve) {
        (_, None, None) => since,
        (None, Some(topic), None) => {
            let pattern = Pattern::new(topic).map_err(|error| Refusal::usage(error.to_string()))?;
            api.programs.listen(&api.context.handle, None);
            let body = api.programs.read(Some(About::Messages(pattern)), since, None);
            return Ok((stream, body).into_response());
        }
        (None, None, Some(method)) => {
            let method = programs::topic(method)?;
            api.programs.listen(&api.context.handle, None);
            // Before calls are taken. Calls of before are not done twice, whatever the reader has had.
            let newest = api.programs.newest();
            let claim = api.serving.claim(&api.context.handle, method.clone()).await?;
            let body = api.programs.read(Some(About::Call(method)), Some(newest), Some(claim));
            return Ok((stream, body).into_response());
        }
        _ => return Err(Refusal::usage("only one of: from, topic, serve")),
    };
    let from = match &asked.from {
        None => None,
        Some(from) => Some(match People(&api.context.handle).person(from).await? {
            Person::Here(peer) => About::of(&peer),
            Person::Away(contact) => About::Key(contact.key),
        }),
    };
    api.listen();
    Ok((stream, api.feed.read(from, since, None)).into_response())
}

async fn profile(State(api): State<Arc<Api>>) -> Result<Answer<ProfileObject>, Refusal> {
    api.profile_object(None).await
}

async fn set_profile(
    State(api): State<Arc<Api>>,
    Input(asked): Input<ProfileRequest>,
) -> Result<Answer<ProfileObject>, Refusal> {
    let me = api.me().await?;
    let own = |text: Option<Arc<str>>| text.map(|text| text.to_string());
    let display_name = asked.name.or_else(|| own(me.display_name)).filter(|name| !name.is_empty());
    let status = asked.status.or_else(|| own(me.status)).filter(|status| !status.is_empty());
    let command = Command::Profile { display_name: display_name.clone(), status: status.clone() };
    api.context.handle.command(command).await?;
    let change = move |profile: &mut Profile| {
        profile.change(|settings| {
            settings.display_name = display_name;
            settings.status = status;
        })
    };
    api.profile_object(api.keep(change).await).await
}

async fn set_avatar(State(api): State<Arc<Api>>, Raw(bytes): Raw) -> Result<Answer<ProfileObject>, Refusal> {
    avatar(&api, Some(bytes.into())).await
}

async fn drop_avatar(State(api): State<Arc<Api>>) -> Result<Answer<ProfileObject>, Refusal> {
    avatar(&api, None).await
}

async fn avatar(api: &Api, bytes: Option<Vec<u8>>) -> Result<Answer<ProfileObject>, Refusal> {
    api.context.handle.command(Command::Avatar(bytes.clone())).await?;
    let not_kept = api.keep(move |profile| profile.keep_avatar(bytes.as_deref())).await;
    api.profile_object(not_kept).await
}

async fn judge(State(api): State<Arc<Api>>, Input(asked): Input<JudgeRequest>) -> Result<Answer<PeerObject>, Refusal> {
    let word = match asked.word.as_str() {
        "verify" => Word::Verify,
        "trust" => Word::Trust,
        "block" => Word::Block,
        "unblock" => Word::Unblock,
        "mute" => Word::Mute,
        "unmute" => Word::Unmute,
        _ => return Err(Refusal::usage("word is one of: verify, trust, block, unblock, mute, unmute")),
    };
    let people = People(&api.context.handle);
    let person = match word {
        Word::Unblock => people.person_that(&asked.who, Person::is_blocked).await?,
        Word::Unmute => people.person_that(&asked.who, Person::is_muted).await?,
        Word::Verify | Word::Trust | Word::Block | Word::Mute => people.person(&asked.who).await?,
    };
    api.context.handle.command(Command::Judge { whom: person.whom(), word }).await?;
    Ok(Answer(people.object(&people.again(&person).await?)))
}

async fn stop(State(api): State<Arc<Api>>) -> Answer<DoneObject> {
    api.context.stop.notify_one();
    done()
}
