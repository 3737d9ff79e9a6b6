//! A sensor and who watches it: `cargo run --example sensor -- watch`, and elsewhere `cargo run --example sensor -- kitchen`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use lsnp::peer::{Kind, Peer};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Reading {
    celsius: f64,
    count: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let room = std::env::args().nth(1).ok_or("usage: sensor watch|ROOM")?;
    let me = Peer::builder().name(format!("sensor-{room}")).start().await?;
    if room == "watch" {
        let mut readings = me.subscribe("sensors/+/heat")?;
        while let Some(message) = readings.next().await {
            // Anybody may say anything: what is no reading is passed over.
            match message.json::<Reading>() {
                Ok(reading) => println!("{}: {:.1} °C, by {}", message.topic, reading.celsius, message.name),
                Err(error) => println!("{} said something else: {error}", message.name),
            }
        }
        return Ok(());
    }
    for count in 0_u32.. {
        let reading = Reading { celsius: 21.0 + f64::from(count % 10) / 10.0, count };
        let topic = format!("sensors/{room}/heat");
        let told = me.publish(&topic, Kind::Data, &reading).await?;
        println!("{reading:?} to {} peers", told.sent);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    Ok(())
}
