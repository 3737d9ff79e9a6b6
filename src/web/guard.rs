//! Who may use the API: nothing passes that a foreign page, a foreign program or another user could send
//! (docs/api.md, Who may use it).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::api_file::Token;
use super::refusal::Refusal;

/// So many wrong tokens are answered at once.
const WRONG: u32 = 3;

/// Any more wait so long. Nobody else waits.
const WRONG_WAIT: Duration = Duration::from_secs(1);

/// The headers of every answer.
const ALWAYS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
];

/// What is checked of every request, whatever its path.
#[derive(Debug)]
pub(super) struct Guard {
    /// `127.0.0.1:P`, `localhost:P`, `[::1]:P`.
    hosts: [String; 3],
    token: blake3::Hash,
    /// Wrong tokens since the last right one.
    wrong: AtomicU32,
}

/// Set once a connection has shown the token.
#[derive(Debug, Clone, Default)]
pub(super) struct Proven(pub(super) Arc<AtomicBool>);

impl Guard {
    pub(super) fn new(port: u16, token: &Token) -> Self {
        let hosts = ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}"));
        Self { hosts, token: blake3::hash(token.0.as_bytes()), wrong: AtomicU32::new(0) }
    }

    fn check(&self, request: &Request) -> Result<(), Refusal> {
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
        let site = one(headers, &HeaderName::from_static("sec-fetch-site"));
        if !site.is_ok_and(|site| site.is_none_or(|site| site == "same-origin")) {
            return Err(forbidden("pages of other sites have no access"));
        }
        if !self.has_token(headers) {
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "forbidden", "the token of this start is wanted"));
        }
        Ok(())
    }

    /// Exactly one token, and the right one.
    fn has_token(&self, headers: &HeaderMap) -> bool {
        let bearer = one(headers, &AUTHORIZATION);
        let plain = one(headers, &HeaderName::from_static("x-peer-token"));
        let given = match (bearer, plain) {
            (Ok(Some(bearer)), Ok(None)) => bearer.strip_prefix("Bearer "),
            (Ok(None), Ok(given)) => given,
            (Ok(Some(_)), Ok(Some(_))) | (Err(Several), _) | (_, Err(Several)) => None,
        };
        // Hashes are compared in constant time.
        given.is_some_and(|given| blake3::hash(given.as_bytes()) == self.token)
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

fn forbidden(message: &str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "forbidden", message)
}

/// Lets a request through, or answers it at once.
pub(super) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.check(&request) {
        Ok(()) => {
            guard.wrong.store(0, Ordering::Relaxed);
            if let Some(Proven(proven)) = request.extensions().get::<Proven>() {
                proven.store(true, Ordering::Relaxed);
            }
            next.run(request).await
        }
        Err(refusal) => {
            let response = refusal.hang_up().into_response();
            if guard.count(response.status()) {
                tokio::time::sleep(WRONG_WAIT).await;
            }
            response
        }
    };
    for (name, value) in ALWAYS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
