//! Requests and replies.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lsnp::data;
use lsnp::peer::{Caller, Error, Peer};
use tokio::sync::Notify;

use super::world::two;

fn refusal(error: Error) -> String {
    match error {
        Error::Data(data::Error::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_call_is_answered_with_what_the_service_says() {
    let [alice, bob] = two().await;
    let me = alice.key();
    let divide = move |caller: Caller, (a, b): (i64, i64)| async move {
        assert_eq!((caller.key, caller.name.as_str()), (me, "alice"));
        a.checked_div(b).ok_or(format!("{a} is divided by nothing"))
    };
    let service = bob.serve("math/divide", divide).await.unwrap();
    for count in 1..=50_i64 {
        let answer: i64 = alice.call("bob", "math/divide", &(count * 7, 7)).await.unwrap();
        assert_eq!(answer, count);
    }
    // By ourselves it is called as well, and is not who it expects.
    let call = bob.call::<_, i64>(bob.key(), "math/divide", &(1, 1));
    assert!(refusal(call.await.unwrap_err()).contains("the service failed"));

    let call = alice.call::<_, i64>("bob", "math/divide", &(7, 0));
    assert!(refusal(call.await.unwrap_err()).contains("7 is divided by nothing"));
    let call = alice.call::<_, i64>("bob", "math/divide", "seven by one");
    assert!(refusal(call.await.unwrap_err()).contains("not the JSON that is wanted"));
    let error = alice.call::<_, String>("bob", "math/divide", &(7, 1)).await.unwrap_err();
    assert!(matches!(error, Error::Json(_)), "{error}");
    let error = alice.call::<_, i64>("carol", "math/divide", &(7, 1)).await.unwrap_err();
    assert!(matches!(error, Error::Nobody(_)), "{error}");

    drop(service);
    // What is dropped ends a moment later.
    let refused = async {
        loop {
            match alice.call::<_, i64>("bob", "math/divide", &(7, 1)).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => return refusal(error),
            }
        }
    };
    assert!(refused.await.contains("nobody serves"));
}

#[tokio::test]
async fn a_service_that_panics_answers_and_goes_on() {
    let [alice, bob] = two().await;
    let service = bob.serve("fragile", |_, at: usize| async move { Ok::<_, String>([10, 20, 30][at]) }).await.unwrap();
    let call = |at: usize| alice.call::<_, i32>("bob", "fragile", &at).into_future();
    assert_eq!(call(1).await.unwrap(), 20);
    assert!(refusal(call(3).await.unwrap_err()).contains("the service failed"));
    assert_eq!(call(2).await.unwrap(), 30);
    drop(service);
}

#[tokio::test]
async fn many_calls_run_at_once_and_each_once() {
    let [alice, bob] = two().await;
    let (runs, open) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
    let (counted, opened) = (Arc::clone(&runs), Arc::clone(&open));
    let handler = move |_: Caller, count: u32| {
        // All wait for the last.
        let (counted, opened) = (Arc::clone(&counted), Arc::clone(&opened));
        async move {
            if counted.fetch_add(1, Ordering::SeqCst) + 1 == 16 {
                opened.notify_waiters();
            } else {
                opened.notified().await;
            }
            Ok::<_, String>(count)
        }
    };
    let service = bob.serve("wait", handler).await.unwrap();
    let calls: Vec<_> = (0..16_u32)
        .map(|count| {
            let alice: Peer = alice.clone();
            tokio::spawn(async move { alice.call::<_, u32>("bob", "wait", &count).await.unwrap() })
        })
        .collect();
    for (count, call) in (0..).zip(calls) {
        assert_eq!(call.await.unwrap(), count);
    }
    assert_eq!(runs.load(Ordering::SeqCst), 16);
    drop(service);
}

#[tokio::test]
async fn an_answer_that_does_not_come_or_does_not_fit_is_an_error() {
    let [alice, bob] = two().await;
    let slow = bob.serve("slow", |_, ()| std::future::pending::<Result<(), String>>()).await.unwrap();
    let error = alice.call::<_, ()>("bob", "slow", &()).patience(Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(error, Error::Data(data::Error::NoAnswer(_))), "{error}");
    let large = bob.serve("large", |_, size: usize| async move { Ok::<_, String>("x".repeat(size)) }).await.unwrap();
    let fits: String = alice.call("bob", "large", &60_000).await.unwrap();
    assert_eq!(fits.len(), 60_000);
    let error = alice.call::<_, String>("bob", "large", &70_000).await.unwrap_err();
    assert!(refusal(error).contains("at most 65536 fit"));
    // A reason is cut between letters.
    let wordy = bob.serve("wordy", |_, ()| async { Err::<(), _>("é".repeat(1_000)) }).await.unwrap();
    assert!(refusal(alice.call::<_, ()>("bob", "wordy", &()).await.unwrap_err()).starts_with("ééé"));
    drop((slow, large, wordy));
}
