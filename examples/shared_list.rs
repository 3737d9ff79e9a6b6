//! A list that several edit: `cargo run --features shared --example shared_list -- alice new "a song"`, and elsewhere
//! `cargo run --features shared --example shared_list -- bob join "another song"`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use lsnp::peer::{Event, Peer, SharedList};
use lsnp::wire::Safe;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: shared_list NAME new|join ITEM...";
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or(usage)?;
    let me = Peer::builder().name(name).start().await?;
    let party = match arguments.next().as_deref() {
        Some("new") => {
            let party = me.new_list("party").await?;
            party.invite_all().await?;
            party
        }
        Some("join") => invited(&me).await?,
        _ => return Err(usage.into()),
    };
    let mut changes = party.watch();
    for item in arguments {
        party.add(item).field("by", "hand").await?;
    }
    while let Some(change) = changes.next().await {
        println!("\n{} now has {} items:", Safe::line(&change.list.name), change.list.items);
        for (place, item) in (1..).zip(party.items().await?) {
            println!("{place:3}  {}", Safe::line(&item.text));
        }
    }
    Ok(())
}

/// Waits for the first invitation, and takes it.
async fn invited(me: &Peer) -> Result<SharedList, lsnp::peer::Error> {
    let mut events = me.events();
    while let Some(event) = events.next().await {
        if let Event::Invited(list) = event {
            return me.join(list.id).await;
        }
    }
    Err(lsnp::data::Error::Left.into())
}
