//! Pictures of peers, by the hash of what they are: pulled when they are not here, once however many ask.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::engine::{Command, CommandError, Event, Peer, PeerId, Reply};
use crate::node::Handle;
use crate::wire::{AvatarKind, PieceHash};

use super::refusal::Refusal;
use super::routes::{self, Api};

/// A picture that is not here by then is not served.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pictures that need not be asked for again, bytes in all.
const KEPT: usize = 4 << 20;

/// The bytes of a picture.
type Picture = Arc<[u8]>;

/// The pictures that were asked for, the oldest first. The peer keeps them as well, but tells everyone whenever it is
/// asked for one.
#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<VecDeque<(PieceHash, Picture)>>);

impl Shelf {
    fn here(&self) -> MutexGuard<'_, VecDeque<(PieceHash, Picture)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, name: PieceHash) -> Option<Picture> {
        self.here().iter().find(|(known, _)| *known == name).map(|(_, picture)| Arc::clone(picture))
    }

    fn keep(&self, name: PieceHash, picture: &Picture) {
        let mut here = self.here();
        here.retain(|(known, _)| *known != name);
        here.push_back((name, Arc::clone(picture)));
        while here.iter().map(|(_, picture)| picture.len()).sum::<usize>() > KEPT {
            here.pop_front();
        }
    }

    /// The picture, pulled if need be.
    async fn fetch(&self, name: PieceHash, handle: &Handle) -> Option<Picture> {
        // Here or not, it is shown only as long as somebody has it whom the user did not block.
        holder(name, handle, &BTreeSet::new())?;
        if let Some(picture) = self.get(name) {
            return Some(picture);
        }
        // The peer pulls it once, however many ask.
        let picture = tokio::time::timeout(PATIENCE, pull(name, handle)).await.ok()??;
        self.keep(name, &picture);
        Some(picture)
    }
}

/// Somebody who is here with this picture, and is not one of these.
fn holder(name: PieceHash, handle: &Handle, without: &BTreeSet<PeerId>) -> Option<Peer> {
    let has = |peer: &Peer| peer.avatar().is_some_and(|label| label.root == name);
    let peers = handle.peers().snapshot();
    peers.into_iter().find(|peer| has(peer) && !peer.is_blocked() && !without.contains(&peer.id()))
}

/// Asks one after the other of those who have it.
async fn pull(name: PieceHash, handle: &Handle) -> Option<Picture> {
    let mut events = handle.events();
    let mut failed = BTreeSet::new();
    while let Some(peer) = holder(name, handle, &failed) {
        match handle.command(Command::FetchAvatar(peer.id())).await {
            Ok(_) => match outcome(name, peer.id(), &mut events).await? {
                Outcome::Picture(picture) => return Some(picture),
                Outcome::Failed => drop(failed.insert(peer.id())),
                Outcome::Again => {}
            },
            // The end of another pull makes place.
            Err(CommandError::Busy) => end_of_any(&mut events).await?,
            Err(_) => drop(failed.insert(peer.id())),
        }
    }
    None
}

/// What became of a pull.
enum Outcome {
    Picture(Picture),
    Failed,
    /// It has to be asked for once more.
    Again,
}

/// Waits for it; none at the end of the peer.
async fn outcome(name: PieceHash, id: PeerId, events: &mut Receiver<Event>) -> Option<Outcome> {
    loop {
        return Some(match events.recv().await {
            Ok(Event::Avatar { peer, bytes, .. }) if peer.id() == id => {
                // It may have another one by now.
                let right = peer.avatar().is_some_and(|label| label.root == name);
                if right { Outcome::Picture(bytes) } else { Outcome::Again }
            }
            Ok(Event::AvatarFailed(peer) | Event::Left(peer) | Event::Gone(peer)) if peer.id() == id => Outcome::Failed,
            Ok(_) => continue,
            Err(RecvError::Lagged(_)) => Outcome::Again,
            Err(RecvError::Closed) => return None,
        });
    }
}

/// Waits until some pull ends; none at the end of the peer.
async fn end_of_any(events: &mut Receiver<Event>) -> Option<()> {
    loop {
        match events.recv().await {
            Ok(Event::Avatar { .. } | Event::AvatarFailed(_)) | Err(RecvError::Lagged(_)) => return Some(()),
            Ok(_) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

/// `GET /avatars/{name}`.
pub(super) async fn avatar(State(api): State<Arc<Api>>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let root = HEXLOWER.decode(name.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok()).map(PieceHash);
    let root = root.ok_or_else(routes::no_route)?;
    let picture = match own(root, &api.context.handle).await? {
        Some(picture) => Some(picture),
        None => api.shelf.fetch(root, &api.context.handle).await,
    };
    let shown = picture.and_then(|picture| AvatarKind::of(&picture).map(|kind| (kind, picture)));
    let missing = || Refusal::new(StatusCode::NOT_FOUND, "nobody", "nobody who is here shows that picture");
    let (kind, picture) = shown.ok_or_else(missing)?;
    let head = [
        (CONTENT_TYPE, kind.media_type()),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        // Its name is the hash of what it is.
        (CACHE_CONTROL, "private, max-age=86400, immutable"),
    ];
    Ok((head, picture.to_vec()).into_response())
}

async fn own(name: PieceHash, handle: &Handle) -> Result<Option<Picture>, Refusal> {
    let Reply::Me(me) = handle.command(Command::WhoAmI).await? else { return Ok(None) };
    Ok(me.image.filter(|_| me.picture.is_some_and(|label| label.root == name)))
}
