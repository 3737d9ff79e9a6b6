//! What people see of trust.

use super::*;
use crate::engine::sample::{Sample, contact, key};
use crate::engine::{Command, Event, Reply, Told};
use crate::wire::Untrusted;

const PEOPLE: Render = Render { pipe: false, color: false };
const PIPE: Render = Render { pipe: true, color: false };

fn print(number: u64) -> String {
    key(number).fingerprint().to_string()
}

fn short(number: u64) -> String {
    key(number).fingerprint().short()
}

fn me(lan: &mut Sample) -> Me {
    let Reply::Me(me) = lan.engine.handle_command(Command::WhoAmI, lan.now).unwrap() else { panic!("not told") };
    Me { key: Some(key(1000)), ..me }
}

fn text(lines: &[Shown]) -> Vec<&str> {
    lines.iter().map(Shown::as_str).collect()
}

fn event(lan: &Sample, render: Render, event: &Event) -> Vec<String> {
    let lines = render.event(event, &Names::of(lan.peers()), lan.now, "");
    lines.iter().map(|line| line.as_str().to_owned()).collect()
}

fn here(lan: &Sample, id: crate::engine::PeerId) -> Person {
    Person::Here(lan.get(id))
}

#[test]
fn a_trust_word_stands_only_where_it_says_something() {
    let mut lan = Sample::new();
    let ids = [("ann", Trust::Verified), ("ben", Trust::Known), ("col", Trust::Changed)]
        .map(|(name, trust)| lan.signed(name, [10, 0, 0, 2], key(name.len() as u64 + trust as u64), trust));
    lan.older("dan", [10, 0, 0, 3]);
    lan.mute(ids[1]);
    let me = me(&mut lan);
    let now = lan.now;
    let list = |lan: &Sample, render: Render, all| {
        let lines = render.list(&lan.peers().snapshot(), &Names::of(lan.peers()), &me, now, all);
        lines.iter().map(|line| line.as_str().to_owned()).collect::<Vec<_>>()
    };
    let rows = list(&lan, PIPE, false);
    let notes: Vec<&str> = rows.iter().map(|row| row.split_once(" 0 s").unwrap().1).collect();
    assert_eq!(notes, [" [verified]", " [muted]", " [new key]", " [unverified, older client]"]);
    assert!(rows[2].contains(&format!("\tcol#{}\t", key(3 + Trust::Changed as u64).fingerprint().short())), "{rows:?}");
    lan.block(ids[0]);
    assert!(!list(&lan, PEOPLE, false).iter().any(|row| row.contains("ann")));
    assert!(list(&lan, PEOPLE, true).iter().any(|row| row.contains("ann") && row.ends_with("verified, blocked")));
}

#[test]
fn a_list_of_blocked_ones_alone_says_so() {
    let mut lan = Sample::new();
    let id = lan.older("dan", [10, 0, 0, 3]);
    lan.block(id);
    let me = me(&mut lan);
    for render in [PEOPLE, PIPE] {
        let lines = render.list(&lan.peers().snapshot(), &Names::of(lan.peers()), &me, lan.now, false);
        assert!(lines.len() == 1 && lines[0].as_str().contains("LIST ALL"), "{lines:?}");
    }
}

#[test]
fn a_crowd_that_proved_nothing_is_one_line() {
    let mut lan = Sample::new();
    lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Known);
    for n in 0..2_361_u32 {
        let [_, _, b, c] = n.to_be_bytes();
        lan.newcomer("eve", [10, 1 + (n % 2) as u8, b, c]);
    }
    let me = me(&mut lan);
    let (peers, names) = (lan.peers().snapshot(), Names::of(lan.peers()));
    let shown = PEOPLE.list(&peers, &names, &me, lan.now, false);
    assert_eq!(shown.len(), 1 + 1 + 20 + 1);
    assert_eq!(shown.last().unwrap().as_str(), "and 2,341 unproven from 2,341 addresses; LIST ALL shows them");
    let row = PIPE.list(&peers, &names, &me, lan.now, false);
    assert_eq!(row.last().unwrap().as_str(), "INFO\t\t\tand 2,341 unproven from 2,341 addresses; LIST ALL shows them");
    assert_eq!(PEOPLE.list(&peers, &names, &me, lan.now, true).len(), 1 + 2_362);
}

#[test]
fn what_is_said_tells_who_is_verified_and_who_shows_no_key() {
    let mut lan = Sample::new();
    let ann = lan.signed("ann", [10, 0, 0, 2], key(1), Trust::Verified);
    let ben = lan.signed("ben", [10, 0, 0, 3], key(2), Trust::Known);
    let dan = lan.older("dan", [10, 0, 0, 4]);
    let post = |id| Event::Post { from: lan.get(id), text: Untrusted::new("hi"), told: Told::default() };
    let dm = |id, private| Event::Dm { from: lan.get(id), text: Untrusted::new("hi"), private, told: Told::default() };
    for (said, line, row) in [
        (post(ann), "\u{2713} ann: hi", "POST\tann@10.0.0.2\tann\thi"),
        (post(ben), "ben: hi", "POST\tben@10.0.0.3\tben\thi"),
        (post(dan), "dan (unverified): hi", "POST\tdan@10.0.0.4\tdan (unverified)\thi"),
        (dm(ann, true), "\u{2713} ann to you: hi", "DM\tann@10.0.0.2\tann\thi"),
        (dm(dan, false), "dan (unverified) to you, not private: hi", "DM\tdan@10.0.0.4\tdan (unverified)\thi"),
    ] {
        assert_eq!(
            (event(&lan, PEOPLE, &said), event(&lan, PIPE, &said)),
            (vec![line.to_owned()], vec![row.to_owned()])
        );
    }
}

#[test]
fn a_name_cannot_imitate_the_mark_of_a_verified_one() {
    let mut lan = Sample::new();
    let ann = lan.signed("ann", [10, 0, 0, 2], key(1), Trust::Verified);
    let eve = lan.signed("eve", [10, 0, 0, 3], key(2), Trust::Known);
    for fake in ["\u{2713} ann", "\u{2714}\u{fe0f} ann", "\u{2705}ann", "\u{1f512} ann", "\u{1f6e1} ann\u{2611}"] {
        lan.call(eve, fake);
        let said = Event::Post { from: lan.get(eve), text: Untrusted::new("hi"), told: Told::default() };
        assert_eq!(event(&lan, PEOPLE, &said)[0].trim_start(), format!("ann#{}: hi", short(2)), "{fake:?}");
        let said = Event::Post { from: lan.get(ann), text: Untrusted::new("hi"), told: Told::default() };
        assert_eq!(event(&lan, PEOPLE, &said), [format!("\u{2713} ann#{}: hi", short(1))], "{fake:?}");
    }
}

#[test]
fn a_changed_key_is_four_red_lines_or_one_row() {
    let mut lan = Sample::new();
    let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Changed);
    let before = Box::new(Contact { verified: true, ..contact("bob", 2) });
    let changed = Event::KeyChanged { peer: lan.get(bob), before };
    let typed = format!("bob#{}", short(1));
    let what_to_do = format!("Compare digits with VERIFY {typed}, or accept the key with TRUST {typed}");
    assert_eq!(
        event(&lan, PEOPLE, &changed),
        [
            format!("{typed} HAS A NEW KEY: a new computer or a new profile, or somebody else who takes the name"),
            format!("    new: {}", print(1)),
            format!("    old: {} (bob#{}, verified)", print(2), short(2)),
            format!("    DMs to it wait. {what_to_do}"),
        ]
    );
    let text = format!("new key {}, verified before with {}; DMs wait. {what_to_do}", print(1), print(2));
    assert_eq!(event(&lan, PIPE, &changed), [format!("KEY\tbob@10.0.0.2\t{typed}\t{text}")]);
    let red = Render { color: true, ..PEOPLE };
    assert!(event(&lan, red, &changed).iter().all(|line| line.contains("\x1b[31m")));
}

#[test]
fn what_was_sent_tells_whether_it_is_private_and_what_waits_for_what() {
    let mut lan = Sample::new();
    let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Changed);
    let dan = lan.older("dan", [10, 0, 0, 4]);
    let names = Names::of(lan.peers());
    let (bob, dan) = (lan.get(bob), lan.get(dan));
    let typed = format!("bob#{}", short(1));
    assert_eq!(PEOPLE.sent(&bob, "hi", true, &names, lan.now).as_str(), format!("To {typed}, private: hi"));
    assert_eq!(PEOPLE.sent(&dan, "hi", false, &names, lan.now).as_str(), "To dan, not private (older client): hi");
    assert_eq!(
        PEOPLE.waiting(&bob, Until::Word, &names).as_str(),
        format!("Waits: {typed} has a new key. Compare digits with VERIFY {typed}, or accept it with TRUST {typed}")
    );
    assert!(PIPE.waiting(&bob, Until::Answer, &names).as_str().starts_with("WAITS\tbob@10.0.0.2\t"));
    let news = |mark, text: Option<&str>| News {
        id: crate::wire::OwnMessageId::new(1),
        to: bob.clone(),
        mark,
        text: text.map(Into::into),
    };
    let marked = |render: Render, mark, text| render.marked(&news(mark, text), &names).as_str().to_owned();
    let failed = Mark::Failed(Failure::Expired);
    assert_eq!(
        marked(PEOPLE, failed, Some("hi\nthere")),
        format!("Not sent to {typed}, not here for 7 days: hi there")
    );
    assert_eq!(
        marked(PIPE, failed, Some("hi\nthere")),
        format!("MARK\tbob@10.0.0.2\t{typed}\tfailed 0000000000000001 not here for 7 days: hi there")
    );
    assert_eq!(marked(PEOPLE, Mark::Stored, None), format!("\u{2713} stored: {typed}"));
    assert_eq!(marked(PIPE, Mark::Stored, None), format!("MARK\tbob@10.0.0.2\t{typed}\tstored 0000000000000001"));
    assert_eq!(
        marked(PEOPLE, Mark::Waiting, None),
        format!("waiting: {typed} does not answer, sent when it is heard again")
    );
    assert!(PEOPLE.never_sent("bob", "hi", true).as_str().contains("after the next start"));
    let refused = |error| PEOPLE.refused(&error, &Person::Here(dan.clone()), &names).as_str().to_owned();
    let downgrade = refused(CommandError::Downgrade { name: dan.shown_name() });
    assert!(downgrade.starts_with("Not sent: dan had a key before") && downgrade.ends_with("TRUST dan@10.0.0.4"));
    assert!(refused(CommandError::PrivateOnly).contains("dan has no key"));
    assert!(refused(CommandError::Blocked).ends_with("UNBLOCK dan@10.0.0.4 ends that"));
    assert!(refused(CommandError::NoText).starts_with("There is no text"));
}

#[test]
fn digits_are_shown_in_groups_and_a_mismatch_says_what_it_means() {
    let mut lan = Sample::new();
    let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Known);
    let names = Names::of(lan.peers());
    let digits = key(1000).digits(&key(1));
    assert_eq!(digits, key(1).digits(&key(1000)));
    let lines = PEOPLE.digits(&here(&lan, bob), &digits, &names);
    let groups = text(&lines)[1..5].iter().flat_map(|line| line.split_whitespace()).collect::<Vec<_>>().join(" ");
    assert_eq!((lines.len(), groups), (6, digits.to_string()));
    let row = PIPE.digits(&here(&lan, bob), &digits, &names);
    assert_eq!(text(&row), [format!("VERIFY\tbob@10.0.0.2\tbob\t{digits}")]);
    assert!(PIPE.differ("bob").as_str().starts_with("ERROR\t\t\tThe digits differ"));
}

#[test]
fn all_that_is_known_of_somebody_is_told() {
    let mut lan = Sample::new();
    let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Changed);
    let me = me(&mut lan);
    let names = Names::of(lan.peers());
    let contacts = [Contact { changed: true, ..contact("bob", 1) }, Contact { verified: true, ..contact("BOB", 2) }];
    let lines = PEOPLE.about(&here(&lan, bob), &contacts, &me, &names, lan.now);
    let facts = text(&lines).join("\n");
    for fact in [
        &*format!("bob#{}\n", short(1)),
        "trust        new key: ",
        &format!("fingerprint  {}", print(1)),
        &format!("key          {}", key(1)),
        &format!("same name    {} (verified, last here 2023-11-1", print(2)),
        "DMs          private",
        "address      10.0.0.2:9000 (has not answered)",
        "known        since 2023-11-1",
        "id           bob@10.0.0.2",
    ] {
        assert!(facts.contains(fact), "{fact:?} in {facts}");
    }
    let row = PIPE.about(&here(&lan, bob), &contacts, &me, &names, lan.now);
    assert!(row.len() == 1 && row[0].as_str().starts_with("ABOUT\tbob@10.0.0.2\tbob#"), "{row:?}");
    let away = Person::Away(Box::new(contacts[1].clone()));
    let facts = PEOPLE.about(&away, &contacts, &me, &names, lan.now);
    assert!(text(&facts).join("\n").contains("state        not here"), "{facts:?}");
}

#[test]
fn contacts_are_listed_here_or_not() {
    let contacts = [contact("bob", 1), Contact { verified: true, blocked: true, ..contact("carl", 2) }];
    let lines = PEOPLE.contacts(&contacts, |one| *one == key(1));
    let lines = text(&lines);
    assert_eq!(lines.len(), 3);
    assert!(
        lines[1].starts_with(&format!("bob#{}   {}", short(1), print(1))) && lines[1].ends_with("  here"),
        "{lines:?}"
    );
    assert!(lines[2].ends_with("verified, blocked"), "{lines:?}");
    let rows = PIPE.contacts(&contacts, |_| false);
    let print = print(2).replace(' ', "");
    assert!(rows[1].as_str().starts_with(&format!("CONTACT\tcarl@10.0.0.9\tcarl\t{print} 2023-11-1")), "{rows:?}");
    assert!(rows[1].as_str().ends_with(" [verified, blocked]"));
}

#[test]
fn every_word_is_confirmed_and_nothing_is_said_to_have_changed_that_did_not() {
    let mut lan = Sample::new();
    let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Changed);
    let dan = lan.older("dan", [10, 0, 0, 4]);
    let names = Names::of(lan.peers());
    let typed = format!("bob#{}", short(1));
    let bob = here(&lan, bob);
    for (word, begins) in [
        (Word::Verify, format!("Verified: {typed}.")),
        (Word::Trust, format!("The new key of {typed} is accepted.")),
        (Word::Block, format!("Blocked {typed}:")),
        (Word::Unblock, format!("Unblocked {typed}")),
        (Word::Mute, format!("Muted {typed}:")),
        (Word::Unmute, format!("Unmuted {typed}:")),
    ] {
        let line = PEOPLE.judged(&bob, word, &names);
        assert!(line.as_str().starts_with(&begins), "{line:?}");
        assert_ne!(PEOPLE.unchanged(&bob, word, &names), line);
    }
    let line = PEOPLE.judged(&here(&lan, dan), Word::Trust, &names);
    assert!(line.as_str().contains("everybody can read them"), "{line:?}");
}

/// Names that try to pass for `bob`, to move the cursor, or to look like a part of a line.
fn hostile() -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let unseen =
        ('\0'..='\u{1f}').chain('\u{7f}'..='\u{a0}').chain('\u{2000}'..='\u{200f}').chain('\u{2028}'..='\u{202f}');
    let more = [
        '\u{ad}',
        '\u{34f}',
        '\u{61c}',
        '\u{115f}',
        '\u{180e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{2800}',
        '\u{3000}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{e0001}',
        '\u{e0062}',
    ];
    for c in unseen.chain(more) {
        all.extend([format!("bo{c}b"), format!("bob{c}"), format!("{c}bob")]);
    }
    for o in ["o", "O", "0", "\u{3bf}", "\u{43e}", "\u{585}", "\u{ff4f}", "\u{1d428}", "\u{2134}"] {
        all.extend(["b", "B", "\u{ff42}", "\u{1d41b}", "\u{184}"].map(|b| format!("{b}{o}{b}")));
    }
    for around in [
        "\u{2713}",
        "\u{2705}",
        "\u{1f512}",
        "\u{1f6e1}\u{fe0f}",
        "\x1b[2J",
        "\x1b]0;x\x07",
        "\u{9b}31m",
        "\r\n> ",
        "\t",
    ] {
        all.extend([format!("{around}bob"), format!("bob{around}")]);
    }
    for like in [
        "#7f3a",
        " (verified)",
        " (bob@10.0.0.2)",
        " to you",
        ": hi",
        ", private",
        " has a new key",
        "\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    ] {
        all.push(format!("bob{like}"));
    }
    all
}

#[test]
fn hostile_names_are_inert_and_no_two_are_the_same() {
    let names = hostile();
    assert!(names.len() >= 300, "{}", names.len());
    let mut lan = Sample::new();
    let bob = lan.signed("bob", [10, 0, 0, 2], key(5000), Trust::Verified);
    let mut ids = vec![bob];
    for (n, name) in (0..).zip(&names) {
        let id = lan.signed("eve", [10, 1, (n >> 8) as u8, n as u8], key(n), Trust::Known);
        lan.call(id, name);
        ids.push(id);
    }
    let me = me(&mut lan);
    let index = Names::of(lan.peers());
    let labels: std::collections::BTreeSet<String> = ids.iter().map(|id| index.label(&lan.get(*id))).collect();
    assert_eq!(labels.len(), ids.len());
    let squeezed = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    assert_eq!(labels.iter().filter(|label| squeezed(label) == "bob").count(), 0, "{labels:?}");
    for render in [PEOPLE, PIPE] {
        let mut lines = render.list(&lan.peers().snapshot(), &index, &me, lan.now, true);
        for id in &ids {
            let (peer, person) = (lan.get(*id), here(&lan, *id));
            let before =
                Box::new(Contact { display_name: peer.raw_display_name().map(str::to_owned), ..contact("eve", 1) });
            lines.extend(render.contacts(std::slice::from_ref(&before), |_| true));
            lines.extend(render.event(
                &Event::Post { from: peer.clone(), text: Untrusted::new("hi"), told: Told::default() },
                &index,
                lan.now,
                "",
            ));
            lines.extend(render.event(&Event::KeyChanged { peer, before }, &index, lan.now, ""));
            lines.extend(render.about(&person, &[], &me, &index, lan.now));
            lines.push(render.judged(&person, Word::Block, &index));
        }
        for line in lines {
            let columns = if render.pipe { 3 } else { 0 };
            assert_eq!(line.as_str().matches('\t').count(), columns, "{line:?}");
            let inert = |c: char| c == '\t' || c == '\u{2713}' || Safe::line(&c.to_string()).as_str() == c.to_string();
            assert!(line.as_str().chars().all(inert), "{line:?}");
            assert!(!line.as_str().trim_start_matches("\u{2713} bob#").contains('\u{2713}'), "{line:?}");
        }
    }
}
