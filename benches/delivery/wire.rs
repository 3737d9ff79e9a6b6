//! A switch that loses, doubles and delays frames, between the loose cables of a LAN.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::net::{RecvFlags, SendFlags, SocketAddrAny, recvfrom, sendto};
use socket2::{Domain, Protocol, Socket, Type};

use super::lan::Lan;

/// All protocols.
const ETH_P_ALL: u16 = 3;
/// A frame that is overtaken comes so much later.
const HELD: Duration = Duration::from_millis(50);
/// How long a thread may take to see the end.
const TICK: Duration = Duration::from_millis(50);

/// What happens to each frame on its way to each host; the first three in percent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) lost: u32,
    pub(crate) doubled: u32,
    pub(crate) overtaken: u32,
    /// Every frame comes so much later.
    pub(crate) delay: Duration,
}

/// The switch; it stops with its value.
pub(crate) struct Wire {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    faults: Arc<Mutex<Faults>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    passed: AtomicU64,
    lost: AtomicU64,
}

/// One end of a cable.
struct Plug {
    socket: Socket,
    /// Who is at the other end: the address of the first frame that came from there, and its hardware address.
    known: Mutex<Option<(SocketAddrAny, [u8; 6])>>,
}

/// A frame on its way out, ordered by the moment at which it leaves.
type Leaving = Reverse<(Instant, u64, usize, Vec<u8>)>;

impl Wire {
    /// Joins the loose cables of this LAN. `seed` decides which frames are hit.
    pub(crate) fn join(lan: &Lan, seed: u64) -> io::Result<Self> {
        let plugs = lan.at_cables(|| {
            let protocol = Protocol::from(i32::from(ETH_P_ALL.to_be()));
            let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
            rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, 16 << 20)?;
            socket.set_read_timeout(Some(TICK))?;
            Ok(Plug { socket, known: Mutex::default() })
        })?;
        let plugs = Arc::new(plugs);
        let (stop, faults) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Faults>>::default());
        let counts = Arc::<Counts>::default();
        let (frames, came) = channel();
        let mut threads = Vec::new();
        for at in 0..plugs.len() {
            let (plugs, frames, stop) = (Arc::clone(&plugs), frames.clone(), Arc::clone(&stop));
            threads.push(std::thread::spawn(move || take(&plugs[at], at, &frames, &stop)));
        }
        let (with, count, end) = (Arc::clone(&faults), Arc::clone(&counts), Arc::clone(&stop));
        threads.push(std::thread::spawn(move || {
            let mut rng = StdRng::seed_from_u64(seed);
            switch(&plugs, &came, &with, &count, &end, &mut rng);
        }));
        Ok(Self { stop, threads, faults, counts })
    }

    /// From now on frames are hit so.
    pub(crate) fn set(&self, faults: Faults) {
        *lock(&self.faults) = faults;
    }

    /// Frames that arrived and frames that were lost so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.counts.passed.load(Ordering::Relaxed), self.counts.lost.load(Ordering::Relaxed))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that panicked has stopped, too.
            let _ = thread.join();
        }
    }
}

/// Takes what comes in at one cable. The system shows this socket nothing that it sent itself.
fn take(plug: &Plug, at: usize, frames: &Sender<(usize, Vec<u8>)>, stop: &AtomicBool) {
    let mut buffer = vec![0; 1 << 16];
    while !stop.load(Ordering::Relaxed) {
        let Ok((size, _, Some(from))) = recvfrom(&plug.socket, &mut buffer[..], RecvFlags::empty()) else { continue };
        let mut frame = buffer[..size].to_vec();
        let Some(hardware) = frame.get(6..12).and_then(|bytes| bytes.try_into().ok()) else { continue };
        lock(&plug.known).get_or_insert((from, hardware));
        clear_checksum(&mut frame);
        if frames.send((at, frame)).is_err() {
            return;
        }
    }
}

/// Frames that never leave the machine carry no UDP checksum, only the beginning of one: none at all is as good.
fn clear_checksum(frame: &mut [u8]) {
    let is_udp = frame.len() >= 42 && frame[12..14] == [8, 0] && frame[23] == 17;
    let is_first = is_udp && u16::from_be_bytes([frame[20], frame[21]]) & 0x1fff == 0;
    let head = frame.get(14).map_or(0, |byte| 14 + usize::from(byte & 15) * 4);
    if is_first && frame.len() >= head + 8 {
        frame[head + 6..head + 8].fill(0);
    }
}

fn switch(
    plugs: &[Plug],
    came: &Receiver<(usize, Vec<u8>)>,
    faults: &Mutex<Faults>,
    counts: &Counts,
    stop: &AtomicBool,
    rng: &mut StdRng,
) {
    let mut leaving: BinaryHeap<Leaving> = BinaryHeap::new();
    let mut serial = 0;
    while !stop.load(Ordering::Relaxed) {
        let next = leaving.peek().map_or(TICK, |Reverse((at, ..))| at.saturating_duration_since(Instant::now()));
        match came.recv_timeout(next.min(TICK)) {
            Ok((from, frame)) => {
                let Faults { lost, doubled, overtaken, delay } = *lock(faults);
                for to in targets(plugs, from, &frame) {
                    let mut hit = |percent: u32| rng.random_range(0..100) < percent;
                    if hit(lost) {
                        counts.lost.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    for _ in 0..=u32::from(hit(doubled)) {
                        let wait = delay + if hit(overtaken) { HELD } else { Duration::ZERO };
                        serial += 1;
                        leaving.push(Reverse((Instant::now() + wait, serial, to, frame.clone())));
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while leaving.peek().is_some_and(|Reverse((at, ..))| *at <= Instant::now()) {
            let Some(Reverse((_, _, to, frame))) = leaving.pop() else { break };
            if let Some((address, _)) = &*lock(&plugs[to].known) {
                // A host whose queue is full loses it, as on any LAN.
                let _ = sendto(&plugs[to].socket, &frame, SendFlags::empty(), address);
                counts.passed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// The cable of the host with this hardware address; every other cable for an address that nobody has.
fn targets(plugs: &[Plug], from: usize, frame: &[u8]) -> Vec<usize> {
    let is_its = |plug: &Plug| lock(&plug.known).as_ref().is_some_and(|(_, hardware)| hardware[..] == frame[..6]);
    let others = (0..plugs.len()).filter(|at| *at != from);
    match others.clone().find(|at| is_its(&plugs[*at])) {
        Some(at) => vec![at],
        None => others.collect(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
