//! The data space over the API: two peers share lists, values, progress and messages.

#![cfg_attr(not(feature = "shared"), allow(dead_code, unused_imports))]

use std::time::Duration;

use lsnp::web::{
    AddRequest, AnswerObject, CacheAnswer, CacheForgetQuery, CacheGetQuery, CacheKeyRequest, CachePutQuery, CallObject,
    CallRequest, ClientError, EditRequest, ErrorObject, EventObject, EventQuery, Events, JsonText, ListObject,
    MessageObject, MoveRequest, ProgressRequest, PublishRequest, RemoveRequest, SetRequest,
};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::openapi::check;
use crate::world::{PATIENCE, Peer, body, header, pair};

fn refused<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> (u16, ErrorObject) {
    match outcome {
        Err(ClientError::Refused { status, object }) => (status, *object),
        other => panic!("{other:?}"),
    }
}

fn any(text: &str) -> JsonText {
    JsonText::new(text).unwrap()
}

async fn watch(peer: &Peer, topic: Option<&str>, serve: Option<&str>) -> Events {
    let query = EventQuery { topic: topic.map(Into::into), serve: serve.map(Into::into), ..EventQuery::default() };
    peer.client.events(&query).await.unwrap()
}

async fn event<T>(events: &mut Events, what: &str, mut find: impl FnMut(EventObject) -> Option<T>) -> T {
    let search = async {
        loop {
            if let Some(found) = find(events.next().await.unwrap().expect("the stream ended")) {
                return found;
            }
        }
    };
    timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("no {what}"))
}

async fn message(events: &mut Events) -> MessageObject {
    let message = event(events, "message", |event| match event {
        EventObject::Message(message) => Some(*message),
        _ => None,
    });
    let message = message.await;
    check("MessageObject", &serde_json::to_value(&message).unwrap());
    message
}

async fn called(events: &mut Events) -> CallObject {
    let call = event(events, "call", |event| match event {
        EventObject::Call(call) => Some(*call),
        _ => None,
    });
    let call = call.await;
    check("CallObject", &serde_json::to_value(&call).unwrap());
    call
}

async fn list_event(events: &mut Events, what: &str) -> ListObject {
    let list = event(events, what, |event| match event {
        EventObject::List(list) if list.kind == what || list.change.as_ref().is_some_and(|done| done.what == what) => {
            Some(*list)
        }
        _ => None,
    });
    let list = list.await;
    check("ListObject", &serde_json::to_value(&list).unwrap());
    list
}

/// Waits until this peer has that list with so many items.
async fn items(peer: &Peer, events: &mut Events, id: &str, wanted: &[&str]) {
    loop {
        if let Ok(list) = peer.client.list(id).await {
            check("WholeListObject", &serde_json::to_value(&list).unwrap());
            let texts: Vec<&str> = list.items.iter().map(|item| item.text.as_str()).collect();
            if texts == wanted {
                return;
            }
        }
        event(events, &format!("{wanted:?}"), |event| matches!(event, EventObject::List(_)).then_some(())).await;
    }
}

fn add(text: &str, at: Option<usize>) -> EditRequest {
    let add = AddRequest { text: text.to_owned(), at, ..AddRequest::default() };
    EditRequest { add: Some(add), ..EditRequest::default() }
}

#[cfg(feature = "shared")]
#[tokio::test]
async fn a_list_is_made_shared_edited_and_taken_back() {
    let (alice, bob) = pair().await;
    let (mut hers, mut his) = (watch(&alice, None, None).await, watch(&bob, None, None).await);
    let party = alice.client.new_list("party/50%").await.unwrap();
    check("ListObject", &serde_json::to_value(&party).unwrap());
    assert!(party.creator.ours && party.standing == "joined" && party.name == "party/50%");
    assert_eq!(alice.client.lists().await.unwrap().len(), 1);

    alice.client.invite(&party.id, Some("bob")).await.unwrap();
    let invited = list_event(&mut his, "invited").await;
    assert_eq!((invited.id.as_str(), invited.creator.name.as_str()), (party.id.as_str(), "alice"));
    let joined = bob.client.join_list(&party.id).await.unwrap();
    assert_eq!(joined.standing, "joined");

    let one = alice.client.edit_list(&party.id, &add("one", None)).await.unwrap();
    assert_eq!((one.change.what.as_str(), one.change.place), ("added", Some(1)));
    items(&bob, &mut his, &party.id, &["one"]).await;
    bob.client.edit_list(&party.id, &add("zero", Some(1))).await.unwrap();
    items(&alice, &mut hers, &party.id, &["zero", "one"]).await;

    let shift = MoveRequest { item: one.item.clone(), to: 1 };
    let moved = alice.client.edit_list(&party.id, &EditRequest { shift: Some(shift), ..EditRequest::default() }).await;
    assert_eq!(moved.unwrap().change.place, Some(1));
    let fields = [("artist".to_owned(), "x".to_owned())].into();
    let set = SetRequest { item: "2".into(), text: Some("nil".into()), fields, drop: Vec::new() };
    alice.client.edit_list(&party.id, &EditRequest { set: Some(set), ..EditRequest::default() }).await.unwrap();
    items(&bob, &mut his, &party.id, &["one", "nil"]).await;
    assert_eq!(bob.client.list(&party.id).await.unwrap().items[1].fields["artist"], "x");
    let remove = EditRequest { remove: Some(RemoveRequest { item: "1".into() }), ..EditRequest::default() };
    alice.client.edit_list(&party.id, &remove).await.unwrap();
    alice.client.undo(&party.id).await.unwrap();
    items(&bob, &mut his, &party.id, &["one", "nil"]).await;

    let log = bob.client.list_log(&party.id, None).await.unwrap();
    log.iter().for_each(|entry| check("LogObject", &serde_json::to_value(entry).unwrap()));
    let done: Vec<&str> = log.iter().map(|entry| entry.change.what.as_str()).collect();
    assert!(
        ["created", "invited", "joined", "added", "moved", "changed", "removed"].iter().all(|what| done.contains(what)),
        "{done:?}"
    );

    // By its name, as by its id.
    let (status, _) = alice.ask("GET /api/lists/party%2F50%25", &[], "").await;
    assert_eq!(status, 200);
    for (line, content, status, word) in [
        ("GET /api/lists/nothing", "", 404, "unknown"),
        ("POST /api/lists", r#"{"name":""}"#, 400, "usage"),
        ("POST /api/lists/party%2F50%25/edits", r#"{}"#, 400, "usage"),
        ("POST /api/lists/party%2F50%25/edits", r#"{"add":{"text":"x","at":0}}"#, 400, "usage"),
        ("POST /api/lists/party%2F50%25/edits", r#"{"add":{"text":"x"},"remove":{"item":"1"}}"#, 400, "usage"),
        ("POST /api/lists/party%2F50%25/edits", r#"{"remove":{"item":"3"}}"#, 404, "unknown"),
        ("POST /api/lists/party%2F50%25/edits", r#"{"remove":{"item":"0"}}"#, 404, "unknown"),
        ("POST /api/lists/party%2F50%25/edits", r#"{"remove":{"item":"x"}}"#, 400, "usage"),
        (
            "POST /api/lists/party%2F50%25/edits",
            r#"{"set":{"item":"1","fields":{"a":"b"},"drop":["a"]}}"#,
            400,
            "usage",
        ),
        ("POST /api/lists/party%2F50%25/invite", r#"{}"#, 400, "usage"),
        ("POST /api/lists/party%2F50%25/invite", r#"{"to":"carol"}"#, 404, "nobody"),
        ("GET /api/lists/party%2F50%25/log?limit=0", "", 400, "usage"),
    ] {
        wrong(&alice, line, content, status, word).await;
    }
    bob.client.leave_list(&party.id).await.unwrap();
    assert_eq!(refused(bob.client.edit_list(&party.id, &add("x", None)).await).0 / 100, 4);
}

async fn wrong(peer: &Peer, line: &str, content: &str, status: u16, word: &str) {
    let json: [(&str, &str); 1] = [("Content-Type", "application/json")];
    let head = if content.is_empty() { &[][..] } else { &json[..] };
    let (got, answer) = peer.ask(line, head, content).await;
    assert!(got == status && answer.contains(&format!(r#""error":"{word}""#)), "{line} {content}: {answer}");
    check("ErrorObject", &serde_json::from_str(body(&answer)).unwrap());
}

/// Each says of the other that the digits were compared.
async fn verify(alice: &Peer, bob: &Peer) {
    alice.client.judge("bob", "verify").await.unwrap();
    bob.client.judge("alice", "verify").await.unwrap();
}

fn put(key: &str) -> CachePutQuery {
    CachePutQuery { key: key.to_owned(), ..CachePutQuery::default() }
}

fn get(key: &str, make: bool) -> CacheGetQuery {
    CacheGetQuery { key: key.to_owned(), make, ..CacheGetQuery::default() }
}

#[tokio::test]
async fn a_value_is_found_here_and_by_those_who_trust() {
    let (alice, bob) = pair().await;
    let value = b"\0\xff value".to_vec();
    alice.client.cache_put(&put("a"), value.clone()).await.unwrap();
    let (status, miss) = refused(bob.client.cache_get(&get("a", false)).await);
    assert_eq!((status, miss.error.as_str()), (404, "miss"), "not trusted");
    assert!(miss.message.contains("VERIFY"), "{}", miss.message);
    verify(&alice, &bob).await;

    let CacheAnswer::Found { value: here, peer, hash, ttl } = alice.client.cache_get(&get("a", false)).await.unwrap()
    else {
        panic!("not found")
    };
    assert_eq!((&here[..], peer, hash), (&value[..], None, blake3::hash(&value).to_hex().to_string()));
    assert!((295..=300).contains(&ttl.as_secs()), "{ttl:?}");
    let CacheAnswer::Found { value: there, peer, .. } = bob.client.cache_get(&get("a", false)).await.unwrap() else {
        panic!("not found")
    };
    assert_eq!((&there[..], peer), (&value[..], alice.client.status().await.unwrap().key));
    let stats = bob.client.cache_stats().await.unwrap();
    check("CacheStatsObject", &serde_json::to_value(stats.clone()).unwrap());
    assert_eq!((stats.peer_hits, stats.misses), (1, 1));
    let metrics = bob.ask("GET /metrics", &[], "").await.1;
    assert!(metrics.contains("lsnp_cache_lookups_total{found=\"peer\"} 1\n"), "{metrics}");
    assert!(metrics.contains("lsnp_data_refused_total{part=\"list\"} 0\n"), "{metrics}");

    let (_, answer) = alice.ask("GET /api/cache?key=a", &[], "").await;
    assert_eq!(header(&answer, "content-disposition"), Some("attachment"));
    let other = CacheGetQuery { namespace: "other".into(), ..get("a", false) };
    assert_eq!(refused(alice.client.cache_get(&other).await).0, 404, "another project");

    let longest = vec![7; 1 << 20];
    alice.client.cache_put(&put("long"), longest.clone()).await.unwrap();
    let CacheAnswer::Found { value, .. } = alice.client.cache_get(&get("long", false)).await.unwrap() else {
        panic!("not found")
    };
    assert!(value == longest);
    let (status, object) = refused(alice.client.cache_put(&put("longer"), vec![7; (1 << 20) + 1]).await);
    assert_eq!((status, object.error.as_str()), (413, "too-long"));
    for (line, status, word) in [
        ("GET /api/cache", 400, "usage"),
        ("GET /api/cache?key=", 400, "usage"),
        ("GET /api/cache?key=b", 404, "miss"),
        ("PUT /api/cache?key=b&ttl=0", 400, "usage"),
    ] {
        wrong(&alice, line, "", status, word).await;
    }
    let other = CacheForgetQuery { namespace: Some("x".to_owned()), key: None };
    assert_eq!(alice.client.cache_forget(&other).await.unwrap().entries, 0);
    assert_eq!(alice.client.cache_forget(&Default::default()).await.unwrap().entries, 2);
    let CacheAnswer::Found { peer, .. } = alice.client.cache_get(&get("a", false)).await.unwrap() else {
        panic!("not found")
    };
    assert_eq!(peer, bob.client.status().await.unwrap().key, "others keep theirs");
    let (status, miss) = refused(alice.client.cache_get(&get("long", false)).await);
    assert!(status == 404 && !miss.message.contains("VERIFY"), "{}", miss.message);
}

#[tokio::test]
async fn one_makes_a_value_and_who_is_gone_makes_none() {
    let (alice, bob) = pair().await;
    verify(&alice, &bob).await;
    assert_eq!(alice.client.cache_get(&get("a", true)).await.unwrap(), CacheAnswer::Make);
    let wanted = get("a", true);
    let waits = bob.client.cache_get(&wanted);
    let key = CacheKeyRequest { namespace: String::new(), key: "a".into() };
    let makes = async {
        alice.client.cache_still_making(&key).await.unwrap();
        alice.client.cache_put(&put("a"), b"made".to_vec()).await.unwrap();
    };
    let (found, ()) = timeout(PATIENCE, async { tokio::join!(waits, makes) }).await.unwrap();
    assert!(matches!(found.unwrap(), CacheAnswer::Found { value, .. } if value == b"made"[..]));

    // Told to make it, alice gives up: bob is to.
    assert_eq!(alice.client.cache_get(&get("b", true)).await.unwrap(), CacheAnswer::Make);
    let key = CacheKeyRequest { key: "b".into(), ..key };
    let wanted = get("b", true);
    let waits = bob.client.cache_get(&wanted);
    let gives_up = alice.client.cache_give_up(&key);
    let (found, gave_up) = timeout(PATIENCE, async { tokio::join!(waits, gives_up) }).await.unwrap();
    gave_up.unwrap();
    assert_eq!(found.unwrap(), CacheAnswer::Make);

    // While bob makes it, a program of alice waits, and goes; when bob gives up, it is for who waits then.
    let mut gone = alice.connect().await;
    gone.write_all(alice.request("GET /api/cache?key=b&make=true", &[], "").as_bytes()).await.unwrap();
    drop(gone);
    bob.client.cache_give_up(&key).await.unwrap();
    let found = timeout(PATIENCE, alice.client.cache_get(&get("b", true))).await.unwrap();
    assert_eq!(found.unwrap(), CacheAnswer::Make);
}

#[tokio::test]
async fn progress_is_told_and_stands_on_both_boards() {
    let (alice, bob) = pair().await;
    let mut events = watch(&bob, None, None).await;
    let progress = ProgressRequest {
        user: "fatuma".into(),
        lesson: "lesson-001".into(),
        status: "completed".into(),
        timestamp: Some(1_700_000_000),
        ..ProgressRequest::default()
    };
    assert_eq!(alice.client.progress(&progress).await.unwrap().peers, 1);
    let told = event(&mut events, "progress", |event| match event {
        EventObject::Progress(progress) => Some(*progress),
        _ => None,
    });
    let told = told.await;
    check("ProgressObject", &serde_json::to_value(&told).unwrap());
    assert_eq!((told.user.as_str(), told.by.name.as_str(), told.newest), ("fatuma", "alice", Some(true)));
    let (hers, his) = (alice.client.board().await.unwrap(), bob.client.board().await.unwrap());
    assert!(hers[0].by.ours && !his[0].by.ours && hers.len() == 1 && his.len() == 1);
    assert_eq!((his[0].timestamp, his[0].status.as_str(), his[0].newest), (1_700_000_000, "completed", None));

    let to_bob = ProgressRequest { lesson: "only".into(), to: Some("bob".into()), ..progress.clone() };
    alice.client.progress(&to_bob).await.unwrap();
    event(&mut events, "progress", |event| {
        matches!(event, EventObject::Progress(told) if told.lesson == "only").then_some(())
    })
    .await;
    for content in [
        r#"{"user":"","lesson":"a","status":"b"}"#,
        r#"{"user":"a","lesson":"\n","status":"b"}"#,
        r#"{"user":"a","lesson":"b","status":"c","to":"bob","taken":true}"#,
    ] {
        wrong(&alice, "POST /api/progress", content, 400, "usage").await;
    }
}

fn publish(topic: &str, text: &str) -> PublishRequest {
    PublishRequest { topic: topic.into(), kind: None, body: any(text), delivery: None, to: Vec::new() }
}

#[tokio::test]
async fn messages_go_to_those_who_want_their_topic() {
    let (alice, bob) = pair().await;
    let (mut all, mut some) = (watch(&bob, Some("#"), None).await, watch(&bob, Some("sensors/+/heat"), None).await);
    let mut people = watch(&bob, None, None).await;
    let text = r#"{ "z":[1.10, 12345678901234567890],"a":"\u202e\ud83d\ude00" ,"a":null}"#;
    let sent = alice.client.publish(&publish("news", "1")).await.unwrap();
    assert_eq!((sent.sent, sent.missing.len()), (1, 0));
    let acknowledged = PublishRequest {
        delivery: Some("acknowledged".into()),
        kind: Some("control".into()),
        ..publish("sensors/a/heat", text)
    };
    let sent = alice.client.publish(&acknowledged).await.unwrap();
    assert_eq!(sent.acknowledged.iter().map(|who| who.name.as_str()).collect::<Vec<_>>(), ["bob"]);
    let heat = message(&mut some).await;
    assert_eq!(
        (heat.topic.as_str(), heat.purpose.as_str(), heat.from.name.as_str()),
        ("sensors/a/heat", "control", "alice")
    );
    assert!(heat.body.get().contains("1.10,12345678901234567890") && heat.body.get().is_ascii(), "{:?}", heat.body);
    assert_eq!(message(&mut all).await.topic, "news");
    assert_eq!(message(&mut all).await, heat);

    let long = format!("\"{}\"", "x".repeat((64 << 10) - 2));
    let secret = PublishRequest { to: vec!["bob".into()], ..publish("long", &long) };
    alice.client.publish(&secret).await.unwrap();
    let heard = message(&mut all).await;
    assert!(heard.sealed && heard.body == any(&long));
    let longer = publish("long", &format!("\"{}\"", "x".repeat(64 << 10)));
    assert_eq!(refused(alice.client.publish(&longer).await).0, 413);
    for content in [
        r#"{"topic":"a b","body":1}"#,
        r#"{"topic":"a/+","body":1}"#,
        r#"{"topic":"a"}"#,
        r#"{"topic":"a","body":1,"kind":"other"}"#,
        r#"{"topic":"a","body":1,"delivery":"maybe"}"#,
    ] {
        wrong(&alice, "POST /api/publish", content, 400, "usage").await;
    }
    wrong(&alice, "POST /api/publish", r#"{"topic":"a","body":1,"to":["carol"]}"#, 404, "nobody").await;
    wrong(&alice, "GET /api/events?topic=a%2F%23%2Fb", "", 400, "usage").await;
    wrong(&alice, "GET /api/events?topic=a&from=bob", "", 400, "usage").await;

    // Nobody else hears of them.
    alice.client.post("to all").await.unwrap();
    event(&mut people, "post", |event| match event {
        EventObject::Message(message) => panic!("{message:?}"),
        EventObject::Line(line) => Some(line),
        _ => None,
    })
    .await;
}

fn call(method: &str, text: &str) -> CallRequest {
    CallRequest { to: "bob".into(), method: method.into(), body: any(text), timeout_ms: None }
}

async fn calls(peer: &Peer, method: &str, text: &str) -> Result<AnswerObject, ClientError> {
    peer.client.call(&call(method, text)).await
}

#[tokio::test]
async fn a_call_is_answered_by_the_stream_that_serves_its_method() {
    let (alice, bob) = pair().await;
    let mut served = watch(&bob, None, Some("add")).await;
    let query = EventQuery { serve: Some("add".into()), ..EventQuery::default() };
    assert_eq!(refused(bob.client.events(&query).await).1.error, "taken");

    let serves = async {
        let called = called(&mut served).await;
        assert_eq!((called.method.as_str(), called.from.name.as_str(), called.body.get()), ("add", "alice", "[1,2]"));
        bob.client.answer(&called.call, Ok(any("null"))).await.unwrap();
        called.call
    };
    let (answer, first) =
        tokio::join!(calls(&alice, "add", "[1, 2]"), async { timeout(PATIENCE, serves).await.unwrap() });
    let answer = answer.unwrap();
    check("AnswerObject", &serde_json::to_value(&answer).unwrap());
    assert_eq!(answer.body, any("null"));

    let serves = async {
        let called = called(&mut served).await;
        assert_ne!(called.call, first);
        bob.client.answer(&called.call, Err("no \u{1b}[31m numbers".into())).await.unwrap();
    };
    let (answer, ()) = tokio::join!(calls(&alice, "add", "{}"), serves);
    let (status, object) = refused(answer);
    assert_eq!((status, object.error.as_str()), (502, "answered-no"));
    assert!(object.message.contains("numbers") && !object.message.contains('\u{1b}'), "{}", object.message);

    // Nobody answers in time.
    let short = CallRequest { timeout_ms: Some(50), ..call("add", "1") };
    let (answer, late) = tokio::join!(alice.client.call(&short), called(&mut served));
    assert_eq!(refused(answer).0, 504);
    // What comes too late is of no use to anybody, and does no harm.
    let _ = bob.client.answer(&late.call, Ok(any("1"))).await;

    // Who reads no more serves no more, and another may.
    drop(served);
    let again = async {
        loop {
            match bob.client.events(&query).await {
                Ok(events) => return events,
                Err(error) => assert_eq!(refused::<()>(Err(error)).1.error, "taken"),
            }
            tokio::task::yield_now().await;
        }
    };
    let mut served = timeout(PATIENCE, again).await.unwrap();
    let serves = async {
        let called = called(&mut served).await;
        bob.client.answer(&called.call, Ok(any("3"))).await.unwrap();
    };
    let (answer, ()) = tokio::join!(calls(&alice, "add", "1"), serves);
    assert_eq!(answer.unwrap().body, any("3"));

    let (status, object) = refused(alice.client.call(&call("other", "1")).await);
    assert_eq!((status, object.error.as_str()), (502, "answered-no"), "nobody serves it");
    let answer = r#"{"body":1}"#;
    wrong(&bob, "POST /api/answers/0123456789abcdef", answer, 404, "unknown").await;
    wrong(&bob, "POST /api/answers/x", answer, 404, "unknown").await;
    wrong(&bob, "POST /api/answers/0123456789abcdef", r#"{"body":1,"error":"x"}"#, 400, "usage").await;
    wrong(&bob, "POST /api/answers/0123456789abcdef", "{}", 400, "usage").await;
    wrong(&alice, "POST /api/call", r#"{"to":"carol","method":"a","body":1}"#, 404, "nobody").await;
    wrong(&alice, "POST /api/call", r#"{"to":"bob","method":"a b","body":1}"#, 400, "usage").await;
    wrong(&alice, "POST /api/call", r#"{"to":"bob","method":"a","body":1,"timeout_ms":0}"#, 400, "usage").await;
}

#[tokio::test]
async fn a_peer_without_a_key_shares_nothing() {
    let options = lsnp::node::Options { keys: None, ..crate::world::options("plain", crate::world::free_port()) };
    let node = lsnp::node::Node::start(options).unwrap();
    let board = lsnp::data::Command::Board(lsnp::data::board::Command::Board);
    let outcome = timeout(Duration::from_secs(10), node.handle.data(board.clone())).await.unwrap();
    assert_eq!(outcome, Err(lsnp::data::Error::NoKey));
    node.handle.leave().await;
    assert_eq!(node.handle.data(board).await, Err(lsnp::data::Error::Left));
}
