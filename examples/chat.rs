//! Everybody who runs this talks to everybody else: `cargo run --example chat -- alice`, and the same as bob elsewhere.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use lsnp::peer::{Event, Peer};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).ok_or("usage: chat NAME")?;
    let me = Peer::builder().name(name).start().await?;
    let mut events = me.events();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    println!("type a line to say it to everybody, or `@name a line` to say it to one");
    loop {
        tokio::select! {
            line = lines.next_line() => {
                let Some(line) = line? else { break };
                let said = match line.strip_prefix('@').and_then(|line| line.split_once(' ')) {
                    Some((who, text)) => me.dm(who, text).await.map(drop),
                    None => me.post(line).await.map(drop),
                };
                if let Err(error) = said {
                    println!("! {error}");
                }
            }
            event = events.next() => match event {
                Some(Event::Came(person)) => println!("* {} is here ({})", person.name, person.address),
                Some(Event::Went(person)) => println!("* {} went", person.name),
                Some(Event::Post { from, text }) => println!("{}: {}", from.name, text.safe()),
                Some(Event::Dm { from, text, .. }) => println!("{} to you: {}", from.name, text.safe()),
                Some(_) => {}
                None => break,
            },
        }
    }
    // Waits until the goodbye is sent.
    me.leave().await;
    Ok(())
}
