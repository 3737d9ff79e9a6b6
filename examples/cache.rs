//! Fetches something slow once for all: run `cargo run --example cache` on several computers at the same time, and one
//! of them works. Only those with the same secret share a cache.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use lsnp::peer::Peer;
use tokio::time::Instant;

/// What all who share the cache know. A real one is made by `peer secret new`.
const SECRET: &str = "an example that everybody can read";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let me = Peer::builder().group(SECRET).start().await?;
    // Time to find the others: who asks nobody makes it alone.
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("{} others are here", me.people().len());

    let cache = me.cache("lsnp/examples");
    let begin = Instant::now();
    let index = cache.get_or_make("index", Duration::from_secs(60), fetch).await?;
    println!("{} bytes after {:?}", index.len(), begin.elapsed());
    println!("{:?}", cache.stats().await?);

    // Stays for those who come later.
    println!("Ctrl-C ends it");
    tokio::signal::ctrl_c().await?;
    me.leave().await;
    Ok(())
}

/// Something that takes its time: a download, a build.
async fn fetch() -> Result<Vec<u8>, std::io::Error> {
    println!("nobody has it: fetching");
    tokio::time::sleep(Duration::from_secs(5)).await;
    Ok(vec![b'x'; 50_000])
}
