//! What the API asks the program around the peer.

use std::sync::{Arc, Mutex, mpsc};

use lsnp::web::{Client, Context, DoctorObject, Program, SCHEMA, SettingRequest, SettingsObject};

use crate::openapi::check;
use crate::routes::refused;
use crate::world::{Peer, free_port, start};

/// A program whose doctor is as fast as the test wants.
#[derive(Debug)]
struct Fake {
    began: tokio::sync::mpsc::UnboundedSender<Option<String>>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl Program for Fake {
    fn doctor(&self, who: Option<&str>) -> Result<DoctorObject, String> {
        let over = "the test is over".to_owned();
        self.began.send(who.map(str::to_owned)).map_err(|_| over.clone())?;
        self.go_on.lock().map_err(|_| over.clone())?.recv().map_err(|_| over)?;
        if who == Some("nobody") {
            return Err("nobody is called so".to_owned());
        }
        Ok(DoctorObject {
            v: SCHEMA,
            kind: "doctor".to_owned(),
            healthy: true,
            cause: "Nothing is wrong.".to_owned(),
            advice: Vec::new(),
            checks: Vec::new(),
        })
    }

    fn settings(&self) -> Result<SettingsObject, String> {
        Ok(SettingsObject { v: SCHEMA, kind: "settings".to_owned(), file: "/x".to_owned(), settings: Vec::new() })
    }

    fn change(&self, change: &SettingRequest) -> Result<SettingsObject, String> {
        match (&*change.key, &change.values) {
            ("port", Some(values)) if values == &["8000"] => self.settings(),
            ("port", None) => self.settings(),
            _ => Err("no such key".to_owned()),
        }
    }
}

type Ends = (tokio::sync::mpsc::UnboundedReceiver<Option<String>>, mpsc::Sender<()>);

async fn with_program() -> (Peer, Client, Ends) {
    let alice = start("alice", free_port()).await;
    let (began, begun) = tokio::sync::mpsc::unbounded_channel();
    let (go, go_on) = mpsc::channel();
    let program = Arc::new(Fake { began, go_on: Mutex::new(go_on) });
    let client = Client::local(lsnp::web::router(Context { program: Some(program), ..alice.context.clone() }));
    (alice, client, (begun, go))
}

#[tokio::test]
async fn the_doctor_sees_one_at_a_time() {
    let (_alice, client, (mut begun, go)) = with_program().await;
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.doctor(Some("bob")).await }
    });
    assert_eq!(begun.recv().await.unwrap().as_deref(), Some("bob"));
    let (status, object) = refused(client.doctor(None).await);
    assert_eq!((status, object.error.as_str(), object.retry_after_ms), (429, "too-fast", Some(1_000)));
    // Nobody else is held up.
    client.status().await.unwrap();
    client.settings().await.unwrap();
    go.send(()).unwrap();
    let found = first.await.unwrap().unwrap();
    check("DoctorObject", &serde_json::to_value(&found).unwrap());
    assert!(found.healthy);

    go.send(()).unwrap();
    let (status, object) = refused(client.doctor(Some("nobody")).await);
    assert_eq!((status, object.message.as_str()), (500, "nobody is called so"));
}

#[tokio::test]
async fn who_comes_after_one_that_left_waits_for_its_end() {
    let (_alice, client, (mut begun, go)) = with_program().await;
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.doctor(None).await }
    });
    begun.recv().await.unwrap();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(refused(client.doctor(None).await).0, 429);
    go.send(()).unwrap();
    go.send(()).unwrap();
    let again = async {
        while client.doctor(None).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::world::PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn settings_are_read_and_changed() {
    let (_alice, client, _ends) = with_program().await;
    check("SettingsObject", &serde_json::to_value(client.settings().await.unwrap()).unwrap());
    let change = |key: &str, values: Option<Vec<String>>| SettingRequest { key: key.to_owned(), values };
    client.change_setting(&change("port", Some(vec!["8000".to_owned()]))).await.unwrap();
    client.change_setting(&change("port", None)).await.unwrap();
    let (status, object) = refused(client.change_setting(&change("prot", None)).await);
    assert_eq!((status, object.error.as_str(), object.message.as_str()), (400, "usage", "no such key"));
}

#[tokio::test]
async fn without_a_program_there_is_none_to_ask() {
    let alice = start("alice", free_port()).await;
    let outcomes = [
        refused(alice.client.doctor(None).await),
        refused(alice.client.settings().await),
        refused(alice.client.change_setting(&SettingRequest { key: "port".to_owned(), values: None }).await),
    ];
    for (status, object) in outcomes {
        assert_eq!((status, object.error.as_str()), (503, "no-program"));
    }
}
