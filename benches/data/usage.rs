//! What the system has counted of one process and of its host.

use std::fs;
use std::io;

/// Since their start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// CPU time of all threads, ns.
    pub(crate) cpu_ns: u64,
    /// Frames that the host sent on its interface. With permanent neighbours they are all datagrams.
    pub(crate) frames: u64,
    /// Bytes of these frames.
    pub(crate) bytes: u64,
}

impl Usage {
    /// Of this process and the namespace that it is in.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let folder = format!("/proc/{pid}");
        let mut cpu_ns = 0;
        for task in fs::read_dir(format!("{folder}/task"))? {
            cpu_ns += on_cpu(&fs::read_to_string(task?.path().join("schedstat"))?);
        }
        let table = fs::read_to_string(format!("{folder}/net/dev"))?;
        let line = table.lines().find_map(|line| line.trim_start().strip_prefix("eth0:")).unwrap_or_default();
        let column = |at: usize| line.split_whitespace().nth(at).and_then(|word| word.parse().ok()).unwrap_or(0);
        Ok(Self { cpu_ns, frames: column(9), bytes: column(8) })
    }

    /// What came since then.
    pub(crate) fn since(self, then: Self) -> Self {
        Self { cpu_ns: self.cpu_ns - then.cpu_ns, frames: self.frames - then.frames, bytes: self.bytes - then.bytes }
    }
}

/// CPU time of this thread so far, ns.
pub(crate) fn own_cpu_ns() -> u64 {
    on_cpu(&fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default())
}

fn on_cpu(schedstat: &str) -> u64 {
    schedstat.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}
