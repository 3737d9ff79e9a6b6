//! A LAN of network namespaces: hosts with one interface each, joined by a bridge in a namespace of its own, or by what
//! a bench makes of loose cables.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Namespaces that are still to be removed, also when a signal ends the bench.
static LEFT: Mutex<Vec<String>> = Mutex::new(Vec::new());
static SERIAL: AtomicUsize = AtomicUsize::new(1);

/// The LAN; it goes away with its value.
pub(crate) struct Lan {
    /// That of the bridge; of loose cables one each.
    switch: Vec<Namespace>,
    pub(crate) hosts: Vec<Host>,
}

/// One host: `10.77.0.<number>` on `eth0`.
pub(crate) struct Host {
    pub(crate) number: usize,
    pub(crate) ip: String,
    namespace: Namespace,
}

struct Namespace {
    name: String,
    file: File,
}

impl Lan {
    /// Builds a LAN of so many hosts, at most 200. Their names start with `lsnp<our pid>-`.
    pub(crate) fn new(hosts: usize) -> io::Result<Self> {
        let tag = tag();
        let switch = Namespace::new(&format!("{tag}sw"))?;
        switch.batch("link add br0 type bridge forward_delay 0\nlink set br0 up\n")?;
        let mut lan = Self { switch: vec![switch], hosts: Vec::new() };
        for number in 1..=hosts {
            lan.hosts.push(Host::new(&tag, number, &lan.switch[0])?);
            lan.switch[0].batch(&format!("link set p{number} master br0\n"))?;
        }
        Ok(lan)
    }

    /// The same without the bridge: of each cable the other end, `p<number>`, lies in a namespace of its own.
    pub(crate) fn loose(hosts: usize) -> io::Result<Self> {
        let tag = tag();
        let mut lan = Self { switch: Vec::new(), hosts: Vec::new() };
        for number in 1..=hosts {
            lan.switch.push(Namespace::new(&format!("{tag}sw{number}"))?);
            lan.hosts.push(Host::new(&tag, number, &lan.switch[number - 1])?);
        }
        for host in &lan.hosts {
            host.await_link()?;
        }
        Ok(lan)
    }

    /// Does something at the other end of each cable.
    pub(crate) fn at_cables<T: Send>(&self, work: impl Fn() -> io::Result<T> + Send + Sync) -> io::Result<Vec<T>> {
        self.switch.iter().map(|end| end.inside(&work)).collect()
    }

    /// Tells every host the hardware address of every other, so that frames sent are datagrams sent.
    pub(crate) fn introduce(&self) -> io::Result<()> {
        let macs: Vec<(String, String)> = self
            .hosts
            .iter()
            .map(|host| {
                let shown =
                    output(Command::new("ip").args(["-n", &host.namespace.name, "-o", "link", "show", "eth0"]))?;
                let mac = shown.split_whitespace().skip_while(|word| *word != "link/ether").nth(1);
                let mac = mac.ok_or_else(|| io::Error::other(format!("no link/ether in {shown:?}")))?;
                Ok((host.ip.clone(), mac.to_owned()))
            })
            .collect::<io::Result<_>>()?;
        for host in &self.hosts {
            let others = macs.iter().filter(|(ip, _)| *ip != host.ip);
            let lines: String =
                others.map(|(ip, mac)| format!("neigh replace {ip} lladdr {mac} nud permanent dev eth0\n")).collect();
            host.namespace.batch(&lines)?;
        }
        Ok(())
    }
}

impl Host {
    fn new(tag: &str, number: usize, switch: &Namespace) -> io::Result<Self> {
        let namespace = Namespace::new(&format!("{tag}h{number}"))?;
        let (ip, name) = (format!("10.77.0.{number}"), &namespace.name);
        switch.batch(&format!("link add p{number} type veth peer name eth0 netns {name}\nlink set p{number} up\n"))?;
        // Nobody need answer at .254: the route makes this interface the one of the default route.
        namespace.batch(&format!(
            "addr add {ip}/24 brd + dev eth0\nlink set eth0 up\nroute add default via 10.77.0.254\n"
        ))?;
        Ok(Self { number, ip, namespace })
    }

    /// The system takes a moment to see that both ends of a cable are up; a bridge takes longer to make.
    fn await_link(&self) -> io::Result<()> {
        for _ in 0..200 {
            let shown = output(Command::new("ip").args(["-n", &self.namespace.name, "-o", "link", "show", "eth0"]))?;
            if shown.contains("state UP") {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Err(io::Error::other(format!("the link of {} does not come up", self.ip)))
    }

    /// Does something on this host: sockets that it opens and programs that it starts stay here.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        self.namespace.inside(work)
    }
}

/// In front of the names of one LAN.
fn tag() -> String {
    format!("lsnp{}-{}", std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed))
}

impl Namespace {
    fn new(name: &str) -> io::Result<Self> {
        lock(|left| left.push(name.to_owned()));
        output(Command::new("ip").args(["netns", "add", name]))?;
        let namespace = Self { name: name.to_owned(), file: File::open(format!("/run/netns/{name}"))? };
        namespace.inside(|| {
            for which in ["all", "default"] {
                // A kernel without IPv6 is as quiet as one with it switched off.
                let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{which}/disable_ipv6"), "1");
            }
            Ok(())
        })?;
        namespace.batch("link set lo up\n")?;
        Ok(namespace)
    }

    fn batch(&self, lines: &str) -> io::Result<()> {
        let mut ip = Command::new("ip")
            .args(["-n", &self.name, "-batch", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = ip.stdin.take() {
            stdin.write_all(lines.as_bytes())?;
        }
        let done = ip.wait_with_output()?;
        if done.status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("ip -batch: {}", String::from_utf8_lossy(&done.stderr).trim())))
    }

    fn inside<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network))?;
                work()
            });
            inside.join().unwrap_or_else(|_| Err(io::Error::other("a thread inside a namespace panicked")))
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        delete(&self.name);
        lock(|left| left.retain(|name| *name != self.name));
    }
}

/// Removes the namespaces of this bench: for the way out after a signal.
pub(crate) fn remove_all() {
    for name in lock(|left| left.clone()) {
        delete(&name);
    }
}

/// Removes namespaces of benches that were killed: those named after a process that is gone.
pub(crate) fn remove_stale() -> io::Result<()> {
    let Ok(entries) = fs::read_dir("/run/netns") else { return Ok(()) };
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix("lsnp").and_then(|rest| rest.split_once('-')).map(|(pid, _)| pid.to_owned());
        if let Some(pid) = pid
            && pid.bytes().all(|b| b.is_ascii_digit())
            && !fs::exists(format!("/proc/{pid}"))?
        {
            delete(&name);
        }
    }
    Ok(())
}

/// Says why there can be no LAN here, if so.
pub(crate) fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("network namespaces need root".to_owned());
    }
    let probe = format!("lsnp{}-probe", std::process::id());
    match output(Command::new("ip").args(["netns", "add", &probe])) {
        Ok(_) => {
            delete(&probe);
            None
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some("there is no ip command (iproute2)".to_owned()),
        Err(error) => Some(format!("no network namespace can be made here: {error}")),
    }
}

fn delete(name: &str) {
    // One that is gone already is as good.
    let _ = Command::new("ip").args(["netns", "del", name]).stderr(Stdio::null()).status();
}

fn output(command: &mut Command) -> io::Result<String> {
    let done = command.output()?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    Err(io::Error::other(String::from_utf8_lossy(&done.stderr).trim().to_owned()))
}

fn lock<T>(use_it: impl FnOnce(&mut Vec<String>) -> T) -> T {
    use_it(&mut LEFT.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}
