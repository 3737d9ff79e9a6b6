//! A service and who calls it: `cargo run --example calls -- serve`, and elsewhere `cargo run --example calls -- call 20 22`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use lsnp::peer::{Caller, Peer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve"] => {
            let me = Peer::builder().name("calculator").start().await?;
            let add = |caller: Caller, (a, b): (i64, i64)| async move {
                println!("{} asks for {a} + {b}", caller.name);
                a.checked_add(b).ok_or("too large for me")
            };
            println!("this is {}", me.key());
            me.serve("math/add", add).await?.ended().await;
        }
        ["call", a, b] => {
            let numbers: (i64, i64) = (a.parse()?, b.parse()?);
            let me = Peer::builder().name("caller").start().await?;
            // A name is only a label: who wants to be sure gives the key here, which the service prints.
            let calculator = me.meet("calculator", Duration::from_secs(10)).await?;
            let sum: i64 = me.call(&calculator, "math/add", &numbers).await?;
            println!("{} + {} = {sum}", numbers.0, numbers.1);
            me.leave().await;
        }
        _ => return Err("usage: calls serve | calls call A B".into()),
    }
    Ok(())
}
