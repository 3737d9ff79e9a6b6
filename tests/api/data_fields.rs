//! Every field of the data space is described.

use lsnp::web::{
    AddRequest, AnswerObject, AnswerRequest, AuthorObject, CacheForgottenObject, CacheKeyRequest, CacheObject,
    CacheStatsObject, CachedObject, CallObject, CallRequest, ChangeObject, EditRequest, EditedObject, InviteRequest,
    ItemObject, JsonText, ListObject, ListRequest, LogObject, MemberObject, MessageObject, MoveRequest, ProgressObject,
    ProgressRequest, PublishRequest, PublishedObject, RemoveRequest, SCHEMA, SetRequest, ToldObject, WholeListObject,
};

use crate::openapi::{s, same};

fn author() -> AuthorObject {
    AuthorObject { key: s("k"), name: s("bob"), who: s("#7f3a"), trust: Some(s("known")), ours: false }
}

fn change() -> ChangeObject {
    ChangeObject { what: s("added"), item: Some(s("00")), text: Some(s("t")), place: Some(1), whom: Some(author()) }
}

fn list() -> ListObject {
    ListObject {
        v: SCHEMA,
        kind: s("list"),
        id: s("00"),
        name: s("party"),
        creator: author(),
        standing: s("joined"),
        invited_by: Some(author()),
        items: 1,
        members: 2,
        open: false,
        by: Some(author()),
        change: Some(change()),
    }
}

fn any() -> JsonText {
    JsonText::new(r#"{"a":[1,null]}"#).unwrap()
}

#[test]
fn of_lists() {
    same("AuthorObject", &author(), &AuthorObject { trust: None, ..author() });
    let bare = ChangeObject { item: None, text: None, place: None, whom: None, ..change() };
    same("ChangeObject", &change(), &bare);
    same("ListObject", &list(), &ListObject { invited_by: None, by: None, change: None, ..list() });
    let fields = [(s("artist"), s("x"))].into();
    let item = ItemObject { id: s("00"), place: 1, text: s("t"), fields, by: author() };
    same("ItemObject", &item, &ItemObject { fields: Default::default(), ..item.clone() });
    let member = MemberObject { who: author(), standing: s("left"), edits: 3 };
    same("MemberObject", &member, &member);
    let whole = WholeListObject {
        v: SCHEMA,
        kind: s("whole-list"),
        list: list(),
        items: vec![item],
        members: vec![member],
        refused: 1,
        rebuilt: 1,
    };
    same("WholeListObject", &whole, &whole);
    let edited = EditedObject { v: SCHEMA, kind: s("edited"), item: s("00"), change: change() };
    same("EditedObject", &edited, &edited);
    let log = LogObject { v: SCHEMA, kind: s("log"), by: author(), at: s("2026"), change: change(), undone: true };
    same("LogObject", &log, &log);
}

#[test]
fn of_the_cache_and_the_board() {
    let cached = CachedObject { v: SCHEMA, kind: s("cached"), hash: s("00") };
    same("CachedObject", &cached, &cached);
    let cache = CacheObject { v: SCHEMA, kind: s("cache"), namespace: s("n"), key: s("k"), size: 1, by: author() };
    same("CacheObject", &cache, &cache);
    let stats = CacheStatsObject { v: SCHEMA, kind: s("cache-stats"), ..CacheStatsObject::default() };
    same("CacheStatsObject", &stats, &stats);
    let forgotten = CacheForgottenObject { v: SCHEMA, kind: s("cache-forgotten"), entries: 1 };
    same("CacheForgottenObject", &forgotten, &forgotten);
    let progress = ProgressObject {
        v: SCHEMA,
        kind: s("progress"),
        user: s("fatuma"),
        lesson: s("l"),
        status: s("completed"),
        timestamp: 1,
        by: author(),
        lamport: 1,
        newest: Some(true),
        late: Some(false),
    };
    same("ProgressObject", &progress, &ProgressObject { newest: None, late: None, ..progress.clone() });
    let told = ToldObject { v: SCHEMA, kind: s("told"), peers: 1 };
    same("ToldObject", &told, &told);
}

#[test]
fn of_messages() {
    let message = MessageObject {
        v: SCHEMA,
        kind: s("message"),
        from: author(),
        topic: s("a/b"),
        purpose: s("chat"),
        body: any(),
        sealed: true,
        ours: false,
    };
    same("MessageObject", &message, &message);
    let call = CallObject {
        v: SCHEMA,
        kind: s("call"),
        call: s("00"),
        from: author(),
        method: s("m"),
        timeout_ms: 5,
        body: any(),
    };
    same("CallObject", &call, &call);
    let published = PublishedObject {
        v: SCHEMA,
        kind: s("published"),
        sent: 2,
        acknowledged: vec![author()],
        missing: vec![author()],
    };
    let bare = PublishedObject { acknowledged: Vec::new(), missing: Vec::new(), ..published.clone() };
    same("PublishedObject", &published, &bare);
    let answer = AnswerObject { v: SCHEMA, kind: s("answer"), body: any() };
    same("AnswerObject", &answer, &answer);
}

#[test]
fn of_requests() {
    let list = ListRequest { name: s("party") };
    same("ListRequest", &list, &list);
    let add = AddRequest { text: s("t"), at: Some(1), fields: [(s("a"), s("b"))].into() };
    same("AddRequest", &add, &AddRequest { at: None, fields: Default::default(), ..add.clone() });
    let shift = MoveRequest { item: s("1"), to: 2 };
    same("MoveRequest", &shift, &shift);
    let set = SetRequest { item: s("1"), text: Some(s("t")), fields: [(s("a"), s("b"))].into(), drop: vec![s("c")] };
    same("SetRequest", &set, &SetRequest { item: s("1"), ..SetRequest::default() });
    let remove = RemoveRequest { item: s("1") };
    same("RemoveRequest", &remove, &remove);
    let edit = EditRequest { add: Some(add), shift: Some(shift), set: Some(set), remove: Some(remove) };
    same("EditRequest", &edit, &EditRequest::default());
    same("InviteRequest", &InviteRequest { to: Some(s("bob")), all: true }, &InviteRequest::default());
    let key = CacheKeyRequest { namespace: s("n"), key: s("k") };
    same("CacheKeyRequest", &key, &CacheKeyRequest { key: s("k"), ..CacheKeyRequest::default() });
    let progress = ProgressRequest {
        user: s("u"),
        lesson: s("l"),
        status: s("s"),
        timestamp: Some(1),
        to: Some(s("bob")),
        taken: true,
    };
    same(
        "ProgressRequest",
        &progress,
        &ProgressRequest { timestamp: None, to: None, taken: false, ..progress.clone() },
    );
    let publish = PublishRequest {
        topic: s("t"),
        kind: Some(s("data")),
        body: any(),
        delivery: Some(s("acknowledged")),
        to: vec![s("bob")],
    };
    let bare = PublishRequest { kind: None, delivery: None, to: Vec::new(), ..publish.clone() };
    same("PublishRequest", &publish, &bare);
    let call = CallRequest { to: s("bob"), method: s("m"), body: any(), timeout_ms: Some(1) };
    same("CallRequest", &call, &CallRequest { timeout_ms: None, ..call.clone() });
    same("AnswerRequest", &AnswerRequest { body: Some(any()), error: Some(s("no")) }, &AnswerRequest::default());
}
