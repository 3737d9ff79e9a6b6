//! All shared lists of a peer.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::data::{Error, Event, Job, Reply, Row, Step, Ticket, Turn, list};
use crate::engine::{Arrived, Channel, Instant};
use crate::wire::PublicKey;

use super::chain::Chain;
use super::document::ChainId;
use super::kept;
use super::members::MEMBERS_MAX;
use super::replica::Replica;
use super::span::{Statement, What};
use super::sync::Purse;
use super::{Change, Command, List, ListId, Member, Standing, Summary};

/// Most lists in which we take part, or took part.
pub(super) const LISTS_MAX: usize = 64;
/// Most lists to which we are invited, or that were named to us.
const STRANGERS_MAX: usize = 32;

/// All shared lists of a peer.
#[derive(Debug)]
pub(crate) struct Lists {
    pub(super) lists: BTreeMap<ListId, Replica>,
    /// Lists that were named to us and that we do not know yet.
    pub(super) asked: BTreeMap<ListId, Asked>,
    /// What we said that is on its way to the disk.
    pub(super) writing: BTreeMap<Ticket, Writing>,
    pub(super) purses: BTreeMap<PublicKey, Purse>,
    /// When somebody is told of all lists.
    pub(super) round: Instant,
    /// What others said that is to be kept.
    pub(super) rows: Vec<Row>,
    /// Bodies that were of no form, and what was refused of lists that are here no more.
    pub(super) refused: u64,
}

/// Whom we asked after a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) from: PublicKey,
    pub(super) at: Instant,
}

/// Something of ours on its way to the disk.
#[derive(Debug)]
pub(super) struct Writing {
    pub(super) list: ListId,
    pub(super) chain: ChainId,
    pub(super) n: u32,
    pub(super) raw: Arc<[u8]>,
    pub(super) job: Job,
    pub(super) change: Change,
    /// The answer; none for that of a list in a word.
    pub(super) reply: Option<Reply>,
}

impl Lists {
    pub(crate) fn new(rows: Vec<Row>, me: PublicKey, now: Instant) -> Self {
        Self {
            lists: kept::read(rows, me, now),
            asked: BTreeMap::new(),
            writing: BTreeMap::new(),
            purses: BTreeMap::new(),
            round: now,
            rows: Vec::new(),
            refused: 0,
        }
    }

    pub(crate) fn command(&mut self, command: Command, turn: &mut Turn<'_>) -> Result<Step, Error> {
        let step = self.execute(command, turn);
        self.flush(turn);
        step
    }

    /// Somebody came.
    pub(crate) fn met(&mut self, key: PublicKey, turn: &mut Turn<'_>) {
        self.tell_hashes(&key, turn);
    }

    /// Somebody is here no longer.
    pub(crate) fn parted(&mut self, key: PublicKey, _turn: &mut Turn<'_>) {
        self.purses.remove(&key);
    }

    pub(crate) fn arrived(&mut self, arrived: &Arrived, turn: &mut Turn<'_>) {
        self.hear(arrived, turn);
        self.flush(turn);
    }

    pub(crate) fn timeout(&mut self, turn: &mut Turn<'_>) {
        self.beat(turn);
        self.flush(turn);
    }

    /// How much of what others sent was refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refused + self.lists.values().map(|replica| replica.refused).sum::<u64>()
    }

    /// When something is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        let lists = self.lists.values().filter_map(|replica| replica.pace.next()).min();
        let round = (!self.lists.is_empty()).then_some(self.round);
        [lists, round].into_iter().flatten().min()
    }

    pub(super) fn flush(&mut self, turn: &mut Turn<'_>) {
        if !self.rows.is_empty() {
            turn.keep(std::mem::take(&mut self.rows));
        }
    }

    /// True when there is place for a list of others.
    pub(super) fn has_room_for_strangers(&self) -> bool {
        let own = |replica: &&Replica| matches!(replica.standing(), Some(Standing::Joined | Standing::Left));
        self.lists.len() - self.lists.values().filter(own).count() < STRANGERS_MAX
    }

    /// Says something about who takes part, once it is on the disk.
    pub(super) fn say(&mut self, id: ListId, what: What, turn: &mut Turn<'_>) -> Result<Step, Error> {
        let random = u32::try_from(turn.random() >> 32).unwrap_or(1) | 1;
        let at = turn.unix();
        let Some(replica) = self.lists.get_mut(&id) else { return Err(Error::NotMember) };
        let (epoch, n) = replica.own_statements().unwrap_or((random, 1));
        replica.own.statements = Some(epoch);
        let change = super::log::change_of(&what);
        let place = replica.own_place(epoch, n, at);
        let statement = Statement { place, order: replica.members.next_order(), what };
        let body: Arc<[u8]> = statement.encode().into();
        let raw = turn.sign(Channel::List, &body);
        replica.push_statement(&statement, &raw, &body);
        Ok(self.write(id, (turn.me(), epoch), n, raw, change, None, turn))
    }

    /// Keeps something of ours; it is sent as soon as it is on the disk.
    #[expect(clippy::too_many_arguments, reason = "all that is to be known later")]
    pub(super) fn write(
        &mut self,
        list: ListId,
        chain: ChainId,
        n: u32,
        raw: Arc<[u8]>,
        change: Change,
        reply: Option<Reply>,
        turn: &mut Turn<'_>,
    ) -> Step {
        let row = self.lists.get(&list).and_then(|replica| replica.row(&chain, n));
        let ticket = turn.keep(row.into_iter().collect());
        let job = turn.job();
        self.writing.insert(ticket, Writing { list, chain, n, raw, job, change, reply });
        Step::Later(job)
    }

    pub(crate) fn kept(&mut self, ticket: Ticket, kept: bool, turn: &mut Turn<'_>) {
        let Some(done) = self.writing.remove(&ticket) else { return };
        let Some(replica) = self.lists.get_mut(&done.list) else {
            return turn.done(done.job, Err(Error::NotKept));
        };
        let held = replica.chains.get(&done.chain).and_then(|chain| chain.get(done.n));
        let stands = held.is_some_and(|held| held.raw == done.raw);
        if !kept || !stands {
            if stands {
                replica.take_back(done.chain, done.n);
            }
            if replica.members.creator.is_none() {
                self.lists.remove(&done.list);
            }
            return turn.done(done.job, Err(Error::NotKept));
        }
        if let Some(chain) = replica.chains.get_mut(&done.chain) {
            Chain::tell(chain, done.n);
        }
        replica.send(&done.raw, turn);
        replica.pace.news(turn);
        let reply = done.reply.unwrap_or_else(|| Reply::List(list::Reply::List(replica.summary())));
        let summary = replica.summary();
        turn.event(Event::List(list::Event::Changed { list: summary, by: done.chain.0, change: done.change.clone() }));
        turn.done(done.job, Ok(reply));
        match done.change {
            Change::Invited(key) => self.tell_hashes(&key, turn),
            Change::Opened => {
                let all: Vec<PublicKey> = turn.people.iter().map(|(key, _)| *key).collect();
                for key in all {
                    self.tell_hashes(&key, turn);
                }
            }
            Change::Joined => replica.pace.gossip = Some(turn.now),
            Change::Left => {
                self.rows.extend(replica.drops(false));
                replica.forget_edits();
            }
            Change::Created
            | Change::Added { .. }
            | Change::Moved { .. }
            | Change::Changed { .. }
            | Change::Removed { .. }
            | Change::Returned { .. } => {}
        }
        self.flush(turn);
    }
}

impl Replica {
    /// The list in a word.
    pub(super) fn summary(&self) -> Summary {
        let me = self.me();
        let creator = self.members.creator.unwrap_or(me);
        Summary {
            id: self.id,
            name: self.members.name.clone(),
            creator,
            standing: self.standing().unwrap_or(Standing::Invited),
            invited_by: self.members.invited_by(&me).filter(|_| creator != me),
            items: self.document.order().len(),
            members: self.members.joined().count(),
            open: self.members.open,
        }
    }

    /// The list whole.
    pub(super) fn show(&self) -> List {
        let mut fields = self.document.fields();
        let item = |id: &super::ItemId| super::Item {
            id: *id,
            text: self.document.text(*id),
            fields: fields.remove(id).unwrap_or_default(),
            by: self.document.birth(*id).map_or_else(|| self.me(), |birth| birth.by),
        };
        let items = self.document.order().iter().map(item).collect();
        let member = |(key, standing)| Member { key, standing, edits: self.document.edits_of(&key) as u64 };
        let members = self.members.all().take(MEMBERS_MAX * 4).map(member).collect();
        List { summary: self.summary(), items, members, refused: self.refused, rebuilt: self.rebuilt }
    }
}
