//! Who may use the API: nothing passes that a foreign page, a foreign program or another user could send
//! (docs/api.md, Who may use it).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, COOKIE, HOST, HeaderName, ORIGIN,
    REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use blake3::Hash;

use super::api_file::Token;
use super::entry::Entries;
use super::refusal::Refusal;

/// So many wrong tokens are answered at once.
const WRONG: u32 = 3;

/// Any more wait so long. Nobody else waits.
const WRONG_WAIT: Duration = Duration::from_secs(1);

/// Largest body of a request that needs no token, bytes.
const CODE_BODY: u64 = 1 << 10;

/// The headers of every answer; a picture has some of its own.
const ALWAYS: [(HeaderName, &str); 7] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), \
         magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=()",
    ),
];

/// The headers that a picture has of its own.
const OF_PICTURES: [HeaderName; 2] = [CACHE_CONTROL, CONTENT_SECURITY_POLICY];

/// What is checked of every request, by what it asks for.
#[derive(Debug)]
pub(super) struct Guard {
    /// `127.0.0.1:P`, `localhost:P`, `[::1]:P`.
    hosts: [String; 3],
    token: Hash,
    entries: Arc<Entries>,
    /// Who asks for the metrics needs no token.
    open_metrics: bool,
    /// Wrong tokens since the last right one.
    wrong: AtomicU32,
}

/// Whether a connection has shown a token.
#[derive(Debug, Clone, Default)]
pub(super) struct Proven(Arc<Tokens>);

#[derive(Debug, Default)]
struct Tokens {
    any: AtomicBool,
    of_page: AtomicBool,
}

impl Proven {
    fn note(&self, shown: Shown) {
        self.0.any.store(true, Ordering::Relaxed);
        self.0.of_page.fetch_or(matches!(shown, Shown::Page(_)), Ordering::Relaxed);
    }

    /// Any token.
    pub(super) fn is_given(&self) -> bool {
        self.0.any.load(Ordering::Relaxed)
    }

    /// That of a page.
    pub(super) fn is_of_page(&self) -> bool {
        self.0.of_page.load(Ordering::Relaxed)
    }
}

/// What a request has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// The token of this start.
    Start,
    /// The token of a page, by its hash.
    Page(Hash),
}

/// What decides what has to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The page's own files: the same for everyone.
    Page,
    /// Shows a code in place of a token.
    Enter,
    /// Makes codes: for programs of the user only.
    Entry,
    /// Pictures: browsers show a cookie.
    Picture,
    Metrics,
    Rest,
}

impl Place {
    fn of(method: &Method, path: &str) -> Self {
        match path {
            "/" | "/favicon.ico" => Self::Page,
            "/api/enter" if method == Method::POST => Self::Enter,
            "/api/entry" => Self::Entry,
            "/metrics" => Self::Metrics,
            _ if path.starts_with("/page/") => Self::Page,
            _ if path.starts_with("/avatars/") => Self::Picture,
            _ => Self::Rest,
        }
    }
}

impl Guard {
    pub(super) fn new(port: u16, token: &Token, entries: Arc<Entries>, open_metrics: bool) -> Self {
        let hosts = ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}"));
        let token = blake3::hash(token.0.as_bytes());
        Self { hosts, token, entries, open_metrics, wrong: AtomicU32::new(0) }
    }

    /// What the request has shown, if it may pass.
    fn check(&self, place: Place, request: &Request) -> Result<Option<Shown>, Refusal> {
        if request.version() != Version::HTTP_11 {
            return Err(Refusal::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "usage", "HTTP/1.1 only"));
        }
        if request.uri().authority().is_some() || request.uri().scheme().is_some() {
            return Err(Refusal::usage("the target has to be a path"));
        }
        let headers = request.headers();
        let host = one(headers, &HOST).ok().flatten().filter(|host| self.hosts.iter().any(|own| own == host));
        let Some(host) = host else {
            let what = format!("no such host here: ask {}", self.hosts[0]);
            return Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, "forbidden", what));
        };
        let same = |origin: &str| origin.strip_prefix("http://") == Some(host);
        if !one(headers, &ORIGIN).is_ok_and(|origin| origin.is_none_or(same)) {
            return Err(forbidden("pages of other origins have no access"));
        }
        // A user who opens the page comes from nowhere; its requests come from itself.
        let right = |site: &str| site == "same-origin" || (place == Place::Page && site == "none");
        let site = one(headers, &HeaderName::from_static("sec-fetch-site"));
        if !site.is_ok_and(|site| site.is_none_or(right)) {
            return Err(forbidden("pages of other sites have no access"));
        }
        self.check_token(place, headers)
    }

    fn check_token(&self, place: Place, headers: &HeaderMap) -> Result<Option<Shown>, Refusal> {
        let shown = self.shown(headers);
        match place {
            Place::Page => Ok(None),
            Place::Enter => is_short(headers).map(|()| None),
            Place::Metrics if self.open_metrics => Ok(shown),
            Place::Picture if shown.is_none() && self.has_cookie(headers) => Ok(None),
            Place::Entry if matches!(shown, Some(Shown::Page(_))) => {
                Err(forbidden("only programs of the user make ways in: run `peer web`"))
            }
            Place::Entry | Place::Picture | Place::Metrics | Place::Rest if shown.is_some() => Ok(shown),
            Place::Entry | Place::Picture | Place::Metrics | Place::Rest => {
                let what = "the token of this start is wanted; for the page, run `peer web` again";
                Err(Refusal::new(StatusCode::UNAUTHORIZED, "forbidden", what))
            }
        }
    }

    /// Exactly one token, and a right one.
    fn shown(&self, headers: &HeaderMap) -> Option<Shown> {
        let bearer = one(headers, &AUTHORIZATION);
        let plain = one(headers, &HeaderName::from_static("x-peer-token"));
        let given = match (bearer, plain) {
            (Ok(Some(bearer)), Ok(None)) => bearer.strip_prefix("Bearer "),
            (Ok(None), Ok(given)) => given,
            (Ok(Some(_)), Ok(Some(_))) | (Err(Several), _) | (_, Err(Several)) => None,
        };
        // Hashes are compared in constant time.
        let given = blake3::hash(given?.as_bytes());
        if given == self.token {
            return Some(Shown::Start);
        }
        self.entries.has_token(&given).then_some(Shown::Page(given))
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        one(headers, &COOKIE).ok().flatten().is_some_and(|cookies| self.entries.has_cookie(cookies))
    }

    /// Counts a wrong token; true when its answer has to wait.
    fn count(&self, status: StatusCode) -> bool {
        if status != StatusCode::UNAUTHORIZED {
            return false;
        }
        let before = self.wrong.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| Some(n.saturating_add(1)));
        before.is_ok_and(|before| before >= WRONG)
    }
}

/// A header that may be there once is there several times, or is no text.
#[derive(Debug)]
struct Several;

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Several> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Several),
        (Some(_), Some(_)) => Err(Several),
    }
}

/// Who has no token yet does not fill our memory.
fn is_short(headers: &HeaderMap) -> Result<(), Refusal> {
    let length = one(headers, &CONTENT_LENGTH).ok().flatten().and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length <= CODE_BODY) {
        return Ok(());
    }
    let what = format!("a body of a known length of at most {CODE_BODY} bytes is wanted");
    Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", what))
}

fn forbidden(message: &str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "forbidden", message)
}

/// Lets a request through, or answers it at once.
pub(super) async fn guard(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let place = Place::of(request.method(), request.uri().path());
    let mut response = match guard.check(place, &request) {
        Ok(shown) => {
            if let Some(shown) = shown {
                guard.wrong.store(0, Ordering::Relaxed);
                if let Some(proven) = request.extensions().get::<Proven>() {
                    proven.note(shown);
                }
                request.extensions_mut().insert(shown);
            }
            next.run(request).await
        }
        Err(refusal) => refusal.hang_up().into_response(),
    };
    // A wrong code is found behind the guard.
    if guard.count(response.status()) {
        tokio::time::sleep(WRONG_WAIT).await;
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, guard.entries.challenge());
    }
    let is_picture = place == Place::Picture && response.status() == StatusCode::OK;
    for (name, value) in ALWAYS {
        if !(is_picture && OF_PICTURES.contains(&name)) {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    response
}
