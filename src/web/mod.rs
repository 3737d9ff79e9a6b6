//! The local API: HTTP with JSON and server-sent events, on the loopback only (docs/api.md).
//!
//! [`serve`] opens it for other programs of the same user, and [`Client::connect`] finds it there. A command that runs
//! without a peer starts one itself and asks the same [`router`] through [`Client::local`].

mod about;
mod api_file;
mod asked;
mod assets;
mod avatars;
mod client;
mod comeback;
mod conversations;
mod convert;
mod data;
mod entry;
mod feed;
mod guard;
mod history;
mod input;
mod json;
mod metrics;
mod network;
mod objects;
mod owner;
mod people;
mod program;
mod reach;
mod refusal;
mod routes;
mod server;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::middleware;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub use asked::*;
pub use client::{CacheAnswer, Client, ClientError, Events, Lines};
pub(crate) use convert::line as line_object;
pub use entry::Now;
pub use json::{JsonText, json};
pub use objects::*;
pub use program::Program;

use crate::node::{Handle, Profile, Settings};
use crate::store::History;

use api_file::{ApiFile, Entrance, Token};
use entry::Entries;
use guard::Guard;
use server::Listeners;

/// What the API speaks for.
#[derive(Debug, Clone)]
pub struct Context {
    /// The running peer.
    pub handle: Handle,
    /// Its history, if it keeps one.
    pub history: Option<History>,
    /// Where changes of the profile are kept for the next start.
    pub profile: Arc<Mutex<Profile>>,
    /// The file that tells others where the API is: `api.toml` in the profile's folder; none to tell nobody.
    pub api_file: Option<PathBuf>,
    /// Told when somebody wants the peer to end.
    pub stop: Arc<Notify>,
    /// What the program around the peer can do; none where there is no program.
    pub program: Option<Arc<dyn Program>>,
    /// `GET /metrics` needs no token.
    pub open_metrics: bool,
}

/// The routes of the API, without a guard: for use within this process only.
pub fn router(context: Context) -> Router {
    routes::router(context)
}

/// The paths of all routes, as they stand in the OpenAPI document.
#[must_use]
pub fn paths() -> Vec<&'static str> {
    routes::paths().into_iter().chain(entry::PATHS).collect()
}

/// The open API. It ends, and its file is removed, when this is dropped.
#[derive(Debug)]
pub struct Served {
    port: u16,
    token: Token,
    task: JoinHandle<()>,
    _file: Option<ApiFile>,
}

/// Opens the API on 127.0.0.1 and `[::1]`, with a token of its own.
///
/// # Errors
/// What the system says; nothing is open then.
pub async fn serve(context: Context) -> io::Result<Served> {
    let handle = context.handle.clone();
    serve_by(Arc::new(move || handle.now()), context).await
}

/// The same, by a clock of its own.
///
/// # Errors
/// What the system says; nothing is open then.
pub async fn serve_by(now: Now, context: Context) -> io::Result<Served> {
    let usual = locked(&context.profile).settings().api_port;
    let listeners = Listeners::open(usual).await?;
    let port = listeners.port;
    if usual != Some(port) {
        keep_port(&context, port).await;
    }
    let token = entry::secret()?;
    let entries = Arc::new(Entries::new(port, now, Arc::clone(&context.profile))?);
    let guard = Arc::new(Guard::new(port, &token, Arc::clone(&entries), context.open_metrics));
    let entrance =
        Entrance { pid: std::process::id(), port, port6: listeners.v6.is_some().then_some(port), token: token.clone() };
    let file = context.api_file.as_deref().map(|file| ApiFile::write(file, &entrance)).transpose()?;
    let pages_end = entries.pages_end();
    let router = router(context).merge(entry::router(entries));
    let router = router.layer(middleware::from_fn_with_state(guard, guard::guard));
    let task = tokio::spawn(server::run(listeners, router, pages_end));
    Ok(Served { port, token, task, _file: file })
}

/// What a browser keeps for the page stays with it when the port stays the same.
async fn keep_port(context: &Context, port: u16) {
    keep(&context.profile, move |settings| settings.api_port = Some(port)).await;
}

/// Changes what is kept for the next start, where a slow disk stops nobody.
async fn keep(profile: &Arc<Mutex<Profile>>, change: impl FnOnce(&mut Settings) + Send + 'static) {
    let profile = Arc::clone(profile);
    let changed = tokio::task::spawn_blocking(move || locked(&profile).change(change));
    if let Ok(Err(error)) = changed.await {
        tracing::warn!(%error, "it is not kept for the next start");
    }
}

fn locked(profile: &Mutex<Profile>) -> MutexGuard<'_, Profile> {
    profile.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Served {
    /// The port of 127.0.0.1, and of `[::1]` where there is one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What every request has to show.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token.0
    }
}

impl Served {
    /// Speaks to it, as any other program of the user does.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::remote(self.port, self.token.clone())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}
