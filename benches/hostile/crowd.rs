//! Many identities on one host that answer whoever asks them: each proves its address as a peer does.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddrV4;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use lsnp::wire::{Envelope, Message, Prekey, PublicKey, decode};

use super::forger::{Forger, Says};
use super::lan::Host;
use super::spoof::Spoofer;
use super::tap::{Packet, Tap, Way};

/// The identities, by their address.
pub(crate) struct Crowd {
    members: Arc<Mutex<Members>>,
    answered: Arc<AtomicU64>,
    _tap: Tap,
}

#[derive(Default)]
struct Members {
    forgers: HashMap<SocketAddrV4, Forger>,
    /// What letters to those who asked us are sealed to.
    prekeys: HashMap<SocketAddrV4, (PublicKey, Prekey)>,
}

impl Crowd {
    /// Nobody yet, on this host.
    pub(crate) fn new(host: &Host) -> io::Result<Self> {
        let members = Arc::new(Mutex::new(Members::default()));
        let answered = Arc::new(AtomicU64::new(0));
        let (all, count, mut spoofer) = (Arc::clone(&members), Arc::clone(&answered), Spoofer::new(host)?);
        let tap = Tap::each(host, Way::In, move |packet| {
            if let Some(answer) = lock(&all).answer(&packet)
                && spoofer.send(packet.to, packet.from, &answer).is_ok()
            {
                count.fetch_add(1, Ordering::Relaxed);
            }
        })?;
        Ok(Self { members, answered, _tap: tap })
    }

    /// One more; whoever was at its address is gone.
    pub(crate) fn admit(&self, forger: Forger) {
        lock(&self.members).forgers.insert(forger.address, forger);
    }

    /// What the one at this address makes.
    pub(crate) fn make<T>(&self, address: SocketAddrV4, make: impl FnOnce(&mut Forger) -> T) -> io::Result<T> {
        let mut members = lock(&self.members);
        members.forgers.get_mut(&address).map(make).ok_or_else(|| io::Error::other("nobody is at that address"))
    }

    /// All of them, who answer nobody any more.
    pub(crate) fn leave(self) -> Vec<Forger> {
        let mut members: Vec<Forger> = lock(&self.members).forgers.drain().map(|(_, forger)| forger).collect();
        members.sort_by_key(|forger| forger.address);
        members
    }

    /// What letters to the peer at this address are sealed to.
    pub(crate) fn prekey(&self, of: SocketAddrV4) -> Option<(PublicKey, Prekey)> {
        lock(&self.members).prekeys.get(&of).copied()
    }

    /// The same, once it is known.
    pub(crate) fn wait_for_prekey(&self, of: SocketAddrV4) -> io::Result<(PublicKey, Prekey)> {
        let deadline = Instant::now() + Duration::from_secs(8);
        while Instant::now() < deadline {
            if let Some(known) = self.prekey(of) {
                return Ok(known);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(io::Error::other(format!("{of} shows no key")))
    }

    /// How many questions were answered.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Members {
    fn answer(&mut self, packet: &Packet) -> Option<Vec<u8>> {
        let datagram = decode(&packet.payload).ok()?;
        if let (Message::Discovery(discovery), Ok(envelope)) = (&datagram.message, Envelope::of(&packet.payload))
            && let Some(prekey) = discovery.prekey
        {
            self.prekeys.insert(packet.from, (envelope.key, prekey));
        }
        let ans = Some(datagram.extension.ask?);
        let forger = self.forgers.get_mut(&packet.to)?;
        Some(forger.announcement(Says { ans, ..Says::default() }))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
