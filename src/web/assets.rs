//! The page's own files, as they are in this program: nothing is read from a disk, so no path leads anywhere.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::refusal::Refusal;
use super::routes;

/// What is at `/`.
const INDEX: &str = "index.html";

/// Each with its name in `src/web/page/`.
macro_rules! page {
    ($($name:literal,)*) => { &[$(($name, include_bytes!(concat!("page/", $name)))),*] };
}

/// Every file of the page: one line each.
const FILES: &[(&str, &[u8])] = page! {
    "index.html",
    "api.js",
    "app.js",
    "chart.js",
    "connect.js",
    "crop.js",
    "dialog.js",
    "dom.js",
    "door.js",
    "empty.js",
    "graph.js",
    "i18n.js",
    "icon.svg",
    "icons.js",
    "keys.js",
    "link.js",
    "list.js",
    "live.js",
    "me.css",
    "network.css",
    "notices.js",
    "notify.js",
    "parts.css",
    "people.css",
    "person.js",
    "qr.js",
    "settings.js",
    "store.js",
    "style.css",
    "talk-list.js",
    "talk-row.js",
    "talk-thread.js",
    "talk-write.js",
    "talk.css",
    "theme.js",
    "view-api.js",
    "view-me.js",
    "view-network.js",
    "view-people.js",
    "view-talk.js",
    "words.js",
    "locale/ar.json",
    "locale/en.json",
};

/// `GET /`.
pub(super) async fn index() -> Result<Response, Refusal> {
    file(INDEX).ok_or_else(routes::no_route)
}

/// `GET /page/{file}`.
pub(super) async fn page(Path(name): Path<String>) -> Result<Response, Refusal> {
    // Relative addresses in it would lead elsewhere.
    let name = Some(name.as_str()).filter(|name| *name != INDEX);
    name.and_then(file).ok_or_else(routes::no_route)
}

/// `GET /favicon.ico`: browsers ask for it unasked.
pub(super) async fn favicon() -> StatusCode {
    StatusCode::NO_CONTENT
}

fn file(name: &str) -> Option<Response> {
    let (name, bytes) = FILES.iter().find(|(known, _)| *known == name)?;
    Some(([(CONTENT_TYPE, media_type(name))], *bytes).into_response())
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
