//! Speaks to the API: of the peer that runs for a profile, or of one in this process.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

use super::api_file::{self, Entrance, Token};
use super::{
    DmRequest, DoneObject, ErrorObject, EventQuery, ForgetRequest, ForgottenObject, HistoryQuery, JudgeRequest,
    LineObject, PeerObject, PeersQuery, PostRequest, ProfileObject, ProfileRequest, ReadRequest, SearchQuery,
    SentObject, StatusObject,
};

mod data;
mod page;
mod stream;

pub use data::CacheAnswer;
pub use stream::{Events, Lines};

/// A running peer answers the first request within this time.
const PATIENCE: Duration = Duration::from_secs(2);

/// Largest answer that is not a stream, bytes.
const ANSWER: usize = 256 << 20;

/// Speaks to one API. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client(Way);

#[derive(Debug, Clone)]
enum Way {
    Remote { address: SocketAddr, token: Token },
    Local(Router),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The peer said why; nothing was done.
    #[error("{}", object.message)]
    Refused {
        /// The status of HTTP: 400 and more.
        status: u16,
        /// The reason.
        object: Box<ErrorObject>,
    },
    /// The file that tells where the API is cannot be used.
    #[error("cannot find the running peer: {0}")]
    File(#[source] io::Error),
    /// The peer ended, or does not answer. It may have done what it was asked for.
    #[error("the running peer does not answer ({0})")]
    Gone(String),
    /// It runs, and others have all of its connections; nothing was done.
    #[error(
        "too many programs are connected to the running peer: close some of its pages, or end some of its commands"
    )]
    Full,
    /// The answer is none of ours: a peer of another version runs.
    #[error("the running peer is of another version: its answer is not understood ({0})")]
    Garbled(String),
}

fn gone(error: impl std::fmt::Display) -> ClientError {
    ClientError::Gone(error.to_string())
}

fn garbled(error: impl std::fmt::Display) -> ClientError {
    ClientError::Garbled(error.to_string())
}

/// A request without a body.
const NOTHING: Option<&()> = None;

impl Client {
    /// The API of the peer that runs for this profile; none when no peer runs.
    ///
    /// # Errors
    /// [`ClientError::File`]; [`ClientError::Gone`] and [`ClientError::Full`] when it runs and does not answer.
    pub async fn connect(api_file: &Path) -> Result<Option<Self>, ClientError> {
        let Some(Entrance { pid, port, token, .. }) = api_file::read(api_file).map_err(ClientError::File)? else {
            return Ok(None);
        };
        let client = Self::remote(port, token);
        match tokio::time::timeout(PATIENCE, client.status()).await {
            Ok(Ok(status)) if status.pid == pid => Ok(Some(client)),
            Ok(Err(full @ ClientError::Full)) => Err(full),
            // Nobody is there, or somebody else has the port by now.
            Ok(Ok(_) | Err(_)) => Ok(None),
            Err(_) => Err(gone(format!("process {pid} took more than {} s", PATIENCE.as_secs()))),
        }
    }

    /// The API at this port.
    pub(super) fn remote(port: u16, token: Token) -> Self {
        Self(Way::Remote { address: (Ipv4Addr::LOCALHOST, port).into(), token })
    }

    /// The API of a peer in this process: what [`router`](super::router) gives.
    #[must_use]
    pub fn local(router: Router) -> Self {
        Self(Way::Local(router))
    }

    /// The peer itself.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status(&self) -> Result<StatusObject, ClientError> {
        self.get("/api/status", NOTHING).await
    }

    /// Who is here; with `all`, those who are away or blocked as well.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn peers(&self, all: bool) -> Result<Vec<PeerObject>, ClientError> {
        self.get("/api/peers", Some(&PeersQuery { all })).await
    }

    /// Sends text to everyone.
    ///
    /// # Errors
    /// [`ClientError`]; nothing was sent when it is refused.
    pub async fn post(&self, text: &str) -> Result<SentObject, ClientError> {
        self.put(Method::POST, "/api/posts", &PostRequest { text: text.to_owned() }).await
    }

    /// Sends text to one, here or away.
    ///
    /// # Errors
    /// [`ClientError`]; nothing was sent when it is refused.
    pub async fn dm(&self, who: &str, text: &str) -> Result<SentObject, ClientError> {
        self.put(Method::POST, "/api/dms", &DmRequest { to: who.to_owned(), text: text.to_owned() }).await
    }

    /// What became of a message of ours.
    ///
    /// # Errors
    /// [`ClientError`]; 404 when none has this id.
    pub async fn message(&self, id: &str) -> Result<SentObject, ClientError> {
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(gone("no id of ours"));
        }
        self.get(&format!("/api/messages/{id}"), NOTHING).await
    }

    /// What happens from now on, or after the event that is named.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn events(&self, query: &EventQuery) -> Result<Events, ClientError> {
        let answer = self.ask(Method::GET, &target("/api/events", Some(query))?, None, Body::empty()).await?;
        Ok(Events::new(answer.into_body()))
    }

    /// Lines of history, the newest last.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn history(&self, query: &HistoryQuery) -> Result<Vec<LineObject>, ClientError> {
        self.get("/api/history", Some(query)).await
    }

    /// Lines that hold all these words, the newest last.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn search(
        &self,
        words: &str,
        with: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Vec<LineObject>, ClientError> {
        let query = SearchQuery { words: words.to_owned(), with: with.map(str::to_owned), limit };
        self.get("/api/search", Some(&query)).await
    }

    /// All lines of history, the oldest first, as they are read.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn export(&self, query: &HistoryQuery) -> Result<Lines, ClientError> {
        let answer = self.ask(Method::GET, &target("/api/export", Some(query))?, None, Body::empty()).await?;
        Ok(Lines::new(answer.into_body()))
    }

    /// Removes lines of history for ever.
    ///
    /// # Errors
    /// [`ClientError`]; nothing was removed when it is refused.
    pub async fn forget(&self, what: &ForgetRequest) -> Result<ForgottenObject, ClientError> {
        self.put(Method::POST, "/api/forget", what).await
    }

    /// Takes note that these rows were shown to somebody.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn read(&self, rows: &[i64]) -> Result<(), ClientError> {
        for rows in rows.chunks(1_000) {
            let asked = ReadRequest { rows: rows.to_vec() };
            self.put::<_, DoneObject>(Method::POST, "/api/read", &asked).await?;
        }
        Ok(())
    }

    /// What we want to be called.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn profile(&self) -> Result<ProfileObject, ClientError> {
        self.get("/api/profile", NOTHING).await
    }

    /// Changes what we want to be called, or our line about ourselves: none leaves it, an empty one removes it.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn set_profile(&self, name: Option<&str>, status: Option<&str>) -> Result<ProfileObject, ClientError> {
        let asked = ProfileRequest { name: name.map(str::to_owned), status: status.map(str::to_owned) };
        self.put(Method::PATCH, "/api/profile", &asked).await
    }

    /// Changes our picture: PNG or JPEG of at most 20,480 bytes, or none.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn set_avatar(&self, picture: Option<Vec<u8>>) -> Result<ProfileObject, ClientError> {
        let (method, body) = match picture {
            Some(bytes) => (Method::PUT, Body::from(bytes)),
            None => (Method::DELETE, Body::empty()),
        };
        let answer = self.ask(method, "/api/avatar", Some("application/octet-stream"), body).await?;
        object(answer).await
    }

    /// Says something about somebody: `verify`, `trust`, `block`, `unblock`, `mute`, `unmute`.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn judge(&self, who: &str, word: &str) -> Result<PeerObject, ClientError> {
        self.put(Method::POST, "/api/judge", &JudgeRequest { who: who.to_owned(), word: word.to_owned() }).await
    }

    /// Ends the peer, after it said goodbye.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn stop(&self) -> Result<(), ClientError> {
        let answer = self.ask(Method::POST, "/api/stop", None, Body::empty()).await?;
        object::<DoneObject>(answer).await.map(|_| ())
    }

    async fn get<Q: Serialize, T: DeserializeOwned>(&self, path: &str, query: Option<&Q>) -> Result<T, ClientError> {
        object(self.ask(Method::GET, &target(path, query)?, None, Body::empty()).await?).await
    }

    async fn put<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(garbled)?;
        object(self.ask(method, path, Some("application/json"), body.into()).await?).await
    }

    /// The answer, when it is none of refusal.
    async fn ask(
        &self,
        method: Method,
        target: &str,
        kind: Option<&str>,
        body: Body,
    ) -> Result<Response<Body>, ClientError> {
        let mut request = Request::builder().method(method).uri(target);
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        let answer = match &self.0 {
            Way::Local(router) => {
                let request = request.body(body).map_err(gone)?;
                let service = TowerToHyperService::new(router.clone());
                match hyper::service::Service::call(&service, request).await {
                    Ok(answer) => answer,
                    Err(never) => match never {},
                }
            }
            Way::Remote { address, token } => {
                let request = request.header(HOST, address.to_string());
                let request = request.header(AUTHORIZATION, format!("Bearer {}", token.0));
                send(*address, request.body(body).map_err(gone)?).await?
            }
        };
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(refused(answer).await)
    }
}

async fn send(address: SocketAddr, request: Request<Body>) -> Result<Response<Body>, ClientError> {
    let stream = TcpStream::connect(address).await.map_err(gone)?;
    // Requests are short: none waits to be filled.
    let _ = stream.set_nodelay(true);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(gone)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection to the peer ended");
        }
    });
    sender.send_request(request).await.map(|answer| answer.map(Body::new)).map_err(gone)
}

fn target<Q: Serialize>(path: &str, query: Option<&Q>) -> Result<String, ClientError> {
    let Some(query) = query else { return Ok(path.to_owned()) };
    let query = serde_urlencoded::to_string(query).map_err(garbled)?;
    Ok(if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") })
}

async fn whole(answer: Response<Body>) -> Result<Bytes, ClientError> {
    let body = http_body_util::Limited::new(answer.into_body(), ANSWER);
    body.collect().await.map(http_body_util::Collected::to_bytes).map_err(gone)
}

async fn object<T: DeserializeOwned>(answer: Response<Body>) -> Result<T, ClientError> {
    serde_json::from_slice(&whole(answer).await?).map_err(garbled)
}

async fn refused(answer: Response<Body>) -> ClientError {
    let status = answer.status();
    match whole(answer).await.map(|bytes| serde_json::from_slice(&bytes)) {
        Ok(Ok(object)) => ClientError::Refused { status: status.as_u16(), object: Box::new(object) },
        Ok(Err(_)) if status == StatusCode::SERVICE_UNAVAILABLE => ClientError::Full,
        Ok(Err(error)) => garbled(format!("status {status}: {error}")),
        Err(error) => error,
    }
}
