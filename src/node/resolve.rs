//! The peers that the user named: `HOST[:PORT]` to addresses, off the task that owns the engine.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::engine::Command;

use super::handle::Request;
use super::{Notice, StartError};

/// Between two tries of a name that has no address.
const AGAIN: Duration = Duration::from_secs(30);

/// A peer that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    text: String,
    host: String,
    port: u16,
}

impl Named {
    /// Reads `HOST[:PORT]`; else what is wrong with it.
    pub(super) fn parse(text: &str, port: u16) -> Result<Self, &'static str> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, _)) if host.contains(':') => return Err("IPv6 is not spoken"),
            Some((host, digits)) => (host, digits.parse().ok().filter(|port| *port != 0).ok_or("not a port")?),
            None => (text, port),
        };
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
        if host.is_empty() || host.len() > 253 || !host.chars().all(plain) {
            return Err("not a host");
        }
        let all = |ip: Ipv4Addr| ip.is_broadcast() || ip.is_multicast() || ip.is_unspecified();
        if host.parse().is_ok_and(all) {
            return Err("not the address of one host");
        }
        Ok(Self { text: text.to_owned(), host: host.to_owned(), port })
    }

    /// Its address, when it is written as one.
    pub(super) fn address(&self) -> Option<SocketAddrV4> {
        self.host.parse::<Ipv4Addr>().ok().map(|ip| SocketAddrV4::new(ip, self.port))
    }

    pub(super) async fn look_up(&self) -> Result<SocketAddrV4, String> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await.map_err(|e| e.to_string())?;
        let v4 = |address| match address {
            SocketAddr::V4(v4) => Some(v4),
            SocketAddr::V6(_) => None,
        };
        found.into_iter().find_map(v4).ok_or_else(|| "no IPv4 address".to_owned())
    }
}

/// Whether this is `HOST[:PORT]`, as [`Options::peers`](super::Options::peers) takes it.
///
/// # Errors
/// [`StartError::BadPeer`].
pub(crate) fn check_peer(text: &str) -> Result<(), StartError> {
    let bad = |reason| StartError::BadPeer { text: text.to_owned(), reason };
    Named::parse(text, crate::wire::DISCOVERY_PORT).map(|_| ()).map_err(bad)
}

/// Tells the engine the address of each name as soon as there is one. Tries again after a while and when the
/// interfaces changed; ends when all names have an address, or the peer has ended.
pub(super) async fn resolve<L>(
    mut names: Vec<Named>,
    requests: mpsc::WeakSender<Request>,
    notices: mpsc::Sender<Notice>,
    mut links: watch::Receiver<L>,
) {
    let mut told = false;
    loop {
        let mut missing = Vec::new();
        for name in names {
            match name.look_up().await {
                Ok(to) => {
                    let Some(requests) = requests.upgrade() else { return };
                    let command = Command::Reach { to, lasting: true };
                    if requests.send(Request { command, reply: None }).await.is_err() {
                        return;
                    }
                }
                Err(reason) => {
                    if !told {
                        // Nobody may be reading notices; then nobody wants to know.
                        let _ = notices.try_send(Notice::Unresolved { peer: name.text.clone(), reason });
                    }
                    missing.push(name);
                }
            }
        }
        told = true;
        names = missing;
        if names.is_empty() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            changed = links.changed() => if changed.is_err() { return },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_read() {
        let named = Named::parse("192.168.1.12", 50999).unwrap();
        assert_eq!(named.address(), Some("192.168.1.12:50999".parse().unwrap()));
        let named = Named::parse("10.0.0.1:8123", 50999).unwrap();
        assert_eq!(named.address(), Some("10.0.0.1:8123".parse().unwrap()));
        let named = Named::parse("bob-pc.local:9000", 50999).unwrap();
        assert_eq!((named.host.as_str(), named.port, named.address()), ("bob-pc.local", 9000, None));
    }

    #[test]
    fn what_is_no_host_and_port_is_refused() {
        for text in ["", ":80", "bob:", "bob:0", "bob:70000", "bob:x", "::1", "[::1]:80", "a b", "bob/x", "bob\n"]
            .into_iter()
            .chain(["255.255.255.255", "224.0.0.1:80", "0.0.0.0"])
        {
            assert!(Named::parse(text, 1).is_err(), "{text:?}");
        }
    }

    #[tokio::test]
    async fn a_name_becomes_a_lasting_address_and_one_without_is_told_of() {
        let (requests, mut asked) = mpsc::channel(4);
        let (notices, mut told) = mpsc::channel(4);
        let (changed, links) = watch::channel(());
        let names = ["localhost:9000", "nobody.invalid"].map(|text| Named::parse(text, 1).unwrap()).to_vec();
        let task = tokio::spawn(resolve(names, requests.downgrade(), notices, links));
        let command = asked.recv().await.unwrap().command;
        assert_eq!(command, Command::Reach { to: "127.0.0.1:9000".parse().unwrap(), lasting: true });
        let notice = told.recv().await.unwrap();
        assert!(matches!(notice, Notice::Unresolved { peer, .. } if peer == "nobody.invalid"));
        drop(changed);
        task.await.unwrap();
    }
}
