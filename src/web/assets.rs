//! The page's own files, as they are in this program: nothing is read from a disk, so no path leads anywhere.

use std::io::{self, Read};

use axum::extract::Path;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;

use super::refusal::Refusal;
use super::routes;

/// What is at `/`.
const INDEX: &str = "index.html";

/// Every file of `src/web/page` with its name there, compressed with gzip by build.rs.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// `GET /`.
pub(super) async fn index(headers: HeaderMap) -> Result<Response, Refusal> {
    file(INDEX, &headers)
}

/// `GET /page/{file}`.
pub(super) async fn page(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    // Relative addresses in it would lead elsewhere.
    if name == INDEX { Err(routes::no_route()) } else { file(&name, &headers) }
}

/// `GET /favicon.ico`: browsers ask for it unasked.
pub(super) async fn favicon() -> StatusCode {
    StatusCode::NO_CONTENT
}

fn file(name: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
    let (name, packed) = FILES.iter().find(|(known, _)| *known == name).ok_or_else(routes::no_route)?;
    let kind = [(CONTENT_TYPE, media_type(name)), (VARY, "accept-encoding")];
    if takes_gzip(headers) {
        return Ok((kind, [(CONTENT_ENCODING, "gzip")], *packed).into_response());
    }
    let plain = unpacked(packed).map_err(|_| Refusal::failed("this program is broken: get it anew"))?;
    Ok((kind, plain).into_response())
}

/// True when the client takes gzip: browsers do.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    codings.any(|list| {
        list.split(',').any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = weight.trim().trim_start_matches("q=").trim_matches(['0', '.']);
            name.trim().eq_ignore_ascii_case("gzip") && (!weight.is_empty() || !coding.contains(';'))
        })
    })
}

fn unpacked(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut plain)?;
    Ok(plain)
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
