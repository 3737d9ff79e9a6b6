//! Which program holds a UDP port, where the system tells.

/// A program that holds a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Its name, as the system has it. Not for showing as it is: see [`Safe`](crate::wire::Safe).
    pub program: String,
}

/// The programs that hold this UDP port over IPv4, by process id, at most 16. Empty where the system does not tell:
/// other systems than Linux, and other users' programs.
#[must_use]
pub fn port_holders(port: u16) -> Vec<Holder> {
    #[cfg(target_os = "linux")]
    return linux::port_holders(port);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = port;
        Vec::new()
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeSet;
    use std::fs;

    use super::Holder;

    const MOST: usize = 16;

    pub(super) fn port_holders(port: u16) -> Vec<Holder> {
        let Ok(table) = fs::read_to_string("/proc/net/udp") else { return Vec::new() };
        let sockets: BTreeSet<String> = table.lines().skip(1).filter_map(|line| socket_on(line, port)).collect();
        if sockets.is_empty() {
            return Vec::new();
        }
        let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
        let mut pids: Vec<u32> =
            processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        pids.sort_unstable();
        pids.into_iter().filter(|pid| holds_any(*pid, &sockets)).take(MOST).map(named).collect()
    }

    /// `socket:[INODE]` of a line of the table, when its local port is this one.
    pub(super) fn socket_on(line: &str, port: u16) -> Option<String> {
        let mut columns = line.split_ascii_whitespace();
        let (_, local) = columns.nth(1)?.split_once(':')?;
        let inode = columns.nth(7)?;
        (u16::from_str_radix(local, 16).ok()? == port).then(|| format!("socket:[{inode}]"))
    }

    fn holds_any(pid: u32, sockets: &BTreeSet<String>) -> bool {
        let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
        files
            .flatten()
            .filter_map(|file| fs::read_link(file.path()).ok())
            .any(|target| target.to_str().is_some_and(|target| sockets.contains(target)))
    }

    fn named(pid: u32) -> Holder {
        let program = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        Holder { pid, program: program.trim_end().to_owned() }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn we_hold_the_port_that_we_bound() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let holders = port_holders(port);
        assert_eq!(holders.iter().map(|h| h.pid).collect::<Vec<_>>(), [std::process::id()]);
        assert!(!holders[0].program.is_empty());
    }

    #[test]
    fn a_line_of_the_table_is_read() {
        let line =
            "  303: 00000000:C737 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 48213 2 0 0";
        assert_eq!(linux::socket_on(line, 50999).as_deref(), Some("socket:[48213]"));
        assert_eq!(linux::socket_on(line, 50998), None);
        assert_eq!(linux::socket_on("rubbish", 50999), None);
    }
}
