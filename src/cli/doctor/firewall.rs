//! Reads the firewall's rules with the system's own tools.

use std::io::{ErrorKind, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::facts::Firewall;
use super::{iptables, nft};

/// A tool that takes longer is ended.
const PATIENCE: Duration = Duration::from_secs(3);

/// Most that is read of one tool, bytes.
const MOST: u64 = 16 << 20;

/// What a tool said.
enum Told {
    Text(String),
    /// It is there, and told nothing.
    Nothing,
    /// It is not there.
    Missing,
}

/// Reads what can be read.
pub(super) fn read() -> Firewall {
    let mut firewall = Firewall::default();
    if !cfg!(target_os = "linux") {
        return firewall;
    }
    match tell("nft", &["-j", "list", "ruleset"]) {
        Told::Text(text) => match nft::parse(&text) {
            Some(filters) => firewall.filters.extend(filters),
            None => firewall.unread.push("nft"),
        },
        Told::Nothing => firewall.unread.push("nft"),
        Told::Missing => {}
    }
    let legacy_rules = std::fs::read_to_string("/proc/net/ip_tables_names").is_ok_and(|names| names.contains("filter"));
    let modern = matches!(tell("iptables", &["-V"]), Told::Text(version) if version.contains("nf_tables"));
    // Listing the rules of the old kind where there are none would load them into the system.
    for (tool, wanted) in [("iptables", modern || legacy_rules), ("iptables-legacy", modern && legacy_rules)] {
        if !wanted {
            continue;
        }
        match tell(tool, &["-S"]) {
            Told::Text(text) => firewall.filters.push(iptables::parse(&text, tool)),
            Told::Nothing => firewall.unread.push(tool),
            Told::Missing => {}
        }
    }
    // Rules of iptables show twice on newer systems, and as nft tells them some conditions are missing.
    let read = firewall.filters.iter().any(|filter| filter.table == "iptables");
    firewall.filters.retain(|filter| !(read && modern && filter.table == "ip filter"));
    firewall.filters.retain(|filter| filter.table != "iptables" || !filter.is_empty());
    firewall.ufw_on = std::fs::read_to_string("/etc/ufw/ufw.conf")
        .is_ok_and(|text| text.lines().any(|line| line.trim() == "ENABLED=yes"));
    if let Told::Text(text) = tell("firewall-cmd", &["--list-all"]) {
        firewall.firewalld = Some(open_ports(&text));
    }
    firewall
}

/// The UDP ports that `firewall-cmd --list-all` names.
fn open_ports(text: &str) -> Vec<(u16, u16)> {
    let field = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap_or_default();
    if field("target:").trim() == "ACCEPT" {
        return vec![(0, u16::MAX)];
    }
    let range = |port: &str| {
        let (first, last) = port.split_once('-').unwrap_or((port, port));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    field("ports:").split_whitespace().filter_map(|port| port.strip_suffix("/udp")).filter_map(range).collect()
}

fn tell(tool: &str, arguments: &[&str]) -> Told {
    // Ordinary users often have no sbin folder in their path.
    for path in [tool.to_owned(), format!("/usr/sbin/{tool}"), format!("/sbin/{tool}")] {
        let mut command = Command::new(&path);
        command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        match command.spawn() {
            Ok(child) => return output(child),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(_) => return Told::Nothing,
        }
    }
    Told::Missing
}

fn output(mut child: Child) -> Told {
    let Some(stdout) = child.stdout.take() else { return Told::Nothing };
    let (done, text) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(MOST).read_to_end(&mut bytes);
        // Nobody waits any more: the tool took too long.
        let _ = done.send(read.map(|_| bytes));
    });
    let text = text.recv_timeout(PATIENCE);
    if text.is_err() {
        // It may have ended in this moment.
        let _ = child.kill();
    }
    let ended_well = child.wait().is_ok_and(|status| status.success());
    match text {
        Ok(Ok(bytes)) if ended_well => Told::Text(String::from_utf8_lossy(&bytes).into_owned()),
        _ => Told::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_ports_of_firewalld_are_read() {
        let text = "public (active)\n  target: default\n  services: ssh\n  ports: 50999/udp 80/tcp 8000-9999/udp\n  sources: \n";
        assert_eq!(open_ports(text), [(50999, 50999), (8000, 9999)]);
        assert_eq!(open_ports("trusted\n  target: ACCEPT\n  ports: \n"), [(0, 65_535)]);
        assert_eq!(open_ports(""), []);
    }

    #[cfg(unix)]
    #[test]
    fn a_tool_that_is_missing_fails_or_hangs_stops_nothing() {
        assert!(matches!(tell("no-such-tool-here", &[]), Told::Missing));
        assert!(matches!(tell("false", &[]), Told::Nothing));
        assert!(matches!(tell("echo", &["hello"]), Told::Text(text) if text == "hello\n"));
    }
}
