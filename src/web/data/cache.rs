//! The cache.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::data::cache::{Command, Found, Key, Place, Reply, Stats, Which};
use crate::data::{self};
use crate::engine::{Peer, Trust};

use super::super::input::{Answer, Asked, Input, Value};
use super::super::refusal::Refusal;
use super::super::routes::{Api, done};
use super::super::{
    CacheForgetQuery, CacheForgottenObject, CacheGetQuery, CacheKeyRequest, CachePutQuery, CacheStatsObject,
    CachedObject, DoneObject, SCHEMA,
};
use super::unsaid;

/// For how long a value is good, unless said otherwise.
const TTL: Duration = Duration::from_secs(300);

/// Where a value was: `here`, or the key of the peer that had it.
const PLACE: HeaderName = HeaderName::from_static("x-peer-place");

/// Its name.
const HASH: HeaderName = HeaderName::from_static("x-peer-hash");

/// For how many seconds it is still good.
const GOOD: HeaderName = HeaderName::from_static("x-peer-ttl");

/// Who put it in.
const BY: HeaderName = HeaderName::from_static("x-peer-by");

/// It is for us to make it.
const MAKE: HeaderName = HeaderName::from_static("x-peer-make");

impl Api {
    /// True when somebody who is here may fill our cache.
    async fn trusts_somebody(&self) -> bool {
        let verified = |peer: &Peer| peer.trust() == Trust::Verified;
        self.context.handle.peers().snapshot().iter().any(verified) || self.me().await.is_ok_and(|me| me.grouped)
    }

    async fn cache(&self, command: Command) -> Result<Reply, Refusal> {
        match self.data(data::Command::Cache(command)).await? {
            data::Reply::Cache(reply) => Ok(reply),
            _ => Err(unsaid()),
        }
    }

    /// What was counted; none where there is no cache.
    pub(in crate::web) async fn cache_stats(&self) -> Option<Stats> {
        match self.cache(Command::Stats).await {
            Ok(Reply::Stats(stats)) => Some(stats),
            _ => None,
        }
    }
}

pub(in crate::web) async fn put(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<CachePutQuery>,
    Value(value): Value,
) -> Result<Answer<CachedObject>, Refusal> {
    let key = Key { namespace: asked.namespace, name: asked.key };
    let ttl = asked.ttl.map_or(TTL, Duration::from_secs);
    let value: Arc<[u8]> = Vec::from(value).into();
    let Reply::Put { hash } = api.cache(Command::Put { key, value, ttl }).await? else { return Err(unsaid()) };
    Ok(Answer(CachedObject { v: SCHEMA, kind: "cached".to_owned(), hash: hash.to_string() }))
}

pub(in crate::web) async fn get(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<CacheGetQuery>,
) -> Result<Response, Refusal> {
    let key = Key { namespace: asked.namespace, name: asked.key };
    let command = if asked.make { Command::GetOrMake { key } } else { Command::Get { key } };
    let reply = match api.cache(command).await {
        Err(refusal) if refusal.object().error == "miss" && !api.trusts_somebody().await => {
            let why = "not in the cache, and nobody here may fill it: VERIFY each other, or be in one closed group";
            return Err(Refusal::new(StatusCode::NOT_FOUND, "miss", why));
        }
        reply => reply?,
    };
    match reply {
        Reply::Found(found) => Ok(value(found)),
        Reply::Make => Ok((StatusCode::NO_CONTENT, [(MAKE, "true")]).into_response()),
        _ => Err(unsaid()),
    }
}

fn value(Found { value, hash, place, ttl, by }: Found) -> Response {
    let place = match place {
        Place::Here => "here".to_owned(),
        Place::Peer(key) => key.to_string(),
    };
    let head = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        // Whatever it is, a browser does not show it as part of the page.
        (CONTENT_DISPOSITION, "attachment".to_owned()),
        (PLACE, place),
        (HASH, hash.to_string()),
        (GOOD, ttl.as_secs().to_string()),
        (BY, by.to_string()),
    ];
    (head, axum::body::Bytes::from_owner(value)).into_response()
}

pub(in crate::web) async fn give_up(
    State(api): State<Arc<Api>>,
    Input(asked): Input<CacheKeyRequest>,
) -> Result<Answer<DoneObject>, Refusal> {
    let key = Key { namespace: asked.namespace, name: asked.key };
    api.data(data::Command::Cache(Command::GiveUp { key })).await?;
    Ok(done())
}

pub(in crate::web) async fn still_making(
    State(api): State<Arc<Api>>,
    Input(asked): Input<CacheKeyRequest>,
) -> Result<Answer<DoneObject>, Refusal> {
    let key = Key { namespace: asked.namespace, name: asked.key };
    api.data(data::Command::Cache(Command::StillMaking { key })).await?;
    Ok(done())
}

pub(in crate::web) async fn forget(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<CacheForgetQuery>,
) -> Result<Answer<CacheForgottenObject>, Refusal> {
    let which = match asked {
        CacheForgetQuery { namespace: None, key: None } => Which::All,
        CacheForgetQuery { namespace: Some(namespace), key: None } => Which::Namespace(namespace),
        CacheForgetQuery { namespace, key: Some(name) } => {
            Which::Key(Key { namespace: namespace.unwrap_or_default(), name })
        }
    };
    let Reply::Forgotten(entries) = api.cache(Command::Forget(which)).await? else { return Err(unsaid()) };
    Ok(Answer(CacheForgottenObject { v: SCHEMA, kind: "cache-forgotten".to_owned(), entries }))
}

pub(in crate::web) async fn stats(State(api): State<Arc<Api>>) -> Result<Answer<CacheStatsObject>, Refusal> {
    let Reply::Stats(stats) = api.cache(Command::Stats).await? else { return Err(unsaid()) };
    Ok(Answer(CacheStatsObject {
        v: SCHEMA,
        kind: "cache-stats".to_owned(),
        hits: stats.hits,
        peer_hits: stats.peer_hits,
        misses: stats.misses,
        served: stats.served,
        untrusted: stats.untrusted,
        broken: stats.broken,
        evicted: stats.evicted,
        expired: stats.expired,
        too_large: stats.too_large,
        entries: stats.entries,
        entries_max: stats.entries_max,
        bytes: stats.bytes,
        bytes_max: stats.bytes_max,
    }))
}
