//! Shared lists (protocol.md §11.3): edited by several at once, through bad air, walls and kills; the same at all in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lsnp::data::list::{Change, Command, Edit, Event, Invitee, Item, ItemId, List, LogEntry, Reply, Standing, Summary};
use lsnp::data::{self, Error, Step};
use lsnp::engine::{Arrived, Channel};
use lsnp::sim::{Air, HostId, Lan, ProgramId, Setup};
use lsnp::wire::PublicKey;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::run::{Run, millis, secs};

/// Does something with lists and waits until it is done.
pub(crate) fn list(lan: &mut Lan, id: ProgramId, command: Command) -> Result<Reply, Error> {
    match lan.data_done(id, data::Command::List(command), secs(5))? {
        data::Reply::List(reply) => Ok(reply),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn add(lan: &mut Lan, id: ProgramId, text: &str) -> ItemId {
    edit(lan, id, Edit::Add { text: text.into(), at: None, fields: BTreeMap::new() })
}

pub(crate) fn edit(lan: &mut Lan, id: ProgramId, edit: Edit) -> ItemId {
    match list(lan, id, Command::Edit { list: "party".into(), edit }).unwrap() {
        Reply::Edited { item, .. } => item,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn show(lan: &mut Lan, id: ProgramId) -> List {
    match list(lan, id, Command::Show { list: "party".into() }) {
        Ok(Reply::Show(list)) => list,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn texts(lan: &mut Lan, id: ProgramId) -> Vec<String> {
    show(lan, id).items.into_iter().map(|item| item.text).collect()
}

pub(crate) fn summaries(lan: &mut Lan, id: ProgramId) -> Vec<Summary> {
    match list(lan, id, Command::Summaries) {
        Ok(Reply::Summaries(all)) => all,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn log(lan: &mut Lan, id: ProgramId) -> Vec<LogEntry> {
    match list(lan, id, Command::Log { list: "party".into(), limit: 1_000 }) {
        Ok(Reply::Log(entries)) => entries,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn key(lan: &Lan, id: ProgramId) -> PublicKey {
    lan.disk(id).key().unwrap()
}

pub(crate) fn invite(lan: &mut Lan, id: ProgramId, whom: Invitee) {
    list(lan, id, Command::Invite { list: "party".into(), whom }).unwrap();
}

pub(crate) fn join(lan: &mut Lan, id: ProgramId) -> Result<Reply, Error> {
    list(lan, id, Command::Join { list: "party".into() })
}

pub(crate) fn list_events(lan: &Lan, id: ProgramId) -> Vec<Event> {
    let events = lan.data_events(id).iter().filter_map(|(_, event)| match event {
        data::Event::List(event) => Some(event.clone()),
        _ => None,
    });
    events.collect()
}

/// So many peers on a LAN, of whom nobody has a list.
pub(crate) fn crowd(seed: u64, count: usize) -> (Run, Vec<ProgramId>) {
    let (run, all, _) = crowd_on(seed, count);
    (run, all)
}

pub(crate) fn crowd_on(seed: u64, count: usize) -> (Run, Vec<ProgramId>, Vec<HostId>) {
    let mut run = Run::new(seed);
    run.capture = false;
    let hosts = run.hosts(count);
    let all = hosts.iter().enumerate().map(|(n, host)| run.start(*host, Setup::named(&format!("p{n}")).with_data()));
    let all: Vec<ProgramId> = all.collect();
    run.run_for(secs(3));
    (run, all, hosts)
}

/// So many peers that all take part in one list.
pub(crate) fn party(seed: u64, count: usize) -> (Run, Vec<ProgramId>) {
    let (run, all, _) = party_on(seed, count);
    (run, all)
}

pub(crate) fn party_on(seed: u64, count: usize) -> (Run, Vec<ProgramId>, Vec<HostId>) {
    let (mut run, all, hosts) = crowd_on(seed, count);
    list(&mut run, all[0], Command::New { name: "party".into() }).unwrap();
    invite(&mut run, all[0], Invitee::All);
    for id in &all[1..] {
        let id = *id;
        let invited = run.run_while(secs(30), millis(20), |lan| {
            lan.data_events(id).iter().any(|(_, event)| matches!(event, data::Event::List(Event::Invited(_))))
        });
        assert!(invited, "{id:?} is invited");
        join(&mut run, id).unwrap();
    }
    let joined = wait(&mut run, &all, secs(60), |lan, id| show(lan, id).summary.members == count);
    assert!(joined, "all know that all take part");
    (run, all, hosts)
}

/// Lets time go by until something holds at all.
pub(crate) fn wait(
    run: &mut Run,
    all: &[ProgramId],
    limit: Duration,
    holds: impl Fn(&mut Lan, ProgramId) -> bool,
) -> bool {
    let end = run.now() + limit;
    loop {
        if all.iter().all(|id| holds(run, *id)) {
            return true;
        }
        if run.now() >= end {
            return false;
        }
        run.run_for(millis(20));
    }
}

/// True when all of them show the same list, and know of the same edits.
pub(crate) fn agree(run: &mut Run, all: &[ProgramId], limit: Duration) -> bool {
    let end = run.now() + limit;
    let known = |run: &mut Run, id: ProgramId| {
        let list = show(run, id);
        let edits: BTreeMap<PublicKey, u64> = list.members.iter().map(|member| (member.key, member.edits)).collect();
        (list.items, edits)
    };
    loop {
        let first = known(run, all[0]);
        if all[1..].iter().all(|id| known(run, *id) == first) {
            return true;
        }
        if run.now() >= end {
            return false;
        }
        run.run_for(millis(100));
    }
}

pub(crate) fn item(items: &[Item], text: &str) -> ItemId {
    items.iter().find(|item| item.text == text).unwrap_or_else(|| panic!("{text} in {items:?}")).id
}

#[test]
fn one_edit_is_shown_by_all_who_take_part() {
    let (mut run, all) = party(1, 3);
    let began = run.now();
    let song = add(&mut run, all[1], "Dancing Queen");
    for id in &all {
        run.run_for(millis(2));
        assert_eq!(texts(&mut run, *id), ["Dancing Queen"]);
    }
    eprintln!("shown by all after {:?}", run.now().since(began));
    assert_eq!(show(&mut run, all[0]).items[0].id, song);
    assert_eq!(show(&mut run, all[0]).items[0].by, key(&run, all[1]));
    let told = list_events(&run, all[2]);
    let by = key(&run, all[1]);
    assert!(matches!(told.last(), Some(Event::Changed { by: author, change: Change::Added { text, .. }, .. })
        if *author == by && text == "Dancing Queen"));
}

#[test]
fn nobody_edits_a_list_without_being_a_member() {
    let (mut run, all) = crowd(2, 3);
    list(&mut run, all[0], Command::New { name: "party".into() }).unwrap();
    add(&mut run, all[0], "one");
    let bob = key(&run, all[1]);
    invite(&mut run, all[0], Invitee::Key(bob));
    run.run_for(secs(1));
    assert_eq!(summaries(&mut run, all[1])[0].standing, Standing::Invited);
    assert_eq!(summaries(&mut run, all[2]), []);
    assert_eq!(join(&mut run, all[2]), Err(Error::Unknown { what: "list", name: "party".into() }));
    let early = Edit::Add { text: "two".into(), at: None, fields: BTreeMap::new() };
    let early = Command::Edit { list: "party".into(), edit: early };
    assert_eq!(list(&mut run, all[1], early), Err(Error::NotMember));
    join(&mut run, all[1]).unwrap();
    assert!(wait(&mut run, &all[..2], secs(5), |lan, id| texts(lan, id) == ["one"]));
    add(&mut run, all[1], "two");
    assert!(wait(&mut run, &all[..2], secs(5), |lan, id| texts(lan, id) == ["one", "two"]));
    assert_eq!(summaries(&mut run, all[2]), []);
}

#[test]
fn what_is_refused_is_counted() {
    let (mut run, all) = party(9, 2);
    let stranger = PublicKey([7; 32]);
    let id = show(&mut run, all[0]).summary.id;
    // An addition of "x", the first of its author.
    let edit = [&[0x96, 0, 0xc4, 16], &id.0[..], &[2, 1, 0, 0, 0x92, 0x90, 0xc0, 0x93, 0, 0xa1, b'x', 0x80]].concat();
    for body in [edit, b"of no form".to_vec()] {
        let body: Arc<[u8]> = body.into();
        let raw = Some(Arc::clone(&body));
        let (author, from, channel) = (stranger, key(&run, all[1]), Channel::List);
        run.inject_data(all[0], Arrived { author, from, channel, body, raw, carried: true });
    }
    let list = show(&mut run, all[0]);
    assert_eq!((list.refused, list.items), (1, Vec::new()));
    let told = run.data(all[0], data::Command::Refused);
    assert!(matches!(told, Ok(Step::Now(data::Reply::Refused([(Channel::List, 2), _, _])))), "{told:?}");
}

#[test]
fn who_leaves_forgets_the_list_and_may_join_again() {
    let (mut run, all) = party(3, 3);
    add(&mut run, all[1], "one");
    assert!(wait(&mut run, &all, secs(5), |lan, id| texts(lan, id) == ["one"]));
    list(&mut run, all[1], Command::Leave { list: "party".into() }).unwrap();
    run.run_for(secs(30));
    assert_eq!(summaries(&mut run, all[1]), []);
    assert_eq!(show(&mut run, all[0]).summary.members, 2);
    add(&mut run, all[0], "two");
    run.run_for(secs(30));
    assert_eq!(texts(&mut run, all[1]), [""; 0]);
    run.restart(all[1]);
    run.run_for(secs(5));
    join(&mut run, all[1]).unwrap();
    assert!(wait(&mut run, &all, secs(5), |lan, id| texts(lan, id) == ["one", "two"]));
    add(&mut run, all[1], "three");
    assert!(wait(&mut run, &all, secs(5), |lan, id| texts(lan, id) == ["one", "two", "three"]));
}

#[test]
fn a_move_beats_a_removal_and_that_is_told() {
    let (mut run, all) = party(4, 2);
    for text in ["one", "two", "three"] {
        add(&mut run, all[0], text);
    }
    assert!(wait(&mut run, &all, secs(5), |lan, id| texts(lan, id).len() == 3));
    let one = item(&show(&mut run, all[0]).items, "one");
    let mover = key(&run, all[1]);
    run.air = Air { loss: 1.0, ..Air::default() };
    edit(&mut run, all[0], Edit::Remove { item: one });
    edit(&mut run, all[1], Edit::Move { item: one, to: 2 });
    assert_eq!(texts(&mut run, all[0]), ["two", "three"]);
    run.air = Air::default();
    assert!(wait(&mut run, &all, secs(20), |lan, id| texts(lan, id) == ["two", "three", "one"]));
    for id in &all {
        let events = list_events(&run, *id);
        let told = events.iter().filter_map(|event| match event {
            Event::Changed { change: Change::Returned { item, .. }, by, .. } if *item == one => Some(*by),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), [mover], "{id:?}: {events:?}");
        let log = log(&mut run, *id);
        let returned: Vec<_> = log.iter().filter(|entry| matches!(entry.change, Change::Returned { .. })).collect();
        assert!(!returned.is_empty() && returned.iter().all(|entry| entry.by == mover), "{log:?}");
    }
}

#[test]
fn edits_are_taken_back_by_what_they_meant_after_a_restart_too() {
    let (mut run, all) = party(5, 2);
    let undo = |run: &mut Run| list(run, all[0], Command::Undo { list: "party".into() });
    for text in ["one", "two", "three"] {
        add(&mut run, all[0], text);
    }
    let before = show(&mut run, all[0]).items;
    let [one, two, three] = [before[0].id, before[1].id, before[2].id];
    edit(&mut run, all[0], Edit::Move { item: one, to: 2 });
    let fields = BTreeMap::from([("artist".to_owned(), Some("ABBA".to_owned()))]);
    edit(&mut run, all[0], Edit::Set { item: two, text: Some("zwei".into()), fields });
    edit(&mut run, all[0], Edit::Remove { item: two });
    run.run_for(millis(20));
    add(&mut run, all[1], "by somebody else");
    assert!(agree(&mut run, &all, secs(5)));
    assert_eq!(texts(&mut run, all[0]), ["three", "one", "by somebody else"]);
    run.restart(all[0]);
    run.run_for(secs(3));
    undo(&mut run).unwrap();
    assert_eq!(texts(&mut run, all[0]), ["zwei", "three", "one", "by somebody else"]);
    assert_eq!(show(&mut run, all[0]).items[0].fields["artist"], "ABBA");
    undo(&mut run).unwrap();
    assert_eq!(texts(&mut run, all[0]), ["two", "three", "one", "by somebody else"]);
    assert!(show(&mut run, all[0]).items[0].fields.is_empty());
    undo(&mut run).unwrap();
    assert_eq!(texts(&mut run, all[0]), ["one", "two", "three", "by somebody else"]);
    undo(&mut run).unwrap();
    assert_eq!(texts(&mut run, all[0]), ["one", "two", "by somebody else"]);
    undo(&mut run).unwrap();
    undo(&mut run).unwrap();
    assert_eq!(undo(&mut run), Err(Error::NothingToUndo));
    assert!(wait(&mut run, &all, secs(5), |lan, id| texts(lan, id) == ["by somebody else"]));
    let log = log(&mut run, all[1]);
    assert_eq!(log.iter().filter(|entry| entry.undone).count(), 6, "{log:?}");
    let _ = three;
}

#[test]
fn a_list_survives_a_restart_and_what_is_not_on_the_disk_was_never_said() {
    let (mut run, all) = party(6, 2);
    for n in 0..20 {
        add(&mut run, all[n % 2], &format!("item {n}"));
    }
    assert!(wait(&mut run, &all, secs(5), |lan, id| texts(lan, id).len() == 20));
    let before = show(&mut run, all[0]);
    run.turn_disk(all[0], lsnp::sim::DiskState::Full);
    let more = Edit::Add { text: "never".into(), at: None, fields: BTreeMap::new() };
    let more = Command::Edit { list: "party".into(), edit: more };
    assert_eq!(list(&mut run, all[0], more), Err(Error::NotKept));
    run.run_for(secs(20));
    assert_eq!(show(&mut run, all[0]).items, before.items);
    assert_eq!(show(&mut run, all[1]).items, before.items);
    run.turn_disk(all[0], lsnp::sim::DiskState::Writes(millis(1)));
    run.restart(all[0]);
    assert_eq!(show(&mut run, all[0]).items, before.items);
    run.run_for(secs(3));
    add(&mut run, all[0], "again");
    assert!(wait(&mut run, &all, secs(5), |lan, id| texts(lan, id).len() == 21));
}

/// What one run is to do.
pub(crate) struct Plan {
    pub(crate) peers: usize,
    pub(crate) rounds: usize,
    pub(crate) air: Air,
    /// Some are set back to what they had before, now and then.
    pub(crate) backups: bool,
}

/// A random run; then all is calm, and all agree.
pub(crate) fn random_run(seed: u64, plan: &Plan) {
    let (mut run, all, hosts) = party_on(seed, plan.peers);
    let mut rng = StdRng::seed_from_u64(seed);
    run.keep_events = false;
    run.air = plan.air;
    let mut jobs = Vec::new();
    let mut killed: BTreeMap<ProgramId, usize> = BTreeMap::new();
    let mut backups = BTreeMap::new();
    for round in 0..plan.rounds {
        let id = all[rng.random_range(0..all.len())];
        if run.is_running(id) {
            let items = show(&mut run, id).items;
            let pick = |rng: &mut StdRng| items[rng.random_range(0..items.len())].id;
            let command = match rng.random_range(0..10) {
                0..4 => {
                    let at = rng.random_bool(0.5).then(|| rng.random_range(0..=items.len()));
                    let fields =
                        if rng.random_bool(0.3) { [("by".to_owned(), id_text(id))].into() } else { BTreeMap::new() };
                    Some(Edit::Add { text: format!("item {round}"), at, fields })
                }
                4..7 if !items.is_empty() => {
                    Some(Edit::Move { item: pick(&mut rng), to: rng.random_range(0..items.len()) })
                }
                7 if !items.is_empty() => {
                    let fields = BTreeMap::from([("f".to_owned(), rng.random_bool(0.7).then(|| format!("{round}")))]);
                    let text = rng.random_bool(0.7).then(|| format!("set {round}"));
                    Some(Edit::Set { item: pick(&mut rng), text, fields })
                }
                8 if !items.is_empty() => Some(Edit::Remove { item: pick(&mut rng) }),
                _ => None,
            };
            let command = match command {
                Some(edit) => Command::Edit { list: "party".into(), edit },
                None => Command::Undo { list: "party".into() },
            };
            match run.data(id, data::Command::List(command)) {
                Ok(Step::Later(job)) => jobs.push((id, job)),
                Ok(Step::Now(_)) | Err(Error::NothingToUndo) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        match rng.random_range(0..20) {
            0 => {
                let cells = rng.random_range(2..4);
                for host in &hosts {
                    run.wall_off(&[*host], rng.random_range(0..cells));
                }
            }
            1 => run.wall_off(&hosts, 0),
            2 if killed.len() + 1 < all.len() => {
                run.kill_in(id, rng.random_range(0..6));
                killed.insert(id, round);
            }
            3 if plan.backups && !killed.contains_key(&id) => {
                backups.insert(id, run.disk(id).clone());
            }
            4 if plan.backups && !killed.contains_key(&id) => {
                if let Some(disk) = backups.get(&id) {
                    run.restart_from(id, disk.clone());
                }
            }
            _ => {}
        }
        let due: Vec<ProgramId> = killed.iter().filter(|(_, at)| **at + 6 < round).map(|(id, _)| *id).collect();
        for id in due {
            killed.remove(&id);
            run.restart(id);
        }
        run.run_for(Duration::from_micros(rng.random_range(0..60_000)));
    }
    run.wall_off(&hosts, 0);
    run.air = Air::default();
    for id in killed.into_keys() {
        run.restart(id);
    }
    assert!(agree(&mut run, &all, secs(120)), "{}", difference(&mut run, &all));
    if !plan.backups {
        exactly_once(&mut run, &all);
    }
}

fn id_text(id: ProgramId) -> String {
    format!("{id:?}")
}

fn difference(run: &mut Run, all: &[ProgramId]) -> String {
    let mut text = String::new();
    for id in all {
        let list = show(run, *id);
        let edits: Vec<u64> = list.members.iter().map(|member| member.edits).collect();
        text.push_str(&format!("{id:?}: {} items, edits {edits:?}, refused {}\n", list.items.len(), list.refused));
    }
    text
}

/// By the log, which is the same at all: each item that was added is there once, unless it was removed.
fn exactly_once(run: &mut Run, all: &[ProgramId]) {
    let list = show(run, all[0]);
    assert_eq!(list.rebuilt, 0);
    let here: BTreeSet<ItemId> = list.items.iter().map(|item| item.id).collect();
    assert_eq!(here.len(), list.items.len(), "nothing is there twice");
    let (mut added, mut removed) = (BTreeSet::new(), BTreeSet::new());
    let first = log(run, all[0]);
    for entry in &first {
        match entry.change {
            Change::Added { item, .. } => assert!(added.insert(item), "added twice"),
            Change::Removed { item, .. } => {
                removed.insert(item);
            }
            Change::Returned { item, .. } => {
                removed.remove(&item);
            }
            _ => {}
        }
    }
    let expected: BTreeSet<ItemId> = added.difference(&removed).copied().collect();
    assert_eq!(here, expected, "nothing is lost, nothing comes from nowhere");
    for id in &all[1..] {
        let other = log(run, *id);
        let edits = |log: &[LogEntry]| -> Vec<LogEntry> {
            log.iter().filter(|entry| !matches!(entry.change, Change::Joined | Change::Opened)).cloned().collect()
        };
        assert_eq!(edits(&other), edits(&first));
    }
}

pub(crate) fn bad() -> Air {
    Air { loss: 0.4, duplicate: 0.1, jitter: millis(2), ..Air::default() }
}

/// So many seeds; for the nightly run the environment says how many.
fn seeds(usual: u64) -> u64 {
    std::env::var("LISTS_SEEDS")
        .ok()
        .and_then(|text| text.parse::<u64>().ok())
        .map_or(usual, |all| all.div_ceil(4).max(1))
}

fn random_runs(peers: usize, rounds: usize, usual: u64) {
    let usual = if cfg!(debug_assertions) { usual.div_ceil(10) } else { usual };
    let first = std::env::var("LISTS_FIRST").ok().and_then(|text| text.parse().ok()).unwrap_or(1_u64);
    for seed in first..first + seeds(usual) {
        random_run(seed * 1_000 + peers as u64, &Plan { peers, rounds, air: bad(), backups: false });
    }
}

#[test]
fn three_who_edit_at_random_through_bad_air_agree() {
    random_runs(3, 60, 90);
}

#[test]
fn five_who_edit_at_random_through_bad_air_agree() {
    random_runs(5, 60, 60);
}

#[test]
fn ten_who_edit_at_random_through_bad_air_agree() {
    random_runs(10, 60, 35);
}

#[test]
fn twenty_who_edit_at_random_through_bad_air_agree() {
    random_runs(20, 60, 15);
}
