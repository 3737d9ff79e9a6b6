//! Who goes on from a backup says two things under one number (protocol.md §11.3): all have the same list in the end, and
//! nothing of it is lost.

use std::collections::BTreeMap;

use lsnp::data::list::{Change, Command, Edit, Invitee, Reply, Standing};
use lsnp::sim::{HostId, ProgramId};

use super::lists::{Plan, bad, random_run};
use super::lists::{
    add, agree, crowd_on, edit, invite, item, join, key, list, log, party_on, show, summaries, texts, wait,
};
use super::run::{Run, secs};

fn sorted(run: &mut Run, id: ProgramId) -> Vec<String> {
    let mut all = texts(run, id);
    all.sort_unstable();
    all
}

/// Three take part; the last one is set back to what it had before its last three edits, and edits again, alone.
fn set_back(seed: u64) -> (Run, Vec<ProgramId>, Vec<HostId>) {
    let (mut run, all, hosts) = party_on(seed, 3);
    for text in ["one", "two"] {
        add(&mut run, all[2], text);
    }
    assert!(agree(&mut run, &all, secs(5)));
    let backup = run.disk(all[2]).clone();
    for text in ["lost 1", "lost 2", "lost 3"] {
        add(&mut run, all[2], text);
    }
    assert!(wait(&mut run, &all, secs(5), |lan, id| texts(lan, id).len() == 5));
    run.wall_off(&[hosts[2]], 1);
    run.restart_from(all[2], backup);
    run.run_for(secs(2));
    assert_eq!(texts(&mut run, all[2]), ["one", "two"]);
    add(&mut run, all[2], "new 1");
    let one = item(&show(&mut run, all[2]).items, "one");
    let fields = BTreeMap::from([("by".to_owned(), Some("me".to_owned()))]);
    edit(&mut run, all[2], Edit::Set { item: one, text: Some("uno".into()), fields });
    let two = item(&show(&mut run, all[2]).items, "two");
    edit(&mut run, all[2], Edit::Remove { item: two });
    for text in ["new 2", "new 3"] {
        add(&mut run, all[2], text);
    }
    run.run_for(secs(2));
    (run, all, hosts)
}

#[test]
fn a_restored_backup_splits_no_list_and_loses_nothing() {
    for seed in 1..=8 {
        let (mut run, all, hosts) = set_back(seed);
        // Who builds upon what is set aside loses nothing either.
        add(&mut run, all[0], "meanwhile");
        run.wall_off(&hosts, 0);
        let expected = ["lost 1", "lost 2", "lost 3", "meanwhile", "new 1", "new 2", "new 3", "uno"];
        let same = wait(&mut run, &all, secs(60), |lan, id| {
            let mut all = texts(lan, id);
            all.sort_unstable();
            all == expected
        });
        assert!(same, "seed {seed}: {:?}", all.iter().map(|id| sorted(&mut run, *id)).collect::<Vec<_>>());
        assert!(agree(&mut run, &all, secs(20)), "seed {seed}");
        assert_eq!(show(&mut run, all[0]).items[0].fields["by"], "me");
        run.restart(all[2]);
        run.restart(all[1]);
        run.run_for(secs(3));
        add(&mut run, all[2], "after");
        add(&mut run, all[1], "all");
        assert!(agree(&mut run, &all, secs(20)) && texts(&mut run, all[0]).len() == 10, "seed {seed}");
    }
}

#[test]
fn who_knew_only_the_later_one_has_the_same_list_in_the_end() {
    let (mut run, all, hosts) = set_back(21);
    // The second meets the one that was set back, and nobody else; then the first comes with the earlier ones.
    run.wall_off(&[hosts[0]], 2);
    run.wall_off(&hosts[1..], 1);
    run.run_for(secs(30));
    add(&mut run, all[1], "upon it");
    run.run_for(secs(5));
    run.wall_off(&hosts, 0);
    assert!(agree(&mut run, &all, secs(90)));
    let all_texts = sorted(&mut run, all[0]);
    for text in ["lost 1", "lost 2", "lost 3", "new 1", "new 2", "new 3", "upon it"] {
        assert_eq!(all_texts.iter().filter(|other| *other == text).count(), 1, "{text} in {all_texts:?}");
    }
}

#[test]
fn a_restored_backup_takes_back_no_invitation() {
    let (mut run, all, hosts) = crowd_on(31, 4);
    list(&mut run, all[0], Command::New { name: "party".into() }).unwrap();
    run.run_for(secs(1));
    let backup = run.disk(all[0]).clone();
    for id in &all[1..3] {
        let key = key(&run, *id);
        invite(&mut run, all[0], Invitee::Key(key));
        run.run_for(secs(1));
        join(&mut run, *id).unwrap();
        run.run_for(secs(1));
    }
    add(&mut run, all[1], "one");
    run.wall_off(&[hosts[0], hosts[3]], 1);
    run.restart_from(all[0], backup);
    run.run_for(secs(3));
    let last = key(&run, all[3]);
    invite(&mut run, all[0], Invitee::Key(last));
    run.run_for(secs(1));
    assert!(matches!(join(&mut run, all[3]), Ok(Reply::List(summary)) if summary.standing == Standing::Joined));
    add(&mut run, all[3], "two");
    run.run_for(secs(1));
    run.wall_off(&hosts, 0);
    let all_take_part = wait(&mut run, &all, secs(90), |lan, id| show(lan, id).summary.members == 4);
    assert!(all_take_part, "{:?}", all.iter().map(|id| summaries(&mut run, *id)).collect::<Vec<_>>());
    assert!(wait(&mut run, &all, secs(60), |lan, id| texts(lan, id).len() == 2));
    assert!(agree(&mut run, &all, secs(20)));
    assert!(log(&mut run, all[1]).iter().any(|entry| entry.change == Change::Invited(last)));
}

#[test]
fn all_agree_though_backups_are_restored_at_random() {
    let seeds = if cfg!(debug_assertions) { 6 } else { 40 };
    for seed in 1..=seeds {
        random_run(seed * 1_000 + 7, &Plan { peers: 4, rounds: 80, air: bad(), backups: true });
    }
}
