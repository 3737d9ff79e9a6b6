//! A board of progress: `cargo run --example progress` shows it, and elsewhere
//! `cargo run --example progress -- fatuma lesson-001 completed` writes on it.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use lsnp::peer::{Entry, Peer};
use lsnp::wire::Safe;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let me = Peer::builder().start().await?;
    if let [user, lesson, status] = &arguments[..] {
        // Time to find the others.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let peers = me.tell_progress(user, lesson, status).await?;
        println!("told {peers} peers");
        me.leave().await;
        return Ok(());
    }
    println!("waiting for progress; Ctrl-C ends it");
    let mut told = me.watch_progress();
    while let Some(entry) = told.next().await {
        println!("\nnews: {}", line(&entry));
        for entry in me.board().await? {
            println!("  {}", line(&entry));
        }
    }
    Ok(())
}

/// Texts of strangers, fit to be shown.
fn line(entry: &Entry) -> String {
    let progress = &entry.progress;
    let [user, lesson, status] = [&progress.user, &progress.lesson, &progress.status].map(|text| Safe::line(text));
    format!("{user:12} {lesson:12} {status}")
}
