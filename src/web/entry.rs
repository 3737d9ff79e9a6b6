//! The page's way in: a code that works once, then a token and a cookie for one browser, and a key by which it comes back
//! (docs/api.md, The page's way in).

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{HOST, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use blake3::Hash;
use data_encoding::BASE64URL_NOPAD;
use tokio::sync::Notify;

use crate::engine::Instant;
use crate::node::{Profile, Settings, random_seed};

use super::api_file::Token;
use super::assets;
use super::comeback::{is_key, is_proven};
use super::guard::Shown;
use super::input::{Answer, Input};
use super::owner::Ends;
use super::refusal::Refusal;
use super::routes;
use super::{DoneObject, EnterRequest, EnteredObject, EntryObject, SCHEMA, keep, locked};

/// A code works for so long.
const CODE_TIME: Duration = Duration::from_secs(600);

/// Codes that nobody has used yet.
const CODES: usize = 32;

/// Browsers that are in at the same time, and those that may come back.
const BROWSERS: usize = 32;

/// Where the cookie opens anything.
const COOKIE_PATH: &str = "/avatars";

/// A browser keeps the cookie as long as the token, over its own end: both are worth nothing once the peer has ended.
const COOKIE_TIME: Duration = Duration::from_secs(365 * 86_400);

/// Tells the time.
pub type Now = Arc<dyn Fn() -> Instant + Send + Sync>;

/// The codes, and the browsers that are in.
pub(super) struct Entries {
    port: u16,
    now: Now,
    /// What a proof is good for: this start and no other.
    start: Token,
    /// Keeps the keys of browsers.
    profile: Arc<Mutex<Profile>>,
    /// Told when no page is in any more.
    pages_end: Arc<Notify>,
    state: Mutex<Known>,
}

/// Only hashes are kept; they are compared in constant time.
#[derive(Default)]
struct Known {
    codes: VecDeque<(Hash, Instant)>,
    browsers: VecDeque<Browser>,
}

struct Browser {
    token: Hash,
    cookie: Hash,
    key: Option<String>,
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries").field("port", &self.port).finish_non_exhaustive()
    }
}

/// A secret of 256 bits.
pub(super) fn secret() -> io::Result<Token> {
    Ok(Token(BASE64URL_NOPAD.encode(&random_seed()?)))
}

fn hash(secret: &str) -> Hash {
    blake3::hash(secret.as_bytes())
}

impl Entries {
    pub(super) fn new(port: u16, now: Now, profile: Arc<Mutex<Profile>>) -> io::Result<Self> {
        Ok(Self { port, now, start: secret()?, profile, pages_end: Arc::default(), state: Mutex::default() })
    }

    pub(super) fn pages_end(&self) -> Arc<Notify> {
        Arc::clone(&self.pages_end)
    }

    /// What a browser has to sign to come back.
    pub(super) fn challenge(&self) -> HeaderValue {
        let challenge = format!("Peer start=\"{}\"", self.start.0);
        HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Peer"))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new code; of too many the oldest goes.
    fn code(&self) -> io::Result<Token> {
        let code = secret()?;
        let now = (self.now)();
        let mut known = self.known();
        known.codes.retain(|(_, made)| now.since(*made) < CODE_TIME);
        known.codes.push_back((hash(&code.0), now));
        if known.codes.len() > CODES {
            known.codes.pop_front();
        }
        Ok(code)
    }

    /// Takes a code, which works no more; a token and a cookie, if it was right. The key is good to come back by.
    fn enter(&self, code: &str, key: Option<String>) -> io::Result<Option<(Token, Token)>> {
        let (code, now) = (hash(code), (self.now)());
        let mut known = self.known();
        known.codes.retain(|(_, made)| now.since(*made) < CODE_TIME);
        let before = known.codes.len();
        known.codes.retain(|(known, _)| *known != code);
        if known.codes.len() == before {
            return Ok(None);
        }
        known.let_in(key).map(Some)
    }

    /// A token and a cookie for a browser that was in before, if the proof is right.
    fn come_back(&self, key: String, proof: &str, host: &str) -> io::Result<Option<(Token, Token)>> {
        let is_known = locked(&self.profile).settings().browsers.contains(&key);
        if !is_known || !is_proven(&key, proof, host, &self.start.0) {
            return Ok(None);
        }
        self.known().let_in(Some(key)).map(Some)
    }

    /// Whether a browser has this token.
    pub(super) fn has_token(&self, token: &Hash) -> bool {
        self.known().browsers.iter().any(|browser| browser.token == *token)
    }

    /// Whether a browser has one of the cookies of this header.
    pub(super) fn has_cookie(&self, header: &str) -> bool {
        let name = self.cookie_name();
        let cookies = header.split(';').filter_map(|cookie| cookie.trim().split_once('='));
        // Another server of this computer can plant cookies of any name: a wrong one does not hide the right one.
        let given: Vec<Hash> = cookies.filter(|(known, _)| *known == name).map(|(_, value)| hash(value)).collect();
        let known = self.known();
        known.browsers.iter().any(|browser| given.contains(&browser.cookie))
    }

    /// The browser with this token is out; the key that it could come back by.
    fn leave(&self, token: &Hash) -> Option<String> {
        let mut known = self.known();
        let place = known.browsers.iter().position(|browser| browser.token == *token)?;
        known.browsers.remove(place)?.key
    }

    /// Keeps the key of a browser that came in; of too many the oldest goes.
    async fn keep_key(&self, key: String) {
        let change = move |settings: &mut Settings| {
            settings.browsers.retain(|known| *known != key);
            settings.browsers.push(key);
            let more = settings.browsers.len().saturating_sub(BROWSERS);
            settings.browsers.drain(..more);
        };
        keep(&self.profile, change).await;
    }

    /// Browsers send a cookie to every port of a host.
    fn cookie_name(&self) -> String {
        format!("peer-{}", self.port)
    }

    fn cookie(&self, value: &str, time: Duration) -> String {
        let (name, seconds) = (self.cookie_name(), time.as_secs());
        format!("{name}={value}; HttpOnly; SameSite=Strict; Path={COOKIE_PATH}; Max-Age={seconds}")
    }
}

impl Known {
    /// One more browser, in place of what it was before; of too many the oldest goes.
    fn let_in(&mut self, key: Option<String>) -> io::Result<(Token, Token)> {
        let (token, cookie) = (secret()?, secret()?);
        self.browsers.retain(|browser| key.is_none() || browser.key != key);
        self.browsers.push_back(Browser { token: hash(&token.0), cookie: hash(&cookie.0), key });
        if self.browsers.len() > BROWSERS {
            self.browsers.pop_front();
        }
        Ok((token, cookie))
    }
}

/// What is there besides the API: the page, and the way in.
pub(super) fn router(entries: Arc<Entries>) -> Router {
    Router::new()
        .route("/", get(assets::index))
        .route("/page/{*file}", get(assets::page))
        .route("/favicon.ico", get(assets::favicon))
        .route("/api/entry", post(entry).delete(lock))
        .route("/api/enter", post(enter).delete(leave))
        .method_not_allowed_fallback(routes::not_so)
        .with_state(entries)
}

/// The paths of that which stand in the OpenAPI document.
pub(super) const PATHS: [&str; 4] = ["/", "/page/{file}", "/api/entry", "/api/enter"];

async fn entry(State(entries): State<Arc<Entries>>) -> Result<Answer<EntryObject>, Refusal> {
    let code = entries.code().map_err(|error| Refusal::failed(error.to_string()))?;
    Ok(Answer(EntryObject {
        v: SCHEMA,
        kind: "entry".to_owned(),
        url: format!("http://127.0.0.1:{}/#enter={}", entries.port, code.0),
        expires: CODE_TIME.as_secs(),
    }))
}

async fn enter(
    State(entries): State<Arc<Entries>>,
    ends: Option<Extension<Ends>>,
    headers: HeaderMap,
    Input(asked): Input<EnterRequest>,
) -> Result<Response, Refusal> {
    // While a browser starts, others can read the code in its command line.
    if let Some(Extension(ends)) = ends
        && tokio::task::spawn_blocking(move || ends.is_from_another_user()).await.unwrap_or(false)
    {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "this way in is for another user of this computer",
        ));
    }
    if asked.key.as_deref().is_some_and(|key| !is_key(key)) {
        return Err(Refusal::usage("key is a public key: a point of P-256, not compressed, in base64url"));
    }
    let (entered, wrong) = match asked {
        EnterRequest { code: Some(code), key, proof: None } => {
            let entered = entries.enter(&code, key.clone());
            if let (Ok(Some(_)), Some(key)) = (&entered, key) {
                entries.keep_key(key).await;
            }
            (entered, "this way in is used up or too old: run `peer web` again")
        }
        EnterRequest { code: None, key: Some(key), proof: Some(proof) } => {
            // The guard has seen that it is one of ours.
            let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
            (entries.come_back(key, &proof, host), "this browser cannot come back: run `peer web` again")
        }
        _ => return Err(Refusal::usage("code, with or without key, or key and proof")),
    };
    let Some((token, cookie)) = entered.map_err(|error| Refusal::failed(error.to_string()))? else {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "forbidden", wrong).hang_up());
    };
    let cookie = entries.cookie(&cookie.0, COOKIE_TIME);
    let entered = EnteredObject { v: SCHEMA, kind: "entered".to_owned(), token: token.0 };
    Ok(([(SET_COOKIE, cookie)], Answer(entered)).into_response())
}

async fn leave(State(entries): State<Arc<Entries>>, Extension(shown): Extension<Shown>) -> Result<Response, Refusal> {
    let Shown::Page(token) = shown else {
        return Err(Refusal::usage("only the token of a page can be given back"));
    };
    if let Some(key) = entries.leave(&token) {
        keep(&entries.profile, move |settings| settings.browsers.retain(|known| *known != key)).await;
    }
    let done: Answer<DoneObject> = routes::done();
    Ok(([(SET_COOKIE, entries.cookie("", Duration::ZERO))], done).into_response())
}

async fn lock(State(entries): State<Arc<Entries>>) -> Answer<DoneObject> {
    // The keys first: nobody comes back between the two.
    keep(&entries.profile, |settings| settings.browsers.clear()).await;
    *entries.known() = Known::default();
    entries.pages_end.notify_one();
    routes::done()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn entries() -> (Entries, Arc<AtomicU64>) {
        let clock = Arc::new(AtomicU64::new(0));
        let seconds = Arc::clone(&clock);
        let now = move || Instant::from_nanos(seconds.load(Ordering::Relaxed) * 1_000_000_000);
        let profile = Arc::new(Mutex::new(Profile::temporary()));
        (Entries::new(8000, Arc::new(now), profile).unwrap(), clock)
    }

    fn has(entries: &Entries, (token, cookie): &(Token, Token)) -> (bool, bool) {
        let header = format!("a=b; peer-8000=wrong; peer-8000={}; peer-8001=x", cookie.0);
        (entries.has_token(&hash(&token.0)), entries.has_cookie(&header))
    }

    #[test]
    fn a_code_works_once() {
        let (entries, _) = entries();
        let code = entries.code().unwrap().0;
        for wrong in ["", "x", &code[1..], &format!("{code}="), &code.to_lowercase()] {
            assert!(entries.enter(wrong, None).unwrap().is_none(), "{wrong}");
        }
        let entered = entries.enter(&code, None).unwrap().unwrap();
        assert_eq!(has(&entries, &entered), (true, true));
        assert!(entries.enter(&code, None).unwrap().is_none(), "used up");

        let swapped = (Token(entered.1.0.clone()), Token(entered.0.0.clone()));
        assert_eq!(has(&entries, &swapped), (false, false), "each opens its own");
        assert!(!entries.has_cookie(&format!("peer-8001={}", entered.1.0)), "of another port");
        entries.leave(&hash(&entered.0.0));
        assert_eq!(has(&entries, &entered), (false, false));
    }

    #[test]
    fn a_code_works_for_ten_minutes() {
        let (entries, clock) = entries();
        let (late, in_time) = (entries.code().unwrap().0, entries.code().unwrap().0);
        clock.store(599, Ordering::Relaxed);
        assert!(entries.enter(&in_time, None).unwrap().is_some());
        clock.store(600, Ordering::Relaxed);
        assert!(entries.enter(&late, None).unwrap().is_none());
    }

    #[test]
    fn of_too_many_the_oldest_goes() {
        let (entries, _) = entries();
        let codes: Vec<String> = (0..=CODES).map(|_| entries.code().unwrap().0).collect();
        assert!(entries.enter(&codes[0], None).unwrap().is_none());
        let first = entries.enter(&codes[1], None).unwrap().unwrap();
        for _ in 1..BROWSERS {
            let code = entries.code().unwrap().0;
            entries.enter(&code, None).unwrap().unwrap();
        }
        assert_eq!(has(&entries, &first), (true, true));
        let last = entries.enter(&codes[2], None).unwrap().unwrap();
        assert_eq!((has(&entries, &first), has(&entries, &last)), ((false, false), (true, true)));
    }
}
