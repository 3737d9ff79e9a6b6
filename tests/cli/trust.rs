//! Who is who: digits that two people compare, changed keys, and words about somebody.

use std::net::UdpSocket;

use crate::world::{Running, World};

/// Two peers that have written to each other: their ways are proven.
fn pair(world: &World) -> [Running; 2] {
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| world.piped(name));
    get_to_know(&mut alice, &mut bob);
    [alice, bob]
}

fn get_to_know(alice: &mut Running, bob: &mut Running) {
    alice.has("HERE\tbob@");
    bob.has("HERE\talice@");
    alice.types("DM bob one");
    bob.shows("\talice\tone\n");
    bob.types("DM alice two");
    alice.shows("\tbob\ttwo\n");
}

/// The rest of the row that it shows next with this beginning.
fn row(peer: &mut Running, begins: &str) -> String {
    peer.shows(begins);
    peer.shows("\n").to_owned()
}

fn digits(peer: &mut Running, other: &str) -> String {
    peer.types(&format!("VERIFY {other}"));
    row(peer, "VERIFY\t").split('\t').next_back().unwrap().to_owned()
}

#[test]
fn both_sides_see_the_same_digits_and_typing_them_verifies() {
    let world = World::new();
    let [mut alice, mut bob] = pair(&world);
    let shown = digits(&mut alice, "bob");
    assert_eq!(shown, digits(&mut bob, "alice"));
    assert_eq!(shown.split(' ').filter(|group| group.len() == 5).count(), 12, "{shown}");

    alice.types("VERIFY bob 12345");
    alice.shows("ERROR\t\t\tThat is 5 digits, and there are 60");
    let last = if shown.ends_with('1') { '2' } else { '1' };
    alice.types(&format!("VERIFY bob {}{last}", &shown[..shown.len() - 1]));
    alice.shows("ERROR\t\t\tThe digits differ");
    alice.types("LIST");
    assert!(!row(&mut alice, "PEER\tbob@").contains("verified"));

    alice.types(&format!("VERIFY bob {shown}"));
    alice.shows("INFO\t\t\tVerified: bob#");
    alice.types("LIST");
    assert!(row(&mut alice, "PEER\tbob@").contains("[verified, this computer]"));
    alice.types("PEER bob");
    alice.shows("ABOUT\tbob@");
    alice.shows("trust: verified");
    alice.types("CONTACTS");
    alice.shows("CONTACT\tbob@");
    alice.shows("[here, verified]\n");
}

#[test]
fn a_new_key_is_told_and_messages_wait_for_a_word() {
    let world = World::new();
    let [mut alice, mut bob] = pair(&world);
    let shown = digits(&mut alice, "bob");
    alice.types(&format!("VERIFY bob {shown}"));
    alice.shows("Verified: bob#");
    bob.types("QUIT");
    alice.shows("LEFT\tbob@");
    drop(bob);

    let mut other = world.piped("bob");
    alice.shows("KEY\tbob@");
    alice.shows("verified before with ");
    alice.types("DM bob something secret");
    alice.shows("WAITS\tbob@");
    alice.shows("has a new key");
    alice.types("LIST");
    assert!(row(&mut alice, "PEER\tbob@").contains("[new key, "));
    other.types("POST it is me");
    let post = row(&mut alice, "POST\tbob@");
    assert!(post.contains("\tbob#") && post.ends_with("\tit is me"), "{post}");
    assert!(!other.text().contains("something secret"));

    alice.types("TRUST bob");
    alice.shows("INFO\t\t\tThe new key of bob#");
    alice.shows(", private: something secret\n");
    other.shows("\talice\tsomething secret\n");
}

#[test]
fn what_waits_at_the_end_is_named() {
    let world = World::new();
    let [mut alice, mut bob] = pair(&world);
    bob.types("QUIT");
    alice.shows("LEFT\tbob@");
    drop(bob);
    let _other = world.piped("bob");
    alice.shows("KEY\tbob@");
    alice.types("DM bob never mind");
    alice.shows("WAITS\tbob@");
    alice.hangs_up();
    let (status, text) = alice.ends_within(crate::SOON);
    assert_eq!(status, Some(0));
    assert!(text.contains("ERROR\t\t\tNot sent to bob#") && text.ends_with(": never mind\n"), "{text}");
}

#[test]
fn who_shows_no_key_is_marked_and_does_not_get_what_was_for_another() {
    let world = World::new();
    let [mut alice, mut bob] = pair(&world);
    bob.types("QUIT");
    alice.shows("LEFT\tbob@");
    // It holds a discovery socket as long as it runs, and one of them gets what is sent there.
    assert_eq!(bob.ends_within(crate::SOON).0, Some(0));
    let older = UdpSocket::bind("127.0.0.1:0").unwrap();
    older.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    let port = older.local_addr().unwrap().port();
    for datagram in [
        format!("TYPE:PEER_DISCOVERY\nUSER_ID:bob@127.0.0.1\nPORT:{port}\n\n"),
        "TYPE:POST\nUSER_ID:bob@127.0.0.1\nCONTENT:hi\nTIMESTAMP:1\nMESSAGE_ID:01\n\n".to_owned(),
    ] {
        older.send_to(datagram.as_bytes(), ("127.0.0.1", world.port)).unwrap();
    }
    alice.shows("HERE\tbob@127.0.0.1\tbob\t");
    alice.shows("POST\tbob@127.0.0.1\tbob (unverified)\thi\n");
    alice.types("DM bob something secret");
    alice.shows("ERROR\t\t\tNot sent: bob had a key before");
    alice.shows("TRUST bob@127.0.0.1\n");
    alice.types("VERIFY bob");
    alice.shows("has no key");
    alice.types("TRUST bob");
    alice.shows("everybody can read them\n");
    alice.types("DM bob not so secret");
    alice.shows("not private (older client): not so secret\n");
    let mut bytes = [0; 2048];
    loop {
        let count = older.recv(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes[..count]);
        assert!(!text.contains("something secret"), "{text}");
        if text.contains("CONTENT:not so secret") {
            return;
        }
    }
}

#[test]
fn blocked_and_muted_ones_are_not_heard_until_they_are() {
    let world = World::new();
    let [mut alice, mut bob] = pair(&world);
    alice.types("MUTE bob");
    alice.shows("Muted bob#");
    bob.types("POST muted");
    bob.shows("SENT\t");
    bob.types("DM alice heard");
    let before = alice.shows("\tbob\theard\n").to_owned();
    assert!(!before.contains("POST"), "{before}");
    alice.types("UNMUTE bob");
    alice.shows("Unmuted bob#");

    alice.types("BLOCK bob");
    alice.shows("Blocked bob#");
    alice.types("DM bob hi");
    alice.shows("ERROR\t\t\tNot sent: you blocked bob");
    bob.types("DM alice blocked");
    bob.shows("SENT\t");
    bob.types("POST blocked");
    bob.shows("SENT\t");
    alice.types("LIST");
    alice.types("LIST ALL");
    let before = alice.shows("blocked, this computer]").to_owned();
    assert_eq!((before.matches("PEER").count(), before.contains("POST")), (1, false), "{before}");
    alice.types("BLOCK bob");
    alice.shows("is blocked already");
    alice.types("UNBLOCK bob");
    alice.shows("Unblocked bob#");
    bob.types("POST heard again");
    alice.shows("\tbob\theard again\n");
}

#[test]
fn a_contact_that_is_not_here_is_known_still() {
    let world = World::new();
    let mut alice = world.piped_with(&["--name", "alice", "--profile", "a"]);
    let mut bob = world.piped_with(&["--name", "bob", "--profile", "b"]);
    get_to_know(&mut alice, &mut bob);
    let shown = digits(&mut alice, "bob");
    bob.types("QUIT");
    alice.shows("LEFT\tbob@");
    alice.types("DM bob hi");
    alice.shows("WAITS\tbob@");
    alice.shows("is not here");
    alice.types("PEER bob");
    alice.shows("state: not here");
    alice.types(&format!("VERIFY bob {shown}"));
    alice.shows("Verified: bob#");
    alice.types("BLOCK bob");
    alice.shows("Blocked bob#");
    alice.types("QUIT");
    assert_eq!(alice.ends_within(crate::SOON).0, Some(0));

    let mut alice = world.piped_with(&["--profile", "a"]);
    alice.types("CONTACTS");
    alice.shows("[verified, blocked]\n");
    alice.types("UNBLOCK bob");
    alice.shows("Unblocked bob#");
    drop(bob);
    let _bob = world.piped_with(&["--profile", "b"]);
    let here = row(&mut alice, "HERE\tbob@");
    assert!(here.ends_with(", verified"), "{here}");
}

#[test]
fn at_a_terminal_the_user_is_asked_whether_the_digits_are_the_same() {
    let world = World::new();
    let mut alice = world.at_terminal(&["--temporary", "--name", "alice"]);
    let mut bob = world.piped("bob");
    alice.shows("bob is here (");
    let shown = digits(&mut bob, "alice");
    alice.types("VERIFY bob");
    let groups = alice.shows("Compare them in person").to_owned();
    let rows: Vec<&str> = groups.lines().filter(|line| line.starts_with("    ")).map(str::trim).collect();
    assert_eq!(rows.join(" "), shown);
    alice.shows("The same on both screens? [y/N] ");
    alice.types("");
    alice.shows("Not verified: nothing changed.");
    alice.types("VERIFY bob");
    alice.shows("[y/N] ");
    alice.types("y");
    alice.shows("Verified: bob#");
    bob.types("POST hi");
    alice.shows("\u{2713} bob: hi\n");
    bob.types("QUIT");
    alice.shows("bob left");
    drop(bob);

    let _other = world.piped("bob");
    alice.shows(" HAS A NEW KEY");
    alice.shows("DMs to it wait.");
    alice.types("DM bob hi");
    alice.shows("Waits: bob#");
    let raw = String::from_utf8_lossy(&alice.raw()).into_owned();
    assert!(raw.contains("\u{1b}[1m\u{1b}[31mbob#"), "{raw:?}");
    alice.types("BLOCK bob");
    alice.shows("Blocked bob#");
    alice.shows("Not sent to bob#");
}

#[test]
fn one_private_message_from_a_script_arrives() {
    let world = World::new();
    let mut bob = world.piped("bob");
    bob.shows("You are bob@");
    let mut alice = world.piped("alice");
    alice.types("DM bob from a script");
    alice.hangs_up();
    let (status, text) = alice.ends_within(crate::SOON * 7);
    assert_eq!(status, Some(0));
    assert!(text.contains("\tTo bob, private: from a script\n"), "{text}");
    bob.shows("\talice\tfrom a script\n");
}
