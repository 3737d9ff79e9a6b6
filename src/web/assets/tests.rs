//! What the page's files may hold.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use axum::http::header::ACCEPT_ENCODING;
use axum::http::{HeaderMap, HeaderValue};

use super::{FILES, INDEX, media_type, takes_gzip, unpacked};

/// Bytes of all files together, as they are in the program and on their way to a browser.
const MOST: usize = 150 << 10;

/// Names of kinds of documents, which nobody fetches.
const NAMESPACES: [&str; 3] =
    ["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://www.w3.org/1999/xhtml"];

/// What makes code or markup out of text. The policy of the page stops each; here none gets that far.
const FORBIDDEN: [&str; 21] = [
    "innerhtml",
    "outerhtml",
    "insertadjacenthtml",
    "document.write",
    "createcontextualfragment",
    "domparser",
    "srcdoc",
    "sethtml",
    "eval(",
    "new function",
    "javascript:",
    "settimeout('",
    "settimeout(\"",
    "@import",
    "data:image",
    "data:text",
    "data:application",
    "'blob:",
    "\"blob:",
    "setattribute('style'",
    "setattribute(\"style\"",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/page")
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

fn texts() -> Vec<(&'static str, String)> {
    FILES.iter().map(|(name, bytes)| (*name, String::from_utf8(unpacked(bytes).unwrap()).unwrap())).collect()
}

#[test]
fn every_file_is_served_under_its_name() {
    let mut found = Vec::new();
    walk(&folder(), &mut found);
    let there: BTreeSet<String> = found
        .iter()
        .map(|path| path.strip_prefix(folder()).unwrap().to_str().unwrap().replace(std::path::MAIN_SEPARATOR, "/"))
        .collect();
    let served: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, served);
    assert_eq!(served.len(), FILES.len(), "a name stands twice");
    for (name, packed) in FILES {
        assert_eq!(unpacked(packed).unwrap(), fs::read(folder().join(name)).unwrap(), "{name}");
        assert_ne!(media_type(name), "application/octet-stream", "{name}: no type for such files");
    }
    assert!(served.contains(INDEX));
}

#[test]
fn all_files_together_are_small() {
    let sum: usize = FILES.iter().map(|(_, bytes)| bytes.len()).sum();
    let plain: usize = texts().iter().map(|(_, text)| text.len()).sum();
    println!("{sum} bytes in {} files, {plain} before gzip", FILES.len());
    assert!(sum <= MOST, "{sum} bytes, more than {MOST}");
}

/// Addresses of elsewhere that stand in a text.
fn addresses(text: &str) -> Vec<&str> {
    let found = ["http://", "https://", "ws://", "wss://", "ftp://"].into_iter().flat_map(|scheme| {
        // What only tells that an address is one has nothing after it.
        text.match_indices(scheme).filter_map(move |(at, _)| {
            let rest = &text[at..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "/:.-_~%?#@[]".contains(c)));
            let address = &rest[..end.unwrap_or(rest.len())];
            (address.len() > scheme.len()).then_some(address)
        })
    });
    found.filter(|address| !NAMESPACES.contains(address)).collect()
}

/// Attributes that hold a program or a style, as `onclick=` and `style=`.
fn attributes(markup: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in markup.match_indices('=') {
        let name = markup[..at].trim_end().rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).next();
        let name = name.unwrap_or_default();
        if name.eq_ignore_ascii_case("style") || (name.len() > 4 && name.to_lowercase().starts_with("on")) {
            found.push(name);
        }
    }
    found
}

#[test]
fn no_file_leads_elsewhere_or_makes_code_of_text() {
    for (name, text) in texts() {
        assert_eq!(addresses(&text), [""; 0], "{name}: an address of elsewhere");
        let lower = text.to_lowercase();
        for forbidden in FORBIDDEN {
            assert!(!lower.contains(forbidden), "{name}: {forbidden}");
        }
        let is_markup = name.ends_with(".html") || name.ends_with(".svg");
        if is_markup {
            assert_eq!(attributes(&text), [""; 0], "{name}: programs and styles stand in files of their own");
            assert!(!lower.contains("<style"), "{name}: styles stand in files of their own");
            assert!(name.ends_with(".html") || !lower.contains("<script"), "{name}: a script");
        }
        for (at, _) in lower.match_indices("<script") {
            let tag = &lower[at..at + lower[at..].find('>').unwrap()];
            let rest = &lower[at + tag.len() + 1..];
            assert!(!is_markup || (tag.contains("src=") && rest.starts_with("</script>")), "{name}: inline <script>");
        }
    }
}

#[test]
fn what_is_forbidden_is_found() {
    assert_eq!(
        addresses("x 'https://evil.example/a' \"http://www.w3.org/2000/svg\" /^https?:\\/\\//"),
        ["https://evil.example/a"]
    );
    assert_eq!(addresses("startsWith('http://')"), [""; 0]);
    assert_eq!(attributes("<p onclick = 'x' class=a style=\"b\" once=1 data-on=2>"), ["onclick", "style"]);
}

#[test]
fn gzip_is_sent_to_who_takes_it() {
    let takes =
        |value: &'static str| takes_gzip(&HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))]));
    for value in ["gzip", "deflate, gzip, br", "br;q=1, GZIP;q=0.5", "gzip; q=1.0"] {
        assert!(takes(value), "{value}");
    }
    for value in ["", "br", "identity", "gzip;q=0", "gzip;q=0.000, br", "xgzip"] {
        assert!(!takes(value), "{value}");
    }
    assert!(!takes_gzip(&HeaderMap::new()));
}
