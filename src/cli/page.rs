//! The page of a running peer: its address, and the browser that shows it.

use std::io::IsTerminal;

use crate::web::{Client, ClientError};
use crate::wire::PeerLink;

use super::browser::Browser;
use super::screen;
use super::shown::{Shown, Tone};

/// How the page is shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    /// In a browser, where there is one.
    pub(super) opens: bool,
    /// Only the address is told, for a program.
    pub(super) bare: bool,
    /// It shows whom this leads to.
    pub(super) link: Option<PeerLink>,
    /// The peer was started for the page.
    pub(super) starts: bool,
}

impl Page {
    /// As `--web` shows it. A browser that a service manager's program started would end with it.
    pub(super) fn at_start() -> Self {
        let is_service = is_logged() || std::env::var_os("NOTIFY_SOCKET").is_some();
        Self { opens: !is_service, bare: !std::io::stdout().is_terminal(), ..Self::default() }
    }

    /// Makes a way in, opens it, and prints what the user has to know.
    pub(super) async fn print(&self, client: &Client) -> Result<(), String> {
        let text = self.show(client).await.map_err(|error| error.to_string())?;
        let text = if is_logged() { "The page: run `peer web`" } else { &text };
        let started = "No peer ran, so one does now, until Ctrl-C or `peer stop`";
        let came = std::env::var("SSH_CONNECTION").unwrap_or_default();
        let away = tunnel(&came, text).filter(|_| !self.bare);
        let lines = [Some(text), away.as_deref(), Some(started).filter(|_| self.starts && !self.bare)];
        match lines.iter().flatten().try_for_each(|line| screen::print(&Shown::line(false, &[(Tone::Plain, line)]))) {
            // Whoever closed the output wants to know nothing.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(format!("cannot show anything: {error}"))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Makes a way in, and opens it. What is to be shown: the address works once, and opens all that the API can do.
    pub(super) async fn show(&self, client: &Client) -> Result<String, ClientError> {
        let entry = client.entry().await?;
        let url = match &self.link {
            Some(link) => led_to(&entry.url, link),
            None => entry.url,
        };
        let opened = if self.opens { Browser::find().map(|browser| browser.open(&url)) } else { None };
        if self.bare {
            return Ok(url);
        }
        let minutes = entry.expires / 60;
        Ok(match opened {
            Some(Ok(())) => {
                format!("Your browser shows the page. If it does not: {url} (works once, for {minutes} minutes)")
            }
            Some(Err(error)) => {
                format!("The browser does not start ({error}). The page: {url} (works once, for {minutes} minutes)")
            }
            None => format!("The page: {url} (works once, for {minutes} minutes)"),
        })
    }
}

/// Whether what we print goes to a journal, where an address would be kept. Its variable alone says nothing: it comes
/// from whatever program once was started so.
#[cfg(unix)]
fn is_logged() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let found = rustix::fs::fstat(std::io::stdout());
    found.is_ok_and(|found| stream == format!("{}:{}", found.st_dev, found.st_ino))
}

#[cfg(not(unix))]
fn is_logged() -> bool {
    false
}

/// How somebody who came by ssh opens this address where he sits; ssh tells both ends of its connection.
fn tunnel(came: &str, text: &str) -> Option<String> {
    let here = came.split_whitespace().nth(2)?;
    let (_, rest) = text.split_once("http://127.0.0.1:")?;
    let port = rest.split('/').next()?;
    Some(format!("To open it where you sit, run there first: ssh -L {port}:127.0.0.1:{port} {here}"))
}

/// The way in with what the page shows then, encoded for the fragment and once more for the place within it.
fn led_to(url: &str, link: &PeerLink) -> String {
    let place = format!("/connect/{}", encoded(&link.to_string()));
    format!("{url}&to={}", encoded(&place))
}

/// All but letters, digits and a few signs as `%XX`.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_came_by_ssh_is_told_the_way() {
        let text = "The page: http://127.0.0.1:40123/#enter=x (works once, for 10 minutes)";
        let told = tunnel("10.0.0.9 50022 10.0.0.7 22", text).unwrap();
        assert!(told.ends_with(": ssh -L 40123:127.0.0.1:40123 10.0.0.7"), "{told}");
        for (came, text) in [("", text), ("10.0.0.9", text), ("10.0.0.9 50022 10.0.0.7 22", "The page: run `peer web`")]
        {
            assert_eq!(tunnel(came, text), None, "{came} {text}");
        }
    }

    #[test]
    fn a_link_is_a_place_within_the_page() {
        let link = PeerLink::parse("peer://connect/bob%4010.0.0.2?name=B%20%26%25&at=10.0.0.2:8000").unwrap();
        let url = led_to("http://127.0.0.1:1/#enter=x", &link);
        let (start, to) = url.split_once("&to=").unwrap();
        assert_eq!(start, "http://127.0.0.1:1/#enter=x");
        let decoded = |text: &str| serde_urlencoded::from_str::<Vec<(String, String)>>(&format!("to={text}")).unwrap();
        let place = decoded(to).remove(0).1;
        let inner = place.strip_prefix("/connect/").unwrap();
        assert!(!inner.contains(['/', '?', '#', '&']), "{inner}");
        assert_eq!(PeerLink::parse(&decoded(inner).remove(0).1), Ok(link));
    }
}
