//! `peer discover` and `peer doctor`, the real program on LANs made of network namespaces. Needs root and `ip`; where
//! one is missing a test prints that and passes.

#![cfg(all(target_os = "linux", feature = "node"))]
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test: it stops where something is not as it must be")]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

/// Hosts on one network: each has eth0 with 10.77.0.N, and their other ends meet in a bridge.
struct Lan {
    name: String,
    hosts: usize,
    peers: Vec<Running>,
    folder: PathBuf,
}

/// A peer that runs, with its lines.
struct Running {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

#[test]
fn a_healthy_lan_is_healthy_and_the_way_to_a_peer_is_open() {
    let Some(mut lan) = Lan::new(2) else { return };
    lan.peer(2, &["--name", "bob"]);
    let report = lan.doctor(1, &[]);
    assert_eq!(report["healthy"], true, "{report:#}");
    assert_eq!(verdicts(&report, "broadcast"), ["ok"]);
    assert_eq!(verdicts(&report, "peer"), ["ok"]);
    assert!(text(&report, "peer").contains("bob@10.77.0.2 answers"), "{report:#}");

    let report = lan.doctor(1, &["bob"]);
    assert_eq!(report["healthy"], true, "{report:#}");
    assert!(text(&report, "path").contains("10.77.0.2"), "{report:#}");
    assert!(report["cause"].as_str().unwrap().contains("bob@10.77.0.2"), "{report:#}");

    let report = lan.doctor(1, &["10.77.0.9"]);
    assert_eq!(verdicts(&report, "path"), ["problem"], "{report:#}");
    assert!(text(&report, "path").contains("no computer answers at 10.77.0.9"), "{report:#}");
    let report = lan.doctor(1, &["10.77.0.2:7777"]);
    assert!(text(&report, "path").contains("no peer listens at port 7777"), "{report:#}");

    let shown = lan.run(1, &["doctor"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("\nHealthy: ") && !shown.contains('\x1b'), "{shown}");
}

#[test]
fn discover_finds_everyone_twice_and_is_listed_by_nobody() {
    let Some(mut lan) = Lan::new(3) else { return };
    lan.peer(1, &["--name", "alice"]);
    lan.peer(2, &["--name", "bob"]);
    lan.peer(3, &["--name", "charlie"]);
    for _ in 0..2 {
        let found = lan.run(1, &["discover", "--json"]);
        assert_eq!(found.status.code(), Some(0));
        let rows: Vec<Value> =
            String::from_utf8(found.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["alice@10.77.0.1", "bob@10.77.0.2", "charlie@10.77.0.3"]);
        assert!(rows.iter().all(|row| row["older"] == false && row["address"].is_string() && row["name"].is_string()));
    }
    let shown = String::from_utf8(lan.run(1, &["discover"]).stdout).unwrap();
    assert!(shown.lines().any(|line| line.starts_with("alice ") && line.ends_with("this computer")), "{shown}");
    assert_eq!(shown.lines().count(), 3, "{shown}");

    writeln!(lan.peers[1].stdin, "LIST\nWHOAMI").unwrap();
    let mut listed = Vec::new();
    lan.peers[1].wait_for(|line| {
        listed.extend(line.starts_with("PEER\t").then(|| line.to_owned()));
        line.starts_with("INFO\t") && line.contains("You are")
    });
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(!listed.iter().any(|row| row.contains("discover")), "{listed:?}");
}

#[test]
fn discover_finds_peers_of_this_computer_without_any_network() {
    let folder = tempfile::Builder::new().prefix("lsnp-doctor-").tempdir().unwrap().keep();
    std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let port = (30_000 + std::process::id() % 10_000).to_string();
    let peer = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peer"));
        command.args(["--discovery-port", &port, "--interface", "lo"]).args(arguments);
        command.env("XDG_RUNTIME_DIR", &folder).env("XDG_STATE_HOME", &folder);
        command
    };
    let mut alice = Running::start(&mut peer(&["--temporary", "--name", "alice"]));
    alice.wait_for(|line| line.contains("You are"));
    let found = peer(&["discover"]).stdin(Stdio::null()).output().unwrap();
    let shown = String::from_utf8(found.stdout).unwrap();
    assert_eq!(found.status.code(), Some(0));
    assert!(shown.lines().count() == 1 && shown.starts_with("alice ") && shown.contains("this computer"), "{shown}");
    let report = peer(&["doctor", "--json", "alice"]).stdin(Stdio::null()).output().unwrap();
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((verdicts(&report, "peer here"), verdicts(&report, "path")), (vec!["ok".into()], vec!["ok".into()]));
    drop(alice);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn discover_shows_who_comes_while_it_watches() {
    let Some(mut lan) = Lan::new(2) else { return };
    let mut watch = lan.start(1, &["discover", "--watch"]);
    lan.peer(2, &["--name", "bob"]);
    watch.wait_for(|line| line.contains("bob@10.77.0.2"));
    assert!(Command::new("kill").args(["-INT", &watch.child.id().to_string()]).status().unwrap().success());
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
}

#[test]
fn discover_fails_with_one_line_where_nobody_is() {
    let Some(lan) = Lan::new(1) else { return };
    let found = lan.run(1, &["discover", "--timeout", "500ms"]);
    assert_eq!(found.status.code(), Some(1));
    assert!(found.stdout.is_empty());
    let said = String::from_utf8(found.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("peer doctor"), "{said}");
}

#[test]
fn alone_without_a_default_route_is_healthy() {
    let Some(lan) = Lan::new(1) else { return };
    lan.ip(&["-n", &lan.host(1), "route", "del", "default"]);
    let report = lan.doctor(1, &[]);
    assert_eq!(report["healthy"], true, "{report:#}");
    assert_eq!(verdicts(&report, "route"), ["warning"]);
    assert!(report["cause"].as_str().unwrap().contains("nobody else answers"), "{report:#}");
    assert!(!report["advice"].as_array().unwrap().is_empty());
}

#[test]
fn a_cable_that_is_out_and_no_interface_at_all_are_told() {
    let Some(lan) = Lan::new(1) else { return };
    lan.ip(&["-n", &lan.host(0), "link", "set", "p1", "down"]);
    let report = lan.doctor(1, &[]);
    assert_eq!(report["healthy"], false);
    assert!(report["cause"].as_str().unwrap().contains("eth0 has no carrier"), "{report:#}");
    lan.ip(&["-n", &lan.host(1), "link", "del", "eth0"]);
    let report = lan.doctor(1, &["bob"]);
    assert!(report["cause"].as_str().unwrap().contains("no interface is up but the loopback"), "{report:#}");
}

#[test]
fn a_program_that_keeps_the_discovery_port_to_itself_is_named() {
    let Some(mut lan) = Lan::new(1) else { return };
    // Its own port is not shared with anyone.
    lan.peer(1, &["--name", "greedy", "--discovery-port", "50998", "--port", "50999"]);
    let pid = lan.peers[0].child.id();
    let report = lan.doctor(1, &[]);
    assert_eq!(report["healthy"], false);
    assert!(text(&report, "port").contains(&format!("peer (process {pid}) holds it")), "{report:#}");
    assert!(report["advice"][0].as_str().unwrap().contains(&format!("kill {pid}")), "{report:#}");
}

#[test]
fn a_peer_that_is_heard_and_does_not_answer_is_behind_a_firewall() {
    let Some(mut lan) = Lan::new(2) else { return };
    let rules = "add table inet f; add chain inet f in { type filter hook input priority 0; policy drop; }";
    if !lan.firewall(2, "nft", &[rules]) {
        return;
    }
    lan.peer(2, &["--name", "bob", "--heartbeat", "1s"]);
    let report = lan.doctor(1, &["bob"]);
    assert_eq!(report["healthy"], false);
    assert!(text(&report, "peer").contains("is heard, but does not answer"), "{report:#}");
    assert_eq!(verdicts(&report, "path"), ["problem"]);
    assert!(report["cause"].as_str().unwrap().contains("a firewall on 10.77.0.2"), "{report:#}");
}

#[test]
fn the_firewall_here_is_read_and_the_command_that_opens_it_works() {
    let Some(mut lan) = Lan::new(2) else { return };
    let rules = "add table inet f; add chain inet f in { type filter hook input priority 0; policy drop; }; \
                 add rule inet f in ct state established,related accept; add rule inet f in iifname lo accept";
    if !lan.firewall(1, "nft", &[rules]) {
        return;
    }
    lan.peer(2, &["--name", "bob"]);
    let report = lan.doctor(1, &[]);
    assert_eq!(verdicts(&report, "broadcast"), ["problem"], "its own broadcast is dropped, too: {report:#}");
    assert_eq!(verdicts(&report, "firewall"), ["problem"], "{report:#}");
    let command = report["advice"][0].as_str().unwrap().replace("sudo ", "");
    let opened = Command::new("ip").args(["netns", "exec", &lan.host(1), "sh", "-c", &command]).status().unwrap();
    assert!(opened.success(), "{command}");
    let report = lan.doctor(1, &[]);
    assert_eq!(report["healthy"], true, "{report:#}");
    assert_eq!(verdicts(&report, "peer"), ["ok"]);
}

#[test]
fn rules_of_iptables_are_read_and_the_command_that_opens_them_works() {
    let Some(lan) = Lan::new(1) else { return };
    if !lan.firewall(1, "iptables", &["-A", "INPUT", "-p", "udp", "--dport", "50999", "-j", "REJECT"]) {
        return;
    }
    let report = lan.doctor(1, &[]);
    assert!(text(&report, "firewall").contains("--dport 50999 -j REJECT"), "{report:#}");
    let command = report["advice"][0].as_str().unwrap().replace("sudo ", "");
    let opened = Command::new("ip").args(["netns", "exec", &lan.host(1), "sh", "-c", &command]).status().unwrap();
    assert!(opened.success(), "{command}");
    assert_eq!(lan.doctor(1, &[])["healthy"], true);
}

fn verdicts(report: &Value, name: &str) -> Vec<String> {
    checks(report, name).map(|check| check["verdict"].as_str().unwrap().to_owned()).collect()
}

fn text(report: &Value, name: &str) -> String {
    checks(report, name).map(|check| check["text"].as_str().unwrap()).collect::<Vec<_>>().join("; ")
}

fn checks<'a>(report: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    report["checks"].as_array().unwrap().iter().filter(move |check| check["name"] == name)
}

impl Lan {
    fn new(hosts: usize) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("dr").tempdir().unwrap().keep();
        let name = folder.file_name()?.to_str()?.to_owned();
        let lan = Self { name, hosts, peers: Vec::new(), folder };
        let made = Command::new("ip").args(["netns", "add", &lan.host(0)]).output();
        match made {
            Ok(made) if made.status.success() => {}
            Ok(made) => {
                eprintln!("skipped: no network namespace: {}", String::from_utf8_lossy(&made.stderr).trim());
                return None;
            }
            Err(error) => {
                eprintln!("skipped: cannot run `ip`: {error}");
                return None;
            }
        }
        let bridge = lan.host(0);
        lan.ip(&["-n", &bridge, "link", "add", "br0", "type", "bridge"]);
        lan.ip(&["-n", &bridge, "link", "set", "br0", "up"]);
        for number in 1..=hosts {
            let (host, port) = (lan.host(number), format!("p{number}"));
            lan.ip(&["netns", "add", &host]);
            lan.ip(&["-n", &host, "link", "set", "lo", "up"]);
            lan.ip(&["-n", &host, "link", "add", "eth0", "type", "veth", "peer", "name", &port, "netns", &bridge]);
            lan.ip(&["-n", &bridge, "link", "set", &port, "master", "br0", "up"]);
            let address = format!("10.77.0.{number}/24");
            lan.ip(&["-n", &host, "addr", "add", &address, "brd", "+", "dev", "eth0"]);
            lan.ip(&["-n", &host, "link", "set", "eth0", "up"]);
            lan.ip(&["-n", &host, "route", "add", "default", "via", "10.77.0.254"]);
            let run = lan.folder.join(number.to_string());
            std::fs::create_dir_all(&run).unwrap();
            std::fs::set_permissions(&run, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        }
        lan.wait_until_joined();
        Some(lan)
    }

    /// A port of the bridge forwards a moment after it is up.
    fn wait_until_joined(&self) {
        let joined = |number| {
            let show = ["-n", &self.host(0), "-d", "-j", "link", "show", &format!("p{number}")].map(str::to_owned);
            let shown = Command::new("ip").args(show).output().unwrap();
            let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
            shown[0]["linkinfo"]["info_slave_data"]["state"] == "forwarding"
        };
        let (_never, tick) = channel::<()>();
        for number in 1..=self.hosts {
            let tries =
                (0..500).take_while(|_| !joined(number) && tick.recv_timeout(Duration::from_millis(20)).is_err());
            assert!(tries.count() < 500, "p{number} does not forward");
        }
    }

    /// The namespace of a host; 0 is the bridge's.
    fn host(&self, number: usize) -> String {
        format!("{}h{number}", self.name)
    }

    fn ip(&self, arguments: &[&str]) {
        let done = Command::new("ip").args(arguments).output().unwrap();
        assert!(done.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Sets rules on a host; false, with the reason printed, where the tool is missing or cannot.
    fn firewall(&self, number: usize, tool: &str, arguments: &[&str]) -> bool {
        let done =
            Command::new("ip").args(["netns", "exec", &self.host(number), tool]).args(arguments).output().unwrap();
        if !done.status.success() {
            eprintln!("skipped: {tool}: {}", String::from_utf8_lossy(&done.stderr).trim());
        }
        done.status.success()
    }

    fn command(&self, number: usize, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.host(number), env!("CARGO_BIN_EXE_peer")]).args(arguments);
        let folder = self.folder.join(number.to_string());
        command.env("XDG_RUNTIME_DIR", &folder).env("XDG_STATE_HOME", &folder).env_remove("PEER_DISCOVERY_PORT");
        command
    }

    fn run(&self, number: usize, arguments: &[&str]) -> Output {
        self.command(number, arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// The report, after a look at the exit status.
    fn doctor(&self, number: usize, arguments: &[&str]) -> Value {
        let done = self.run(number, &[&["doctor", "--json"], arguments].concat());
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        let status = if report["healthy"] == true { 0 } else { 1 };
        assert_eq!(done.status.code(), Some(status), "{report:#}");
        report
    }

    fn start(&self, number: usize, arguments: &[&str]) -> Running {
        Running::start(&mut self.command(number, arguments))
    }

    /// Starts a peer, and waits until it listens.
    fn peer(&mut self, number: usize, arguments: &[&str]) {
        let mut peer = self.start(number, &[&["--temporary"], arguments].concat());
        writeln!(peer.stdin, "WHOAMI").unwrap();
        // The greeting at the start names HELP, the answer does not.
        peer.wait_for(|line| line.contains("You are") && !line.contains("HELP"));
        self.peers.push(peer);
    }
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (out, stdin) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let (told, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, stdin, lines }
    }

    fn wait_for(&mut self, mut wanted: impl FnMut(&str) -> bool) {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(20)).expect("a line in time");
            if wanted(&line) {
                return;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        self.peers.clear();
        for number in 0..=self.hosts {
            let _ = Command::new("ip").args(["netns", "del", &self.host(number)]).output();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
