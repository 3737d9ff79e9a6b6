//! What users and programs want of lists.

use std::sync::Arc;

use crate::data::{Error, Reply, Step, Turn, list};
use crate::engine::Channel;
use crate::wire::PublicKey;

use super::document::{item_id, replica_id};
use super::machine::{LISTS_MAX, Lists};
use super::replica::Replica;
use super::span::{self, Op, Place, Statement, What, check_fields, check_name, check_text};
use super::undo::Inverse;
use super::{Change, Command, Edit, Invitee, ItemId, ListId, Standing, Summary};

/// Most items of a list.
pub(super) const ITEMS_MAX: usize = 10_000;
/// Most entries of a log that are told at once.
const LOG_MAX: usize = 10_000;

impl Lists {
    pub(super) fn execute(&mut self, command: Command, turn: &mut Turn<'_>) -> Result<Step, Error> {
        match command {
            Command::New { name } => self.create(&name, turn),
            Command::Edit { list, edit } => {
                let id = self.find_joined(&list)?;
                self.edit(id, &edit, None, turn)
            }
            Command::Invite { list, whom } => {
                let id = self.find_joined(&list)?;
                self.invite(id, whom, turn)
            }
            Command::Join { list } => {
                let id = self.find(&list)?;
                if self.replica(id)?.is_joined() {
                    return Ok(now(list::Reply::List(self.replica(id)?.summary())));
                }
                self.check_room()?;
                self.say(id, What::Join, turn)
            }
            Command::Leave { list } => {
                let id = self.find_joined(&list)?;
                self.say(id, What::Leave, turn)
            }
            Command::Undo { list } => {
                let id = self.find_joined(&list)?;
                let (edit, undone) = self.replica(id)?.newest_to_undo(&turn.me())?;
                self.edit(id, &edit, Some(undone), turn)
            }
            Command::Summaries => {
                let all = self
                    .lists
                    .values()
                    .filter(|replica| matches!(replica.standing(), Some(Standing::Joined | Standing::Invited)));
                let mut all: Vec<Summary> = all.map(Replica::summary).collect();
                all.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
                Ok(now(list::Reply::Summaries(all)))
            }
            Command::Show { list } => {
                let id = self.find(&list)?;
                let replica = self.replica_mut(id)?;
                replica.settle();
                Ok(now(list::Reply::Show(replica.show())))
            }
            Command::Log { list, limit } => {
                let id = self.find(&list)?;
                Ok(now(list::Reply::Log(self.replica(id)?.entries(limit.min(LOG_MAX)))))
            }
        }
    }

    fn replica(&self, id: ListId) -> Result<&Replica, Error> {
        self.lists.get(&id).ok_or(Error::NotMember)
    }

    fn replica_mut(&mut self, id: ListId) -> Result<&mut Replica, Error> {
        self.lists.get_mut(&id).ok_or(Error::NotMember)
    }

    /// The list of this name, of `name#1234`, or of this id; those in which we take part before the others.
    fn find(&self, name: &str) -> Result<ListId, Error> {
        let known = |replica: &&Replica| replica.standing().is_some();
        if let Some(id) = ListId::parse(name)
            && self.lists.get(&id).as_ref().is_some_and(known)
        {
            return Ok(id);
        }
        let (bare, digits) = name.split_once('#').map_or((name, ""), |(bare, digits)| (bare, digits));
        let fits = |replica: &&Replica| replica.members.name == bare && replica.id.to_string().starts_with(digits);
        for standing in [Standing::Joined, Standing::Invited, Standing::Left] {
            let all: Vec<&Replica> =
                self.lists.values().filter(|one| one.standing() == Some(standing)).filter(fits).collect();
            match all[..] {
                [] => {}
                [one] => return Ok(one.id),
                _ => {
                    let digits = |one: &&Replica| format!("{bare}#{}", one.id.to_string().get(..8).unwrap_or_default());
                    let candidates = all.iter().map(digits).collect();
                    return Err(Error::Ambiguous { what: "list", name: name.to_owned(), candidates });
                }
            }
        }
        Err(Error::Unknown { what: "list", name: name.to_owned() })
    }

    fn find_joined(&self, name: &str) -> Result<ListId, Error> {
        let id = self.find(name)?;
        if self.replica(id)?.is_joined() { Ok(id) } else { Err(Error::NotMember) }
    }

    /// Makes place for one more list in which we take part: the first that we left goes.
    fn check_room(&mut self) -> Result<(), Error> {
        let count = |standing| self.lists.values().filter(|one| one.standing() == Some(standing)).count();
        if count(Standing::Joined) >= LISTS_MAX {
            return Err(Error::Full { what: "lists", max: LISTS_MAX, advice: "leave one first" });
        }
        if count(Standing::Joined) + count(Standing::Left) >= LISTS_MAX {
            let left = self.lists.values().find(|one| one.standing() == Some(Standing::Left)).map(|one| one.id);
            if let Some(replica) = left.and_then(|id| self.lists.remove(&id)) {
                self.rows.extend(replica.drops(true));
            }
        }
        Ok(())
    }

    fn create(&mut self, name: &str, turn: &mut Turn<'_>) -> Result<Step, Error> {
        check_name(name)?;
        self.check_room()?;
        let epoch = u32::try_from(turn.random() >> 32).unwrap_or(1) | 1;
        let place = Place { list: ListId([0; 16]), epoch, n: 1, before: 0, at: turn.unix() };
        let statement = Statement { place, order: 1, what: What::Create(name.to_owned()) };
        let body: Arc<[u8]> = statement.encode().into();
        let raw = turn.sign(Channel::List, &body);
        let id = ListId::of(&raw);
        let mut replica = Replica::new(id, turn.me(), turn.now);
        replica.own.statements = Some(epoch);
        replica.push_statement(&statement, &raw, &body);
        self.lists.insert(id, replica);
        Ok(self.write(id, (turn.me(), epoch), 1, raw, Change::Created, None, turn))
    }

    fn invite(&mut self, id: ListId, whom: Invitee, turn: &mut Turn<'_>) -> Result<Step, Error> {
        let replica = self.replica(id)?;
        let what = match whom {
            Invitee::All if replica.members.open => None,
            Invitee::All => Some(What::Open),
            Invitee::Key(key) => {
                let known: Option<PublicKey> = replica.members.invited_by(&key);
                (known.is_none() && replica.members.creator != Some(key)).then_some(What::Invite(key))
            }
        };
        match what {
            Some(what) if !replica.members.may_say(&turn.me(), &what) => {
                Err(Error::Full { what: "invitations", max: 1_024, advice: "make the list open to all" })
            }
            Some(what) => self.say(id, what, turn),
            None => {
                // Said already: it is told again to whom it concerns.
                let summary = replica.summary();
                if let Invitee::Key(key) = whom {
                    self.tell_hashes(&key, turn);
                }
                Ok(now(list::Reply::List(summary)))
            }
        }
    }

    pub(super) fn edit(
        &mut self,
        id: ListId,
        edit: &Edit,
        undoes: Option<(u32, u32)>,
        turn: &mut Turn<'_>,
    ) -> Result<Step, Error> {
        let random = u32::try_from(turn.random() >> 32).unwrap_or(0) & !1;
        let (me, at) = (turn.me(), turn.unix());
        let replica = self.replica_mut(id)?;
        replica.settle();
        let op = replica.op(edit)?;
        if !replica.has_room() {
            let max = super::replica::SPANS_MAX;
            return Err(Error::Full { what: "edits of that list", max, advice: "go on with a new list" });
        }
        let Some(op) = op else {
            let (Edit::Move { item, .. } | Edit::Set { item, .. } | Edit::Remove { item }) = edit else {
                return Err(Error::Bad("there is nothing to add"));
            };
            let change = Change::Changed { item: *item, text: replica.document.text(*item) };
            return Ok(now(list::Reply::Edited { item: *item, change }));
        };
        let (epoch, n) = replica.own_edits().unwrap_or((random, 1));
        replica.own.edits = Some(epoch);
        let chain = (me, epoch);
        let called = replica_id(&id, &chain);
        let inverse = Inverse::of(&op, &replica.document, item_id(called, n));
        let made = match replica.document.edit(called, n, &op) {
            Ok(Some(made)) => made,
            Ok(None) => return Err(Error::Bad("that would change nothing")),
            Err(_) => {
                replica.rebuild(&[]);
                return Err(Error::Bad("that edit failed, and the list was rebuilt: try again"));
            }
        };
        let edit = span::Edit { place: replica.own_place(epoch, n, at), deps: made.deps, undoes, op: made.op };
        debug_assert_eq!(
            replica.document.ready(called, &edit).map(|change| format!("{change:?}")),
            made.change.map(|change| format!("{change:?}")),
            "others do the same"
        );
        let body: Arc<[u8]> = edit.encode().into();
        let raw = turn.sign(Channel::List, &body);
        replica.push_edit(&edit, made.lamport, &raw, &body);
        if let Some(inverse) = inverse {
            replica.inverses.insert((epoch, n), inverse);
        }
        let change = replica.document.log().last().map_or(Change::Created, |done| replica.last_change(&done.act));
        let (Change::Added { item, .. }
        | Change::Moved { item, .. }
        | Change::Changed { item, .. }
        | Change::Removed { item, .. }) = change
        else {
            return Err(Error::Bad("there is no such edit"));
        };
        let reply = Reply::List(list::Reply::Edited { item, change: change.clone() });
        Ok(self.write(id, chain, n, raw, change, Some(reply), turn))
    }
}

impl Replica {
    /// The operation that an edit stands for, as the list is now; none when it would change nothing.
    fn op(&self, edit: &Edit) -> Result<Option<Op>, Error> {
        let order = self.document.order();
        let place = |item: &ItemId| {
            let place = self.document.place_of(*item).and_then(|place| u32::try_from(place).ok());
            place.ok_or_else(|| Error::Unknown { what: "item", name: item.to_string() })
        };
        Ok(match edit {
            Edit::Add { text, at, fields } => {
                check_text(text)?;
                check_fields(fields.iter().map(|(name, value)| (name, Some(value))))?;
                if order.len() >= ITEMS_MAX {
                    return Err(Error::Full { what: "items", max: ITEMS_MAX, advice: "remove some first" });
                }
                let pos = at.unwrap_or(usize::MAX).min(order.len());
                let pos = u32::try_from(pos).unwrap_or(u32::MAX);
                Some(Op::Add { pos, text: text.clone(), fields: fields.clone() })
            }
            Edit::Move { item, to } => {
                let from = place(item)?;
                let to = u32::try_from((*to).min(order.len().saturating_sub(1))).unwrap_or(u32::MAX);
                (from != to).then_some(Op::Move { item: item.0, from, to })
            }
            Edit::Set { item, text, fields } => {
                place(item)?;
                text.as_deref().map_or(Ok(()), check_text)?;
                check_fields(fields.iter().map(|(name, value)| (name, value.as_ref())))?;
                let text = text.clone().filter(|text| *text != self.document.text(*item));
                let other = |(name, value): &(&String, &Option<String>)| self.document.field(*item, name) != **value;
                let fields = fields.iter().filter(other).map(|(name, value)| (name.clone(), value.clone())).collect();
                let op = Op::Set { item: item.0, text, fields };
                Some(op).filter(|op| !matches!(op, Op::Set { text: None, fields, .. } if fields.is_empty()))
            }
            Edit::Remove { item } => Some(Op::Remove { pos: place(item)?, start: (0, 0) }),
        })
    }
}

fn now(reply: list::Reply) -> Step {
    Step::Now(Reply::List(reply))
}
