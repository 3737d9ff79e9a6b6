//! The task that owns the engine. It does what [`Output`] says and decides nothing about the protocol.

use std::io;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::timeout;

use crate::engine::{
    Command, CommandError, Engine, Event, Instant, Link, Links, Outcome, Output, Record, Reply, Socket, Transmit,
};

use super::changes::Changes;
use super::clock::{Clock, Timer};
use super::delay::Delay;
use super::handle::{Counts, Request, count};
use super::interfaces::{Interfaces, LinkFilter};
use super::kept::Keeper;
use super::ledger::{Commits, News};
use super::neighbours::Presence;
use super::paths::Paths;
use super::send::Sender;
use super::socket::{Received, Sockets, buffer};
use super::space::{self, Beside};
use super::{Notice, Sample, Trend, port_holders};

/// Datagrams that are taken from one socket before anything else gets its turn.
const BATCH: usize = 64;

/// Interfaces change in several steps; they are looked at this long after the first.
const SETTLE: Duration = Duration::from_millis(50);

/// Between two tries to open the discovery port.
const DISCOVERY_AGAIN: Duration = Duration::from_secs(30);

/// What can wait is written to the disk this long after the first of it.
const WRITE: Duration = Duration::from_secs(5);

/// The goodbyes are sent within this time, or not at all.
const GOODBYE: Duration = Duration::from_millis(800);

/// The ends of the channels that the task holds.
#[derive(Debug)]
pub(super) struct Channels {
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) notices: mpsc::Sender<Notice>,
    /// The links, for those who look up names or want to know.
    pub(super) links: watch::Sender<Arc<[Link]>>,
    /// Dropped at the end, which tells those who wait for it.
    #[expect(dead_code, reason = "it is only dropped")]
    pub(super) end: watch::Sender<()>,
}

/// Everything around one engine.
#[derive(Debug)]
pub(super) struct Shell {
    engine: Engine,
    clock: Clock,
    timer: Timer,
    sockets: Sockets,
    filter: LinkFilter,
    interfaces: Interfaces,
    /// What the engine knows of the interfaces.
    told: Option<Links>,
    changes: Changes,
    settle: Delay,
    discovery_again: Delay,
    write: Delay,
    paths: Paths,
    /// None for a peer without a key.
    keeper: Option<Keeper>,
    commits: Commits,
    beside: Beside,
    presence: Option<Presence>,
    channels: Channels,
    faults: Arc<Counts>,
    trend: Trend,
    buffer: Box<[u8]>,
    sender: Sender,
}

/// What ended a wait.
#[derive(Debug)]
enum Wake {
    Datagrams(Socket),
    Request(Option<Request>),
    LinksChanged,
    LinksSettled,
    DiscoveryAgain,
    Write,
    Ledger(News),
    Data(space::News),
    Due(io::Result<()>),
}

impl Shell {
    pub(super) fn new(
        engine: Engine,
        (clock, timer): (Clock, Timer),
        sockets: Sockets,
        filter: LinkFilter,
        (paths, keeper, commits, beside): (Paths, Option<Keeper>, Commits, Beside),
        channels: Channels,
        (faults, trend): (Arc<Counts>, Trend),
    ) -> Self {
        Self {
            engine,
            clock,
            timer,
            sockets,
            filter,
            interfaces: Interfaces::none(),
            told: None,
            // Before the first look, so that no change falls between them.
            changes: Changes::new(),
            settle: Delay::default(),
            discovery_again: Delay::default(),
            write: Delay::default(),
            paths,
            keeper,
            commits,
            beside,
            presence: None,
            channels,
            faults,
            trend,
            buffer: buffer(),
            sender: Sender::default(),
        }
    }

    /// Where peers answered in earlier runs.
    pub(super) fn remembered(&self) -> Vec<SocketAddrV4> {
        self.paths.addresses()
    }

    /// Keeps our file for the neighbours while the peer runs.
    pub(super) fn present(&mut self, presence: Presence) {
        self.presence = Some(presence);
    }

    pub(super) fn command(&mut self, command: Command) -> Result<Reply, CommandError> {
        self.engine.handle_command(command, self.clock.now())
    }

    /// Runs until the peer left, or the sockets fail for good.
    pub(super) async fn run(mut self) {
        loop {
            let deadline = self.drain().await;
            let wake = match self.timer.set(deadline) {
                Ok(()) => self.wait().await,
                Err(error) => Wake::Due(Err(error)),
            };
            let go_on = match wake {
                Wake::Datagrams(which) => self.receive(which).await,
                Wake::Request(Some(Request { command: Command::Leave, reply })) => {
                    return self.leave(reply).await;
                }
                Wake::Request(None) => return self.leave(None).await,
                Wake::Request(Some(Request { command, reply })) => {
                    let outcome = self.command(command);
                    if let Some(reply) = reply {
                        // Nobody waits any more: then nobody wants to know.
                        let _ = reply.send(outcome);
                    }
                    Ok(())
                }
                Wake::LinksChanged => {
                    self.settle.arm(SETTLE);
                    Ok(())
                }
                Wake::LinksSettled | Wake::DiscoveryAgain => {
                    self.refresh(false);
                    Ok(())
                }
                Wake::Write => {
                    self.write();
                    Ok(())
                }
                Wake::Ledger(news) => {
                    self.committed(news);
                    Ok(())
                }
                Wake::Data(news) => {
                    let line = self.beside.take(news, &mut self.engine, self.clock.now());
                    line.into_iter().for_each(|line| self.notice(Notice::Data { line }));
                    Ok(())
                }
                Wake::Due(due) => due,
            };
            if let Err(error) = go_on {
                tracing::error!(%error, "the peer ends");
                self.notice(Notice::Ended { reason: error.to_string() });
                self.write_last();
                return self.close().await;
            }
            let now = self.clock.now();
            if now >= deadline {
                self.engine.handle_timeout(now);
                self.beside.timeout(&mut self.engine, now);
            }
            if self.trend.is_due(now) {
                self.trend.note(Sample::of(self.engine.counters(), self.engine.peers().len(), now));
            }
        }
    }

    async fn wait(&mut self) -> Wake {
        let Self { sockets, channels, changes, settle, discovery_again, write, timer, commits, beside, .. } = self;
        tokio::select! {
            () = sockets.readable(Socket::Unicast) => Wake::Datagrams(Socket::Unicast),
            () = sockets.readable(Socket::Discovery) => Wake::Datagrams(Socket::Discovery),
            request = channels.requests.recv() => Wake::Request(request),
            () = changes.next() => Wake::LinksChanged,
            () = settle.over() => Wake::LinksSettled,
            () = discovery_again.over() => Wake::DiscoveryAgain,
            () = write.over() => Wake::Write,
            news = commits.news() => Wake::Ledger(news),
            news = beside.news() => Wake::Data(news),
            due = timer.due() => Wake::Due(due),
        }
    }

    /// Does all that the engine and the data space say, and tells when they have more to say.
    async fn drain(&mut self) -> Instant {
        loop {
            let until = self.drain_engine().await;
            match self.beside.drain(&mut self.engine, self.clock.now()) {
                (true, _) => {}
                (false, due) => return due.map_or(until, |due| due.min(until)),
            }
        }
    }

    async fn drain_engine(&mut self) -> Instant {
        loop {
            match self.engine.poll() {
                Output::Transmit(transmit) => self.transmit(&transmit).await,
                Output::Event(event) => self.announce(event),
                Output::Store(record) => self.keep(record),
                Output::Commit(commit) => {
                    if let Some(ticket) = self.commits.commit(commit) {
                        self.engine.handle_committed(ticket, Outcome::Failed, self.clock.now());
                    }
                }
                Output::Data(data) => self.beside.hear(data, &mut self.engine, self.clock.now()),
                Output::Reopen => self.reopen(),
                Output::Wait(until) => return until,
            }
        }
    }

    fn committed(&mut self, news: News) {
        let outcomes = match news {
            News::Outcomes(outcomes) => outcomes,
            News::Stopped(outcomes, line) => {
                self.notice(Notice::History { line: line.to_owned() });
                outcomes
            }
            News::Trouble(line) => return self.notice(Notice::History { line }),
            News::Retried => return,
        };
        let now = self.clock.now();
        for (ticket, outcome) in outcomes {
            self.engine.handle_committed(ticket, outcome, now);
        }
    }

    fn keep(&mut self, record: Record) {
        if let Record::Path { user_id, address } = &record {
            self.paths.remember(user_id, *address);
        } else if let Some(notice) = self.keeper.as_mut().and_then(|keeper| keeper.keep(record)) {
            self.notice(notice);
        }
        self.write_later();
    }

    fn write_later(&mut self) {
        if self.paths.is_changed() || self.keeper.as_ref().is_some_and(Keeper::is_waiting) {
            self.write.arm(WRITE);
        }
    }

    fn write(&mut self) {
        self.paths.write();
        let Some(keeper) = &mut self.keeper else { return };
        let notice = keeper.write();
        if let Some(work) = keeper.in_background() {
            tokio::task::spawn_blocking(work);
        }
        notice.into_iter().for_each(|notice| self.notice(notice));
        self.write_later();
    }

    fn write_last(&mut self) {
        self.paths.write();
        if let Some(notice) = self.keeper.as_mut().and_then(Keeper::write) {
            self.notice(notice);
        }
    }

    async fn transmit(&mut self, transmit: &Transmit) {
        let Some(socket) = self.sockets.get(Socket::Unicast) else { return };
        let sent = self.sender.send(socket, transmit).await;
        let Some(error) = sent.error else { return };
        tracing::debug!(%error, refused = sent.refused, given_up = sent.given_up, "not sent to all");
        count(&self.faults.refused, sent.refused);
        count(&self.faults.given_up, sent.given_up);
        if cfg!(not(target_os = "linux")) {
            // Where the system does not tell of changes, this is the first sign of one.
            self.settle.arm(SETTLE);
        }
    }

    fn announce(&mut self, event: Event) {
        if let (Event::Renamed { user_id }, Some(presence)) = (&event, &mut self.presence)
            && let Err(error) = presence.rename(user_id)
        {
            tracing::warn!(%error, "neighbours are not told of our new id");
        }
        // Nobody may be listening.
        let _ = self.channels.events.send(event);
    }

    pub(super) fn notice(&self, notice: Notice) {
        tracing::info!(%notice, "notice");
        // Nobody may be reading them.
        let _ = self.channels.notices.try_send(notice);
    }

    /// Takes a batch of datagrams. An error means that the unicast socket is of no use and cannot be opened anew.
    async fn receive(&mut self, which: Socket) -> io::Result<()> {
        let mut failed = 0;
        for _ in 0..BATCH {
            match self.sockets.receive(which, &mut self.buffer) {
                Received::Datagram(length, from) => self.datagram(length, from, which),
                Received::Empty => return Ok(()),
                // A socket that only fails is as good as closed.
                Received::Passed(error) if failed + 1 < BATCH => {
                    tracing::trace!(%error, ?which, "reception failed");
                    count(&self.faults.received, 1);
                    failed += 1;
                }
                Received::Passed(error) | Received::Closed(error) => {
                    tracing::warn!(%error, ?which, "socket failed");
                    count(&self.faults.received, 1);
                    self.reopen();
                    return if self.sockets.get(Socket::Unicast).is_some() { Ok(()) } else { Err(error) };
                }
            }
        }
        // Under a flood, others on this thread get their turn as well.
        tokio::task::yield_now().await;
        Ok(())
    }

    fn datagram(&mut self, length: usize, from: SocketAddrV4, which: Socket) {
        if self.interfaces.hides(*from.ip()) {
            return count(&self.faults.other_interface, 1);
        }
        let bytes = self.buffer.get(..length).unwrap_or_default();
        if let Err(reason) = self.engine.handle_datagram(bytes, from, which, self.clock.now()) {
            tracing::trace!(%from, %reason, length, "datagram dropped");
        }
    }

    /// Looks at the interfaces, and opens the discovery socket if it is not open. The engine is told of a change, or in
    /// any case with `anyway`.
    pub(super) fn refresh(&mut self, anyway: bool) {
        self.open_discovery();
        let before = self.told.as_ref().map(|_| self.interfaces.names());
        match Interfaces::read(&self.filter) {
            Ok(found) => self.interfaces = found,
            Err(error) => self.notice(Notice::Interfaces { reason: error.to_string() }),
        }
        let links = self.interfaces.for_engine(self.sockets.get(Socket::Discovery).is_some());
        if !anyway && self.told.as_ref() == Some(&links) {
            return;
        }
        tracing::debug!(?links, "interfaces");
        self.told = Some(links.clone());
        self.engine.handle_links(links, self.clock.now());
        self.channels.links.send_replace(self.interfaces.links.as_slice().into());
        let names = self.interfaces.names();
        match (before.is_none_or(|before| !before.is_empty()), names.is_empty()) {
            (true, true) => self.notice(Notice::NoInterface { wanted: self.filter.wanted().to_vec() }),
            (false, false) => self.notice(Notice::Interface { names }),
            (true, false) | (false, true) => {}
        }
    }

    fn open_discovery(&mut self) {
        let port = self.sockets.discovery_port();
        let was_told = self.sockets.closed_told;
        match self.sockets.open_discovery() {
            Ok(()) if was_told => self.notice(Notice::DiscoveryOpen { port }),
            Ok(()) => {}
            Err(error) => {
                self.discovery_again.arm(DISCOVERY_AGAIN);
                if !was_told {
                    let reason = error.to_string();
                    self.notice(Notice::DiscoveryClosed { port, holders: port_holders(port), reason });
                }
            }
        }
    }

    /// Opens both sockets anew and looks at the interfaces.
    fn reopen(&mut self) {
        count(&self.faults.reopened, 1);
        let from = self.sockets.port();
        match self.sockets.reopen_unicast() {
            Ok(to) if to == from => {}
            Ok(to) => {
                self.notice(Notice::PortMoved { from, to });
                // It is only refused by a peer that has left.
                let _ = self.command(Command::Moved { port: to });
                if let Some(presence) = &mut self.presence
                    && let Err(error) = presence.move_to(to)
                {
                    tracing::warn!(%error, "neighbours are not told of our new port");
                }
            }
            Err(error) => tracing::error!(%error, "the unicast socket cannot be opened anew"),
        }
        self.sockets.close_discovery();
        self.refresh(true);
    }

    /// Says goodbye, and ends.
    async fn leave(mut self, reply: Option<tokio::sync::oneshot::Sender<Result<Reply, CommandError>>>) {
        let outcome = self.command(Command::Leave);
        if timeout(GOODBYE, self.drain()).await.is_err() {
            tracing::warn!("not everyone was told goodbye");
        }
        self.write_last();
        if let Some(reply) = reply {
            // Nobody waits any more: then nobody wants to know.
            let _ = reply.send(outcome);
        }
        self.close().await;
    }

    async fn close(&mut self) {
        // At the same time: neither waits for the other.
        tokio::join!(self.commits.close(), self.beside.shelf.close());
    }
}
