//! What each route does and refuses.

use lsnp::web::{Client, ClientError, ErrorObject, ForgetRequest, HistoryQuery, LineObject};
use serde_json::Value;

use crate::openapi::check;
use crate::world::{Peer, body, free_port, meet, pair, start, start_forgetful};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nnot much of a picture";

pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> (u16, Box<ErrorObject>) {
    match outcome {
        Err(ClientError::Refused { status, object }) => {
            check("ErrorObject", &serde_json::to_value(&object).unwrap());
            (status, object)
        }
        other => panic!("{other:?}"),
    }
}

/// Waits until that many lines are in the history.
pub(crate) async fn lines(peer: &Peer, count: usize) -> Vec<LineObject> {
    let mut events = peer.context.handle.events();
    let found = async {
        loop {
            let lines = peer.client.history(&HistoryQuery::default()).await.unwrap();
            if lines.len() >= count {
                return lines;
            }
            // Whatever happened: it is looked at again.
            let _ = tokio::time::timeout(std::time::Duration::from_millis(10), events.recv()).await;
        }
    };
    tokio::time::timeout(crate::world::PATIENCE, found).await.expect("the lines are not kept")
}

#[tokio::test]
async fn every_answer_is_as_it_is_described() {
    let (alice, bob) = pair().await;
    alice.client.dm("bob", "kept").await.unwrap();
    lines(&alice, 1).await;
    lines(&bob, 1).await;
    let who = alice.client.peers(false).await.unwrap()[0].who.clone();
    let id = alice.client.history(&HistoryQuery::default()).await.unwrap()[0].message.clone();
    let message = format!("GET /api/messages/{id}");
    let judge = format!(r#"{{"who":"{who}","word":"mute"}}"#);
    for (line, content, schema) in [
        ("GET /api/status", "", "StatusObject"),
        ("GET /api/peers", "", "PeerObject"),
        ("GET /api/peers?all=true", "", "PeerObject"),
        ("POST /api/posts", r#"{"text":"a"}"#, "SentObject"),
        ("POST /api/dms", r#"{"to":"bob","text":"b"}"#, "SentObject"),
        (&message, "", "SentObject"),
        ("GET /api/history", "", "LineObject"),
        ("GET /api/search?words=kept", "", "LineObject"),
        ("GET /api/profile", "", "ProfileObject"),
        ("PATCH /api/profile", r#"{"status":"here"}"#, "ProfileObject"),
        ("DELETE /api/avatar", "", "ProfileObject"),
        ("POST /api/judge", &judge, "PeerObject"),
        ("POST /api/read", r#"{"rows":[1]}"#, "DoneObject"),
        ("POST /api/forget", r#"{"all":true}"#, "ForgottenObject"),
        ("POST /api/stop", "", "DoneObject"),
    ] {
        let (status, answer) = alice.ask(line, &[], content).await;
        assert_eq!(status, 200, "{line}: {answer}");
        let value: Value = serde_json::from_str(body(&answer)).unwrap();
        match value.as_array() {
            Some(values) => {
                assert!(!values.is_empty(), "{line}");
                values.iter().for_each(|value| check(schema, value));
            }
            None => check(schema, &value),
        }
    }
    alice.context.stop.notified().await;
}

#[tokio::test]
async fn history_is_read_searched_exported_and_forgotten() {
    let (alice, bob) = pair().await;
    for text in ["first words", "second words", "third"] {
        alice.client.dm("bob", text).await.unwrap();
    }
    let all = lines(&bob, 3).await;
    let texts = |lines: &[LineObject]| lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&all), ["first words", "second words", "third"]);
    assert_eq!(bob.client.status().await.unwrap().unread, Some(3));

    let newest = HistoryQuery { limit: Some(1), ..HistoryQuery::default() };
    assert_eq!(texts(&bob.client.history(&newest).await.unwrap()), ["third"]);
    let earlier = HistoryQuery { before: all[1].row, with: Some("alice".into()), ..HistoryQuery::default() };
    assert_eq!(texts(&bob.client.history(&earlier).await.unwrap()), ["first words"]);
    let key = all[0].with.as_ref().unwrap().key.clone();
    let by_key = HistoryQuery { with: key, ..HistoryQuery::default() };
    assert_eq!(bob.client.history(&by_key).await.unwrap().len(), 3);
    assert_eq!(texts(&bob.client.search("words", None, Some(1)).await.unwrap()), ["second words"]);

    bob.client.read(&[all[0].row.unwrap(), all[1].row.unwrap()]).await.unwrap();
    let unread = HistoryQuery { unread: true, ..HistoryQuery::default() };
    assert_eq!(texts(&bob.client.history(&unread).await.unwrap()), ["third"]);

    let mut export = bob.client.export(&HistoryQuery::default()).await.unwrap();
    let mut exported = Vec::new();
    while let Some(line) = export.next().await.unwrap() {
        exported.push(line.text);
    }
    assert_eq!(exported, texts(&all));

    let with = ForgetRequest { with: Some("alice".into()), ..ForgetRequest::default() };
    assert_eq!(bob.client.forget(&with).await.unwrap().lines, 3);
    assert!(bob.client.history(&HistoryQuery::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_peer_without_history_cannot_do_is_told() {
    let peer = start_forgetful("alice", free_port()).await;
    let (status, object) = refused(peer.client.history(&HistoryQuery::default()).await);
    assert_eq!((status, object.error.as_str()), (503, "no-history"));
    assert_eq!(refused(peer.client.search("a", None, None).await).0, 503);
    assert_eq!(refused(peer.client.export(&HistoryQuery::default()).await).0, 503);
    assert_eq!(refused(peer.client.read(&[1]).await).0, 503);
    assert_eq!(refused(peer.client.forget(&ForgetRequest { all: true, ..ForgetRequest::default() }).await).0, 503);
    assert_eq!(refused(peer.client.message("0123456789abcdef").await).0, 404);
    let status = peer.client.status().await.unwrap();
    assert_eq!((status.history, status.unread), (false, None));
}

#[tokio::test]
async fn nobody_is_guessed() {
    let port = free_port();
    let alice = start("alice", port).await;
    let (_one, _other) = (start("bob", port).await, start("bob", port).await);
    let both = async {
        while alice.client.peers(false).await.unwrap().len() < 2 {
            meet(&alice, "bob").await;
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::world::PATIENCE, both).await.unwrap();
    let (status, object) = refused(alice.client.dm("bob", "hi").await);
    assert_eq!((status, object.error.as_str(), object.candidates.len()), (409, "ambiguous", 2));
    // A name at its beginning would get a capital.
    assert_eq!(object.message, "more than one is called bob: say which one");
    // What the answer says names one of them.
    let who = &object.candidates[0].who;
    let sent = alice.client.dm(who, "hi").await.unwrap();
    assert_eq!(sent.to.unwrap().key, object.candidates[0].key);

    let (status, object) = refused(alice.client.dm("carol", "hi").await);
    assert_eq!((status, object.error.as_str()), (404, "nobody"));
    assert_eq!(refused(alice.client.judge("carol", "block").await).0, 404);
}

#[tokio::test]
async fn somebody_who_left_can_still_be_written_to() {
    let (alice, bob) = pair().await;
    bob.context.handle.leave().await;
    let gone = async {
        while !alice.client.peers(false).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::world::PATIENCE, gone).await.unwrap();
    let all = alice.client.peers(true).await.unwrap();
    assert_eq!((all[0].name.as_str(), all[0].presence.as_str()), ("bob", "away"));
    check("PeerObject", &serde_json::to_value(&all[0]).unwrap());
    let sent = alice.client.dm("bob", "for later").await.unwrap();
    assert_eq!(sent.mark, "waiting");
    assert!(sent.reason.unwrap().contains("not here"));
}

#[tokio::test]
async fn the_profile_and_what_is_said_of_others_can_be_changed() {
    let (alice, bob) = pair().await;
    let profile = alice.client.set_profile(Some("Alice A."), Some("away")).await.unwrap();
    assert_eq!((profile.name.as_deref(), profile.status.as_deref()), (Some("Alice A."), Some("away")));
    let profile = alice.client.set_profile(None, Some("")).await.unwrap();
    assert_eq!((profile.name.as_deref(), profile.status), (Some("Alice A."), None));
    assert_eq!(alice.client.set_profile(Some(""), None).await.unwrap().name, None);
    assert_eq!(alice.client.set_avatar(Some(PICTURE.to_vec())).await.unwrap().avatar, Some(PICTURE.len()));
    assert_eq!(alice.client.set_avatar(None).await.unwrap().avatar, None);
    for (name, status) in [(Some("\u{1b}[1m"), None), (None, Some("\u{7}")), (Some(&*"x".repeat(33)), None)] {
        assert_eq!(refused(alice.client.set_profile(name, status).await).0, 400, "{name:?} {status:?}");
    }
    assert_eq!(refused(alice.client.set_avatar(Some(b"GIF89a".to_vec())).await).0, 400);

    assert!(bob.client.judge("alice", "block").await.unwrap().blocked);
    assert!(bob.client.peers(false).await.unwrap().is_empty());
    assert!(bob.client.peers(true).await.unwrap()[0].blocked);
    assert_eq!(refused(bob.client.dm("alice", "hi").await).1.error, "refused");
    assert!(!bob.client.judge("alice", "unblock").await.unwrap().blocked);
    assert!(bob.client.judge("alice", "mute").await.unwrap().muted);
    assert_eq!(bob.client.judge("alice", "verify").await.unwrap().trust, "verified");
    assert_eq!(refused(bob.client.judge("alice", "love").await).0, 400);
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let alice = start("alice", free_port()).await;
    let text = |error: &str| format!(r#""error":"{error}""#);
    for (line, content, status) in [
        ("POST /api/posts", "", 400),
        ("POST /api/posts", "{", 400),
        ("POST /api/posts", "[]", 400),
        ("POST /api/posts", r#"{"text":1}"#, 400),
        ("POST /api/posts", r#"{"text":""}"#, 400),
        ("POST /api/posts", r#"{"text":"a","more":1}"#, 400),
        ("POST /api/posts", r#"{"text":"a","text":"b"}"#, 400),
        ("POST /api/posts", "{\"text\":\"\u{0}\"}", 400),
        ("GET /api/peers?al=true", "", 400),
        ("GET /api/peers?all=yes", "", 400),
        ("GET /api/history?limit=0", "", 400),
        ("GET /api/history?limit=1001", "", 400),
        ("GET /api/history?limit=1&limit=2", "", 400),
        ("GET /api/history?since=-1", "", 400),
        ("GET /api/history?with=nobody", "", 404),
        ("GET /api/search", "", 400),
        ("GET /api/search?words=%20", "", 400),
        ("GET /api/events?from=nobody", "", 404),
        ("GET /api/events?since=x", "", 400),
        ("GET /api/messages/x", "", 404),
        ("GET /api/messages/0123456789abcdef", "", 404),
        ("POST /api/forget", "{}", 400),
        ("POST /api/forget", r#"{"all":true,"before":1}"#, 400),
        ("POST /api/forget", r#"{"all":false}"#, 400),
        ("POST /api/read", r#"{"rows":["1"]}"#, 400),
    ] {
        let (got, answer) = alice.ask(line, &[], content).await;
        let word = if status == 404 { "nobody" } else { "usage" };
        assert!(got == status && answer.contains(&text(word)), "{line} {content}: {answer}");
        check("ErrorObject", &serde_json::from_str(body(&answer)).unwrap());
    }
    let plain = [("Content-Type", "text/plain"), ("Content-Length", "12")];
    let answer = alice.raw((alice.request("POST /api/posts", &plain, "") + r#"{"text":"a"}"#).as_bytes()).await;
    assert_eq!(crate::world::status(&answer), 400, "{answer}");
}

#[tokio::test]
async fn texts_have_the_limit_of_the_protocol() {
    let (alice, _bob) = pair().await;
    let longest = "\n\u{e9}".repeat(64 * 1024 / 3);
    assert!(alice.client.post(&longest).await.is_ok());
    let (status, object) = refused(alice.client.post(&"x".repeat(64 * 1024 + 1)).await);
    assert_eq!((status, object.error.as_str()), (413, "too-long"));
}

#[tokio::test]
async fn who_is_too_fast_is_told_how_long_to_wait() {
    let (alice, _bob) = pair().await;
    for _ in 0..10_000 {
        if let Err(error) = alice.client.post("x").await {
            let (status, object) = refused::<()>(Err(error));
            assert_eq!((status, object.error.as_str()), (429, "too-fast"));
            assert!(object.retry_after_ms.unwrap() > 0);
            return;
        }
    }
    panic!("never too fast");
}

#[tokio::test]
async fn the_same_routes_answer_in_one_process() {
    let alice = start("alice", free_port()).await;
    let client = Client::local(lsnp::web::router(alice.context.clone()));
    assert_eq!(client.status().await.unwrap().id, alice.client.status().await.unwrap().id);
    let mut events =
        client.events(&lsnp::web::EventQuery { since: Some(0), ..lsnp::web::EventQuery::default() }).await.unwrap();
    assert!(events.next().await.unwrap().is_some());
    assert_eq!(refused(client.dm("bob", "hi").await).0, 404);
    client.stop().await.unwrap();
    alice.context.stop.notified().await;
}
