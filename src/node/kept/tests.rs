//! Kills, full disks and broken files.

use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::*;
use crate::engine::Secret;
use crate::node::files::Scratch;
use crate::wire::{Octets, PieceHash, Prekey};

const ME: PublicKey = PublicKey([1; 32]);

fn open(scratch: &Scratch) -> (Keeper, Kept, Vec<Notice>) {
    Keeper::open(Some(&scratch.0), ME).unwrap()
}

fn contact(number: u8) -> Contact {
    Contact {
        key: PublicKey([number; 32]),
        name: format!("peer{number}"),
        display_name: Some("\u{1f9a4}".repeat(32)),
        verified: number.is_multiple_of(2),
        changed: false,
        blocked: true,
        muted: false,
        sid: Octets(3),
        seq: 7,
        ceiling: 7,
        prekey: Some(Prekey { id: 1, key: [255; 32] }),
        first: 1_700_000_000,
        last: 1_800_000_000,
        ip: Ipv4Addr::new(192, 168, 1, number),
    }
}

fn heard(number: u8, sid: u64, seq: u64) -> Record {
    Record::Heard { key: PublicKey([number; 32]), sid: Octets(sid), seq }
}

fn known(number: u8) -> Record {
    Record::Contact(Box::new(contact(number)))
}

/// Writes them whole, whether that is due or not.
fn write_contacts(keeper: &mut Keeper) {
    keeper.waiting.contacts = true;
    assert_eq!(keeper.write(), None);
    assert!(!keeper.waiting.contacts);
}

fn prekeys() -> Vec<OwnPrekey> {
    vec![OwnPrekey { public: Prekey { id: 9, key: [2; 32] }, secret: Secret([3; 32]), made: 5 }]
}

fn posted(number: u64) -> Posted {
    Posted { number, last: Some(PieceHash([4; 16])), lamport: number + 2 }
}

#[test]
fn everything_survives_a_kill() {
    let scratch = Scratch::new();
    let (mut keeper, kept, notices) = open(&scratch);
    assert!(notices.is_empty(), "{notices:?}");
    assert_eq!(kept, Kept { leased: 1..1 + LEASE, ..Kept::default() });
    let records = [
        Record::Prekeys(prekeys()),
        Record::Posted(posted(1)),
        known(2),
        known(3),
        heard(2, 3, 9),
        heard(2, 3, 8),
        heard(3, 4, 1),
        heard(9, 1, 1),
        known(4),
        Record::Forgotten(PublicKey([4; 32])),
        Record::Lease(1 + 2 * LEASE),
        Record::Posted(posted(2)),
    ];
    for record in records {
        assert_eq!(keeper.keep(record), None);
    }
    // Killed: nothing is written at the end.
    std::mem::forget(keeper);

    let (mut keeper, kept, notices) = open(&scratch);
    assert!(notices.is_empty(), "{notices:?}");
    assert_eq!(kept.leased, 1 + 2 * LEASE..1 + 3 * LEASE);
    assert_eq!((kept.prekeys, kept.posted), (prekeys(), posted(2)));
    let second = Contact { sid: Octets(4), seq: 1, ceiling: 7, ..contact(3) };
    assert_eq!(kept.contacts, [Contact { seq: 9, ceiling: 9, ..contact(2) }, second]);

    keeper.keep(heard(3, 4, 2));
    assert_eq!(keeper.write(), None);
    drop(keeper);
    assert_eq!(open(&scratch).1.contacts[1].seq, 2);
}

#[test]
fn a_kill_at_any_byte_of_the_journal_loses_that_entry_alone() {
    let scratch = Scratch::new();
    let (mut keeper, ..) = open(&scratch);
    keeper.keep(known(2));
    write_contacts(&mut keeper);
    let mut ends = Vec::new();
    for seq in 8..13 {
        keeper.keep(heard(2, 3, seq));
        ends.push(fs::metadata(scratch.0.join("journal")).unwrap().len());
    }
    let journal = fs::read(scratch.0.join("journal")).unwrap();
    let contacts = fs::read(scratch.0.join("contacts")).unwrap();
    for length in 0..=journal.len() {
        fs::write(scratch.0.join("journal"), &journal[..length]).unwrap();
        fs::write(scratch.0.join("contacts"), &contacts).unwrap();
        let (_, kept, notices) = open(&scratch);
        assert!(notices.is_empty(), "{notices:?}");
        let whole = ends.iter().filter(|end| **end <= length as u64).count() as u64;
        assert_eq!(kept.contacts[0].seq, 7 + whole, "{length}");
    }
}

#[test]
fn a_kill_between_contacts_and_journal_changes_nothing() {
    let scratch = Scratch::new();
    let (mut keeper, ..) = open(&scratch);
    for record in [known(2), heard(2, 8, 1), known(3), heard(2, 3, 4), Record::Forgotten(PublicKey([3; 32]))] {
        keeper.keep(record);
    }
    let journal = fs::read(scratch.0.join("journal")).unwrap();
    write_contacts(&mut keeper);
    drop(keeper);
    assert!(!scratch.0.join("journal").exists());
    fs::write(scratch.0.join("journal"), journal).unwrap();
    assert_eq!(open(&scratch).1.contacts, [Contact { seq: 4, ..contact(2) }]);
}

#[test]
fn a_long_journal_goes_into_the_contacts_in_the_background() {
    let scratch = Scratch::new();
    let (mut keeper, ..) = open(&scratch);
    for number in 0..100 {
        keeper.keep(known(number));
    }
    let (mut rounds, mut pending): (u32, Option<Box<dyn FnOnce() + Send>>) = (0, None);
    for seq in 0..20_000 {
        assert_eq!(keeper.keep(heard((seq % 100) as u8, 5, seq)), None);
        if seq % 1_000 == 999 {
            assert_eq!(keeper.write(), None);
            // The disk is slow: what comes meanwhile is kept, too.
            pending.take().into_iter().for_each(|work| work());
            pending = keeper.in_background();
            rounds += u32::from(scratch.0.join("journal.old").exists());
        }
    }
    let length = fs::metadata(scratch.0.join("journal")).map_or(0, |found| found.len());
    assert!(rounds >= 3 && length < 2 * JOURNAL_LONG, "{rounds} {length}");
    std::mem::forget(keeper);
    let (_, kept, _) = open(&scratch);
    assert!(kept.contacts.iter().enumerate().all(|(at, contact)| contact.seq == 19_900 + at as u64));
}

#[test]
fn a_kill_while_the_contacts_are_written_loses_nothing() {
    let scratch = Scratch::new();
    let (mut keeper, ..) = open(&scratch);
    keeper.keep(known(2));
    keeper.keep(heard(2, 9, 1));
    keeper.waiting.long = true;
    let work = keeper.in_background().unwrap();
    keeper.keep(heard(2, 10, 5));
    assert!(keeper.is_waiting() && keeper.in_background().is_none(), "one after the other");
    std::mem::forget((keeper, work));
    assert!(scratch.0.join("journal.old").exists());
    let (_, kept, _) = open(&scratch);
    assert_eq!((kept.contacts[0].sid, kept.contacts[0].seq), (Octets(10), 5));
    assert!(!scratch.0.join("journal.old").exists());
}

#[test]
fn contacts_that_could_not_be_written_in_the_background_are_written_later() {
    let scratch = Scratch::new();
    let (mut keeper, ..) = open(&scratch);
    keeper.keep(known(2));
    fs::create_dir(scratch.0.join("contacts.new")).unwrap();
    keeper.waiting.long = true;
    keeper.in_background().unwrap()();
    assert!(keeper.is_waiting());
    assert!(matches!(keeper.write(), Some(Notice::NotKept { .. })));
    keeper.keep(heard(2, 9, 1));
    fs::remove_dir(scratch.0.join("contacts.new")).unwrap();
    assert_eq!(keeper.write(), None);
    assert!(!keeper.is_waiting() && !scratch.0.join("journal.old").exists());
    assert_eq!(open(&scratch).1.contacts[0].sid, Octets(9));
}

#[test]
fn as_many_contacts_as_there_may_be_are_read_again() {
    let scratch = Scratch::new();
    let (mut keeper, ..) = open(&scratch);
    for number in 0..4_096_u16 {
        let [high, low] = number.to_be_bytes();
        let mut key = [255; 32];
        key[..2].copy_from_slice(&[high, low]);
        let contact = Contact { key: PublicKey(key), sid: Octets(u64::MAX), seq: u64::MAX, ..contact(255) };
        assert_eq!(keeper.keep(Record::Contact(Box::new(contact))), None);
    }
    write_contacts(&mut keeper);
    let size = fs::metadata(scratch.0.join("contacts")).unwrap().len();
    assert!(size < CONTACTS_MAX / 2, "{size}");
    assert_eq!(open(&scratch).1.contacts.len(), 4_096);
}

#[test]
fn broken_files_are_set_aside_and_told_each_with_what_it_costs() {
    let scratch = Scratch::new();
    for kind in ["sequence", "prekeys", "posted", "contacts", "journal"] {
        fs::write(scratch.0.join(kind), format!("garbage {kind}")).unwrap();
    }
    let (mut keeper, kept, notices) = open(&scratch);
    assert_eq!(kept, Kept { leased: 1..1 + LEASE, ..Kept::default() });
    assert_eq!(notices.len(), 5, "{notices:?}");
    for (kind, notice) in ["sequence", "prekeys", "posted", "contacts", "journal"].into_iter().zip(notices) {
        let Notice::SetAside { file, aside, .. } = &notice else { panic!("{notice}") };
        assert_eq!(file, &scratch.0.join(kind));
        assert_eq!(fs::read_to_string(aside).unwrap(), format!("garbage {kind}"));
        assert!(notice.to_string().contains("set aside"), "{notice}");
    }
    keeper.keep(known(2));
    std::mem::forget(keeper);
    let (_, kept, notices) = open(&scratch);
    assert_eq!((kept.contacts.len(), notices), (1, Vec::new()));
}

#[test]
fn a_folder_in_the_way_of_a_file_is_set_aside() {
    let scratch = Scratch::new();
    for kind in ["sequence", "contacts", "journal"] {
        fs::create_dir(scratch.0.join(kind)).unwrap();
    }
    let (mut keeper, _, notices) = open(&scratch);
    assert_eq!(notices.len(), 3, "{notices:?}");
    assert_eq!(keeper.keep(known(2)), None);
}

#[test]
fn a_file_of_a_newer_version_stops_the_start_and_nothing_is_changed() {
    for newer in ["sequence", "prekeys", "posted", "contacts", "journal"] {
        let scratch = Scratch::new();
        for kind in ["sequence", "prekeys", "posted", "contacts", "journal"] {
            fs::write(scratch.0.join(kind), "garbage\n").unwrap();
        }
        fs::write(scratch.0.join(newer), format!("lsnp {newer} 2\n")).unwrap();
        let error = Keeper::open(Some(&scratch.0), ME).unwrap_err();
        assert!(matches!(&error, StartError::Newer { version: 2, .. }), "{error}");
        assert!(error.to_string().contains(newer), "{error}");
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 5, "nothing was set aside");
    }
}

#[test]
fn what_belongs_to_another_identity_is_not_ours() {
    let scratch = Scratch::new();
    let (mut keeper, ..) = open(&scratch);
    for record in [Record::Prekeys(prekeys()), Record::Posted(posted(4)), known(2)] {
        keeper.keep(record);
    }
    drop(keeper);
    let (_, kept, _) = Keeper::open(Some(&scratch.0), PublicKey([8; 32])).unwrap();
    assert_eq!((kept.prekeys, kept.posted, kept.contacts.len()), (Vec::new(), Posted::default(), 1));
    assert_eq!(kept.leased.start, 1 + LEASE, "numbers are never used twice");
}

#[test]
fn what_cannot_be_written_is_told_once_and_written_later() {
    let scratch = Scratch::new();
    let (mut keeper, ..) = open(&scratch);
    let folder = scratch.0.clone();
    let away = files::with_suffix(&folder, ".away");
    fs::rename(&folder, &away).unwrap();
    let told: Vec<Notice> = [Record::Lease(10 * LEASE), Record::Posted(posted(1)), known(2), heard(2, 3, 9)]
        .into_iter()
        .filter_map(|record| keeper.keep(record))
        .collect();
    assert!(matches!(&told[..], [Notice::NotKept { .. }]), "{told:?}");
    assert!(keeper.is_waiting());
    assert_eq!(keeper.write(), None, "told already");
    fs::rename(&away, &folder).unwrap();
    assert_eq!(keeper.write(), None);
    assert!(!keeper.is_waiting());
    drop(keeper);
    let (_, kept, _) = open(&scratch);
    assert_eq!((kept.leased.start, kept.posted), (10 * LEASE, posted(1)));
    assert_eq!(kept.contacts[0].seq, 9);
}

#[test]
fn without_a_folder_nothing_is_kept_and_nothing_waits() {
    let (mut keeper, kept, notices) = Keeper::open(None, ME).unwrap();
    assert_eq!((kept.leased, notices), (1..1 + LEASE, Vec::new()));
    for record in [Record::Lease(5), Record::Posted(posted(1)), known(2), heard(2, 3, 9)] {
        assert_eq!(keeper.keep(record), None);
    }
    assert!(!keeper.is_waiting() && keeper.write().is_none() && keeper.in_background().is_none());
}

#[cfg(unix)]
#[test]
fn all_files_are_closed_to_others() {
    use std::os::unix::fs::MetadataExt;

    let scratch = Scratch::new();
    let (mut keeper, ..) = open(&scratch);
    for record in [Record::Prekeys(prekeys()), Record::Posted(posted(4)), known(2)] {
        keeper.keep(record);
    }
    for entry in fs::read_dir(&scratch.0).unwrap().flatten() {
        assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{entry:?}");
    }
    write_contacts(&mut keeper);
    assert_eq!(fs::metadata(scratch.0.join("contacts")).unwrap().mode() & 0o777, 0o600);
}

/// A file system of so few bytes that it is full soon; none where that needs a right that we do not have.
#[cfg(target_os = "linux")]
struct Small(Scratch);

#[cfg(target_os = "linux")]
impl Small {
    fn new() -> Option<Self> {
        let scratch = Scratch::new();
        let run = |program: &str, args: &[&str]| std::process::Command::new(program).args(args).output();
        let folder = scratch.0.to_str()?.to_owned();
        let mounted = run("mount", &["-t", "tmpfs", "-o", "size=64k,mode=700", "lsnp-test", &folder]);
        mounted.is_ok_and(|done| done.status.success()).then_some(Self(scratch))
    }
}

#[cfg(target_os = "linux")]
impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0.0).output();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing_that_was_kept_and_stops_nothing() {
    let Some(Small(scratch)) = &Small::new() else { return };
    let (mut keeper, ..) = open(scratch);
    for record in [Record::Prekeys(prekeys()), Record::Posted(posted(1)), known(2), heard(2, 3, 8)] {
        assert_eq!(keeper.keep(record), None);
    }
    let filler = scratch.0.join("filler");
    while fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&filler)
        .is_ok_and(|mut file| io::Write::write_all(&mut file, &[0; 4096]).is_ok())
    {}
    let mut told = Vec::new();
    for seq in 9..2_000 {
        told.extend(keeper.keep(heard(2, 3, seq)));
        told.extend(keeper.keep(Record::Posted(posted(seq))));
    }
    told.extend(keeper.keep(Record::Lease(10 * LEASE)));
    told.extend(keeper.keep(known(3)));
    assert!(matches!(&told[..], [Notice::NotKept { .. }]), "{told:?}");
    let size = || fs::read_dir(&scratch.0).unwrap().count();
    assert_eq!(size(), 5, "no remains of what could not be written");
    std::mem::forget(keeper);

    // Killed, and the disk is still full.
    let (mut keeper, kept, notices) = open(scratch);
    assert!(matches!(&notices[..], [Notice::NotKept { .. }]), "{notices:?}");
    assert_eq!((kept.prekeys, kept.contacts.len()), (prekeys(), 1));
    assert!(kept.contacts[0].seq >= 8 && kept.posted.number >= 1);
    keeper.keep(known(5));
    fs::remove_file(&filler).unwrap();
    assert_eq!(keeper.write(), None);
    assert!(!keeper.is_waiting());
    drop(keeper);
    let (_, kept, notices) = open(scratch);
    assert_eq!((kept.contacts.len(), notices.len()), (2, 0));
}

#[test]
fn one_write_costs_little() {
    let scratch = Scratch::new();
    let (mut keeper, ..) = open(&scratch);
    keeper.keep(known(2));
    let clock = crate::node::clock::Clock::new();
    let begin = clock.now();
    for seq in 0..1_000 {
        keeper.keep(heard(2, 3, seq));
    }
    let each = clock.now().since(begin) / 1_000;
    assert!(each < Duration::from_millis(1), "{each:?}");
}
