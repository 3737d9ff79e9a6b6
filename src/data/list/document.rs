//! The document of a list: what all edits together make, by the CRDT library.
//!
//! The library is never given bytes of strangers: every edit is read by us ([`Edit`]), checked, and handed over as the
//! operations that it stands for. What it makes of them is watched all the same: it may fail, and even panic.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use loro::json::{JsonChange, JsonOp, JsonOpContent, JsonSchema, MapOp, MovableListOp};
use loro::{ContainerID, ContainerType, Frontiers, ID, IdLp, IdSpan, LoroDoc, LoroMap, LoroMovableList, LoroValue};

use crate::wire::PublicKey;

use super::span::{Edit, Op};
use super::{ItemId, ListId};

const ITEMS: &str = "i";
const VALUES: &str = "v";

/// Names a chain of edits.
pub(super) type ChainId = (PublicKey, u32);

/// The document, and what is known of its edits.
pub(super) struct Document {
    doc: LoroDoc,
    items: LoroMovableList,
    values: LoroMap,
    /// What each replica did so far.
    replicas: BTreeMap<u64, Replica>,
    births: BTreeMap<ItemId, Birth>,
    /// Which item an insertion or a move placed.
    places: BTreeMap<(u64, u32), ItemId>,
    /// Items that came back when their removal was taken back, by what they were before.
    reborn: BTreeMap<ItemId, ItemId>,
    order: Vec<ItemId>,
    log: Vec<Done>,
}

#[derive(Debug)]
struct Replica {
    author: PublicKey,
    next: u32,
    /// For the first operation of each edit: its counter and its lamport.
    lamports: Vec<(u32, u32)>,
}

/// How an item came.
#[derive(Debug, Clone)]
pub(super) struct Birth {
    elem: IdLp,
    pub(super) by: PublicKey,
    text: String,
}

impl Birth {
    /// What it said at first.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// An edit that was taken into the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) lamport: u32,
    pub(super) by: PublicKey,
    pub(super) epoch: u32,
    pub(super) n: u32,
    pub(super) at: u64,
    pub(super) undoes: Option<(u32, u32)>,
    pub(super) act: Act,
}

/// What an edit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    Added { item: ItemId, at: usize },
    Moved { item: ItemId, to: usize },
    Changed { item: ItemId, text: Option<String> },
    Removed { item: ItemId },
}

/// The library failed. The document is not to be used any more.
#[derive(Debug)]
pub(super) struct Broken;

/// How somebody's replica is called in the document.
pub(super) fn replica_id(list: &ListId, chain: &ChainId) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("lsnp 1 list replica");
    hasher.update(&list.0).update(&chain.0.0).update(&chain.1.to_be_bytes());
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    // The greatest number means something else to the library.
    u64::from_be_bytes(bytes) >> 1
}

/// How the item that an edit adds is called.
pub(super) fn item_id(replica: u64, n: u32) -> ItemId {
    let mut hasher = blake3::Hasher::new_derive_key("lsnp 1 list item");
    hasher.update(&replica.to_be_bytes()).update(&n.to_be_bytes());
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    ItemId(u64::from_be_bytes(bytes))
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Document({} items, {} edits)", self.order.len(), self.log.len())
    }
}

impl Document {
    pub(super) fn new() -> Self {
        let doc = LoroDoc::new();
        let (items, values) = (doc.get_movable_list(ITEMS), doc.get_map(VALUES));
        Self {
            doc,
            items,
            values,
            replicas: BTreeMap::new(),
            births: BTreeMap::new(),
            places: BTreeMap::new(),
            reborn: BTreeMap::new(),
            order: Vec::new(),
            log: Vec::new(),
        }
    }

    /// Drops it though the library failed: then it may fail at that, too.
    pub(super) fn discard(self) {
        let Self { doc, items, values, .. } = self;
        for part in [Box::new(values) as Box<dyn Any>, Box::new(items), Box::new(doc)] {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(part)));
        }
    }

    /// The operations of an edit, when all that it follows is here.
    pub(super) fn ready(&self, replica: u64, edit: &Edit) -> Option<JsonChange> {
        let counter = self.replicas.get(&replica).map_or(0, |replica| replica.next);
        let mut lamport = 0;
        let own = counter.checked_sub(1).map(|last| (replica, last));
        for (of, at) in edit.deps.iter().copied().chain(own) {
            lamport = lamport.max(self.lamport(of, at)?.checked_add(1).filter(|lamport| *lamport < 1 << 30)?);
        }
        let mut deps: Vec<ID> = edit.deps.iter().map(|(of, at)| id(*of, *at)).collect::<Option<_>>()?;
        if let (Some((of, at)), true) = (own, edit.deps.is_empty()) {
            deps.push(id(of, at)?);
        }
        let mut ops = Vec::new();
        let mut push = |container, content| -> Option<()> {
            let at = counter.checked_add(u32::try_from(ops.len()).ok()?)?;
            ops.push(JsonOp { content, container, counter: i32::try_from(at).ok()? });
            Some(())
        };
        match &edit.op {
            Op::Add { pos, text, fields } => {
                let item = item_id(replica, edit.place.n);
                let value = vec![written(item, text)];
                push(items(), JsonOpContent::MovableList(MovableListOp::Insert { pos: *pos, value }))?;
                for (name, value) in fields {
                    push(values(), inserted(field_key(item, name), value))?;
                }
            }
            Op::Move { item, from, to } => {
                let elem_id = self.births.get(&ItemId(*item))?.elem;
                push(items(), JsonOpContent::MovableList(MovableListOp::Move { from: *from, to: *to, elem_id }))?;
            }
            Op::Set { item, text, fields } => {
                let item = ItemId(*item);
                self.births.get(&item)?;
                if let Some(text) = text {
                    push(values(), inserted(text_key(item), text))?;
                }
                for (name, value) in fields {
                    let key = field_key(item, name);
                    let deleted = || JsonOpContent::Map(MapOp::Delete { key: field_key(item, name) });
                    push(values(), value.as_ref().map_or_else(deleted, |value| inserted(key, value)))?;
                }
            }
            Op::Remove { pos, start } => {
                self.places.get(start)?;
                let start_id = id(start.0, start.1)?;
                let pos = i32::try_from(*pos).ok()?;
                push(items(), JsonOpContent::MovableList(MovableListOp::Delete { pos, len: 1, start_id }))?;
            }
        }
        let counter = i32::try_from(counter).ok()?;
        Some(JsonChange { id: ID::new(replica, counter), timestamp: 0, deps, lamport, msg: None, ops })
    }

    fn lamport(&self, replica: u64, counter: u32) -> Option<u32> {
        let replica = self.replicas.get(&replica).filter(|replica| counter < replica.next)?;
        let at = replica.lamports.partition_point(|(first, _)| *first <= counter).checked_sub(1)?;
        let (first, lamport) = replica.lamports[at];
        lamport.checked_add(counter - first)
    }

    /// Takes note of an edit whose operations are to be imported, or were made here.
    pub(super) fn note(&mut self, chain: &ChainId, replica: u64, edit: &Edit, lamport: u32) {
        let entry = self.replicas.entry(replica);
        let of = entry.or_insert_with(|| Replica { author: chain.0, next: 0, lamports: Vec::new() });
        let counter = of.next;
        of.next += edit.count();
        of.lamports.push((counter, lamport));
        let act = match &edit.op {
            Op::Add { pos, text, .. } => {
                let item = item_id(replica, edit.place.n);
                let birth = Birth { elem: IdLp::new(replica, lamport), by: chain.0, text: text.clone() };
                self.births.insert(item, birth);
                self.places.insert((replica, counter), item);
                self.note_reborn(chain, edit, item);
                Act::Added { item, at: *pos as usize }
            }
            Op::Move { item, to, .. } => {
                self.places.insert((replica, counter), ItemId(*item));
                Act::Moved { item: ItemId(*item), to: *to as usize }
            }
            Op::Set { item, text, .. } => Act::Changed { item: ItemId(*item), text: text.clone() },
            Op::Remove { start, .. } => Act::Removed { item: self.places.get(start).copied().unwrap_or(ItemId(0)) },
        };
        let (epoch, n, at) = (edit.place.epoch, edit.place.n, edit.place.at);
        self.log.push(Done { lamport, by: chain.0, epoch, n, at, undoes: edit.undoes, act });
    }

    fn note_reborn(&mut self, chain: &ChainId, edit: &Edit, item: ItemId) {
        let Some((epoch, n)) = edit.undoes else { return };
        let undone = self.log.iter().rev().find(|done| done.by == chain.0 && done.epoch == epoch && done.n == n);
        if let Some(Done { act: Act::Removed { item: before }, .. }) = undone {
            self.reborn.insert(*before, item);
        }
    }

    /// Hands operations to the library.
    ///
    /// # Errors
    /// It failed; nothing of the document is to be believed any more.
    pub(super) fn import(&mut self, changes: Vec<JsonChange>) -> Result<(), Broken> {
        let ordered = changes.iter().flat_map(|change| &change.ops).any(|op| op.container == items());
        self.import_unread(changes)?;
        if ordered { self.refresh() } else { Ok(()) }
    }

    /// The same, until [`Document::refresh`] without the order that they make.
    ///
    /// # Errors
    /// As there.
    pub(super) fn import_unread(&mut self, changes: Vec<JsonChange>) -> Result<(), Broken> {
        let doc = &self.doc;
        let import = AssertUnwindSafe(|| {
            let schema = JsonSchema { schema_version: 1, start_version: Frontiers::new(), peers: None, changes };
            let status = doc.import_json_updates(schema).map_err(|_| Broken)?;
            if status.pending.is_some() { Err(Broken) } else { Ok(()) }
        });
        catch_unwind(import).unwrap_or(Err(Broken))
    }

    /// Reads the order of the items anew.
    ///
    /// # Errors
    /// The library failed.
    pub(super) fn refresh(&mut self) -> Result<(), Broken> {
        let items = &self.items;
        let all = catch_unwind(AssertUnwindSafe(|| items.to_vec())).map_err(|_| Broken)?;
        self.order.clear();
        let mut seen = BTreeSet::new();
        for value in all {
            let item = read_id(&value).ok_or(Broken)?;
            if !seen.insert(item) {
                return Err(Broken);
            }
            self.order.push(item);
        }
        Ok(())
    }

    /// Does an edit here, as this replica: what it is to be told as, and its lamport; none when it would change nothing.
    ///
    /// # Errors
    /// The library failed.
    pub(super) fn edit(&mut self, replica: u64, n: u32, op: &Op) -> Result<Option<Made>, Broken> {
        let made = catch_unwind(AssertUnwindSafe(|| self.edit_unguarded(replica, n, op)));
        let made = made.map_err(|_| Broken)?.ok_or(Broken)?;
        self.follow(item_id(replica, n), op)?;
        Ok(Some(made).filter(|made| made.count > 0))
    }

    /// Brings the order of the items to where an edit of ours took it, whose places are those that people see.
    fn follow(&mut self, added: ItemId, op: &Op) -> Result<(), Broken> {
        let order = &mut self.order;
        let len = order.len();
        let within = |place: u32, end: usize| Some(place as usize).filter(|place| *place < end).ok_or(Broken);
        match op {
            Op::Add { pos, .. } => order.insert(within(*pos, len + 1)?, added),
            Op::Move { from, to, .. } => {
                let (from, to) = (within(*from, len)?, within(*to, len)?);
                let item = order.remove(from);
                order.insert(to, item);
            }
            Op::Set { .. } => {}
            Op::Remove { pos, .. } => drop(order.remove(within(*pos, len)?)),
        }
        debug_assert_eq!(order.as_slice(), self.items.to_vec().iter().filter_map(read_id).collect::<Vec<_>>());
        Ok(())
    }

    fn edit_unguarded(&self, replica: u64, n: u32, op: &Op) -> Option<Made> {
        self.doc.set_peer_id(replica).ok()?;
        let before = self.replicas.get(&replica).map_or(0, |replica| replica.next);
        match op {
            Op::Add { pos, text, fields } => {
                let item = item_id(replica, n);
                self.items.insert(*pos as usize, written(item, text)).ok()?;
                for (name, value) in fields {
                    self.values.insert(&field_key(item, name), value.as_str()).ok()?;
                }
            }
            Op::Move { from, to, .. } => self.items.mov(*from as usize, *to as usize).ok()?,
            Op::Set { item, text, fields } => {
                if let Some(text) = text {
                    self.values.insert(&text_key(ItemId(*item)), text.as_str()).ok()?;
                }
                for (name, value) in fields {
                    let key = field_key(ItemId(*item), name);
                    match value {
                        Some(value) => self.values.insert(&key, value.as_str()).ok()?,
                        None => self.values.delete(&key).ok()?,
                    }
                }
            }
            Op::Remove { pos, .. } => self.items.delete(*pos as usize, 1).ok()?,
        }
        self.doc.commit();
        let after = self.doc.oplog_vv().get(&replica).copied().unwrap_or(0);
        let span = IdSpan::new(replica, i32::try_from(before).ok()?, after);
        let changes = self.doc.export_json_in_id_span(span);
        let Some(change) = changes.first() else {
            return Some(Made { count: 0, lamport: 0, deps: Vec::new(), op: op.clone(), change: None });
        };
        let own = ID::new(replica, i32::try_from(before).ok()? - 1);
        let mut deps: Vec<(u64, u32)> = Vec::new();
        if change.deps != [own] {
            for dep in &change.deps {
                deps.push((dep.peer, u32::try_from(dep.counter).ok()?));
            }
            deps.sort_unstable();
        }
        // The library counts places of its own: an item that was moved leaves one behind.
        let op = match (op, &change.ops.first()?.content) {
            (Op::Add { text, fields, .. }, JsonOpContent::MovableList(MovableListOp::Insert { pos, .. })) => {
                Op::Add { pos: *pos, text: text.clone(), fields: fields.clone() }
            }
            (Op::Move { item, .. }, JsonOpContent::MovableList(MovableListOp::Move { from, to, .. })) => {
                Op::Move { item: *item, from: *from, to: *to }
            }
            (Op::Remove { .. }, JsonOpContent::MovableList(MovableListOp::Delete { pos, start_id, .. })) => {
                Op::Remove {
                    pos: u32::try_from(*pos).ok()?,
                    start: (start_id.peer, u32::try_from(start_id.counter).ok()?),
                }
            }
            (op, _) => op.clone(),
        };
        let count = u32::try_from(change.ops.len()).ok()?;
        let one = changes.len() == 1 && change.id.counter == i32::try_from(before).ok()?;
        one.then(|| Made { count, lamport: change.lamport, deps, op, change: Some(change.clone()) })
    }

    /// The items in their order.
    pub(super) fn order(&self) -> &[ItemId] {
        &self.order
    }

    pub(super) fn place_of(&self, item: ItemId) -> Option<usize> {
        self.order.iter().position(|other| *other == item)
    }

    /// How an item that came by some edit is called now.
    pub(super) fn now_called(&self, mut item: ItemId) -> ItemId {
        // Each step goes to an item that came later.
        while let Some(next) = self.reborn.get(&item) {
            item = *next;
        }
        item
    }

    pub(super) fn birth(&self, item: ItemId) -> Option<&Birth> {
        self.births.get(&item)
    }

    /// What an item says, there or not.
    pub(super) fn text(&self, item: ItemId) -> String {
        let value = self.values.get(&text_key(item)).and_then(|value| value.into_value().ok());
        match value {
            Some(LoroValue::String(text)) => text.to_string(),
            _ => self.births.get(&item).map(|birth| birth.text.clone()).unwrap_or_default(),
        }
    }

    /// All fields of all items.
    pub(super) fn fields(&self) -> BTreeMap<ItemId, BTreeMap<String, String>> {
        let mut all: BTreeMap<ItemId, BTreeMap<String, String>> = BTreeMap::new();
        self.values.for_each(|key, value| {
            let Some((item, name)) = key.split_once('.') else { return };
            let (Some(item), Ok(LoroValue::String(text))) = (ItemId::parse(item), value.into_value()) else { return };
            all.entry(item).or_default().insert(name.to_owned(), text.to_string());
        });
        all
    }

    /// One field of an item.
    pub(super) fn field(&self, item: ItemId, name: &str) -> Option<String> {
        let LoroValue::String(text) = self.values.get(&field_key(item, name))?.into_value().ok()? else { return None };
        Some(text.to_string())
    }

    /// All edits, as they came.
    pub(super) fn log(&self) -> &[Done] {
        &self.log
    }

    /// Who moved an item last, of those whose edits came.
    pub(super) fn last_mover(&self, item: ItemId) -> Option<PublicKey> {
        let moved = |done: &&Done| matches!(done.act, Act::Moved { item: moved, .. } if moved == item);
        self.log.iter().rev().find(moved).map(|done| done.by)
    }

    /// Edits of an author.
    pub(super) fn edits_of(&self, author: &PublicKey) -> usize {
        self.replicas.values().filter(|of| of.author == *author).map(|of| of.lamports.len()).sum()
    }
}

/// An edit that was done here.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) count: u32,
    pub(super) lamport: u32,
    pub(super) deps: Vec<(u64, u32)>,
    pub(super) op: Op,
    /// As the library has it.
    pub(super) change: Option<JsonChange>,
}

fn id(replica: u64, counter: u32) -> Option<ID> {
    Some(ID::new(replica, i32::try_from(counter).ok()?))
}

fn items() -> ContainerID {
    ContainerID::new_root(ITEMS, ContainerType::MovableList)
}

fn values() -> ContainerID {
    ContainerID::new_root(VALUES, ContainerType::Map)
}

fn inserted(key: String, value: &str) -> JsonOpContent {
    JsonOpContent::Map(MapOp::Insert { key, value: LoroValue::from(value) })
}

fn text_key(item: ItemId) -> String {
    item.to_string()
}

fn field_key(item: ItemId, name: &str) -> String {
    format!("{item}.{name}")
}

/// What stands in the list: the item's id, and what it said at first.
fn written(item: ItemId, text: &str) -> LoroValue {
    let mut bytes = item.0.to_be_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    LoroValue::Binary(bytes.into())
}

fn read_id(value: &LoroValue) -> Option<ItemId> {
    let LoroValue::Binary(bytes) = value else { return None };
    bytes.first_chunk().map(|id| ItemId(u64::from_be_bytes(*id)))
}
