//! How peers start, who they are, and how they end.

use std::time::Duration;

use lsnp::engine::Trust;
use lsnp::node::ProfileError;
use lsnp::peer::{Error, Event, Peer};
use tokio::time::timeout;

use super::world::{PATIENCE, builder, folder, free_port, next, two};

#[tokio::test]
async fn people_are_found_by_key_name_and_fingerprint() {
    let [alice, bob] = two().await;
    let people = alice.people();
    let [person] = &people[..] else { panic!("{people:?}") };
    assert_eq!((person.key, person.name.as_str(), person.trust), (Some(bob.key()), "bob", Trust::Known));
    assert!(person.shares);

    let digits = bob.key().fingerprint().hex();
    let (short, key) = (format!("bob#{}", &digits[..4]), bob.key().to_string());
    for who in ["bob", "BOB", &short, &key, &person.address.to_string(), person.id.as_str()] {
        assert_eq!(alice.find(who).unwrap().key, Some(bob.key()), "{who}");
    }
    assert_eq!(alice.find(person).unwrap(), *person);
    assert_eq!(alice.find(bob.key()).unwrap(), *person);
    assert!(matches!(alice.find("carol"), Err(Error::Nobody(name)) if name.as_str() == "carol"));
    // What is asked for is no text to be trusted either.
    let error = alice.find("\x1b[2Jcarol").unwrap_err().to_string();
    assert!(!error.contains('\x1b'), "{error:?}");
    let error = alice.meet("carol", Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(error, Error::Nobody(_)), "{error}");
}

#[tokio::test]
async fn one_of_two_with_a_name_is_not_guessed() {
    let port = free_port();
    let [alice, one, two] = ["alice", "bob", "bob"].map(|name| builder(name, port).start());
    let (alice, one, two) = (alice.await.unwrap(), one.await.unwrap(), two.await.unwrap());
    for bob in [&one, &two] {
        alice.meet(bob.key(), PATIENCE).await.unwrap();
    }
    let Err(Error::Ambiguous { candidates, .. }) = alice.find("bob") else { panic!("{:?}", alice.people()) };
    let mut keys: Vec<_> = candidates.iter().map(|name| alice.find(name).unwrap().key.unwrap()).collect();
    keys.sort();
    let mut both = [one.key(), two.key()];
    both.sort();
    assert_eq!(keys, both);

    // Somebody compared the digits: the name means that one.
    assert_eq!(alice.digits(one.key()).await.unwrap(), one.digits(alice.key()).await.unwrap());
    alice.verify(one.key()).await.unwrap();
    assert_eq!(alice.find("bob").unwrap().key, Some(one.key()));
}

#[tokio::test]
async fn text_goes_to_all_and_to_one() {
    let [alice, bob] = two().await;
    let mut events = bob.events();
    assert_eq!(alice.post("hello").await.unwrap(), 1);
    let sent = alice.dm("bob", "hello bob").await.unwrap();
    assert!(sent.private && sent.left);
    let post = next(&mut events, "post", |event| match event {
        Event::Post { from, text } => Some((from.key, text.raw().to_owned())),
        _ => None,
    });
    assert_eq!(post.await, (Some(alice.key()), "hello".to_owned()));
    let dm = next(&mut events, "DM", |event| match event {
        Event::Dm { from, text, private } => Some((from.key, text.raw().to_owned(), private)),
        _ => None,
    });
    assert_eq!(dm.await, (Some(alice.key()), "hello bob".to_owned(), true));
    assert!(matches!(alice.post("").await, Err(Error::Refused(_))));
    assert!(matches!(alice.dm("carol", "hello").await, Err(Error::Nobody(_))));
}

#[tokio::test]
async fn the_last_that_is_dropped_says_goodbye() {
    let [alice, bob] = two().await;
    let (mut events, mut own) = (alice.events(), bob.events());
    let clone = bob.clone();
    drop(bob);
    assert_eq!(alice.post("still there?").await.unwrap(), 1);
    next(&mut own, "post", |event| matches!(event, Event::Post { .. }).then_some(())).await;
    drop(clone);
    next(&mut events, "goodbye", |event| matches!(event, Event::Went(_)).then_some(())).await;
    let end = async { while own.next().await.is_some() {} };
    timeout(PATIENCE, end).await.unwrap();
}

#[tokio::test]
async fn after_the_end_everything_is_refused() {
    let [alice, bob] = two().await;
    bob.leave().await;
    bob.leave().await;
    assert!(matches!(bob.post("hello").await, Err(Error::Refused(lsnp::engine::CommandError::Left))));
    let error = bob.publish("a", lsnp::peer::Kind::Data, &1).await.unwrap_err();
    assert!(matches!(error, Error::Data(lsnp::data::Error::Left)), "{error}");
    assert_eq!(bob.subscribe("#").unwrap().next().await, None);
    drop(alice);
}

#[tokio::test]
async fn a_folder_makes_it_the_same_one_again() {
    let (port, home) = (free_port(), folder());
    let at_home = || Peer::builder().interface("127.0.0.1").discovery_port(port).folder(home.path().join("here"));
    let first = at_home().name("alice").start().await.unwrap();
    let key = first.key();
    let taken = at_home().start().await.unwrap_err();
    assert!(matches!(taken, Error::Profile(ProfileError::InUse { .. })), "{taken}");
    first.leave().await;

    let second = at_home().start().await.unwrap();
    assert_eq!(second.key(), key);
    let bob = builder("bob", port).start().await.unwrap();
    assert_eq!(bob.meet("alice", PATIENCE).await.unwrap().key, Some(key), "the name is kept");
    // Without a wait for its end, the folder is free a moment later.
    drop(second);
    let again = async {
        while at_home().start().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let home = folder();
    let file = home.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let port = free_port();
    let errors = [
        builder("not @ a name", port).start().await.unwrap_err(),
        builder("alice", port).port(80).start().await.unwrap_err(),
        builder("alice", port).folder(&file).start().await.unwrap_err(),
        builder("alice", port).group(" ").start().await.unwrap_err(),
        builder("alice", port).reach("no address at all").start().await.unwrap_err(),
    ];
    assert!(matches!(errors[0], Error::Name(_)), "{}", errors[0]);
    assert!(matches!(errors[1], Error::Start(_)), "{}", errors[1]);
    assert!(matches!(errors[2], Error::Profile(_)), "{}", errors[2]);
    assert!(matches!(errors[3], Error::Group(_)), "{}", errors[3]);
    assert!(matches!(errors[4], Error::Start(_)), "{}", errors[4]);
}
