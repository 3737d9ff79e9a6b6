//! Somebody takes the name of a contact, again and again, each time with another key.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use super::Options;
use super::crowd::Crowd;
use super::forger::{Forger, Says};
use super::lan::Lan;
use super::process::{Home, Line, Peer};
use super::report::Report;
use super::spoof::Spoofer;

const NAME: &str = "bob";
/// A swap that is not seen in this time is counted as not seen.
const PATIENCE: Duration = Duration::from_secs(8);

/// A contact is verified; then others come under its name.
pub(crate) fn attack(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(2)?;
    lan.introduce()?;
    let [under, attacker] = &lan.hosts[..] else { return Err(io::Error::other("a LAN of two")) };
    let home = Home::new()?;
    let alice = Peer::start(&options.peer, under, &home, "alice", &[])?;
    let to = alice.address(under)?;
    let swaps = Swaps { crowd: Crowd::new(attacker)?, to, ip: attacker.ip.parse().map_err(io::Error::other)? };
    let mut spoofer = Spoofer::new(attacker)?;

    let first = swaps.come(&mut spoofer, 0)?;
    let id = format!("{NAME}@{}", attacker.ip);
    if !alice.knows(&[&id], PATIENCE) {
        return Err(io::Error::other(format!("the contact is not met:\n    {}", alice.tail(8))));
    }
    let (own, _) = swaps.crowd.wait_for_prekey(to)?;
    let key = swaps.crowd.make(first, |forger| forger.key())?;
    let verified = alice.ask(&format!("VERIFY {NAME} {}", key.digits(&own)), &["INFO", "ERROR", "CONTACT"])?;
    println!("    {}", verified.iter().map(Line::said).collect::<Vec<_>>().join("; "));
    let before = alice.lines(<[Line]>::len);
    let count = options.scale(15, 1_000);
    let alerts = |lines: &[Line]| lines[before..].iter().filter(|line| line.kind() == "KEY").count();
    let (mut last, mut missed) = (first, 0);
    for number in 1..=count {
        swaps.leave(&mut spoofer, last)?;
        last = swaps.come(&mut spoofer, number)?;
        let told = |lines: &[Line]| alerts(lines) + missed >= number;
        let mut tries = 1;
        // As a peer does that is not answered.
        while !alice.wait(PATIENCE / 4, told) && tries < 4 {
            swaps.greet(&mut spoofer, last)?;
            tries += 1;
        }
        if !alice.lines(told) {
            missed += 1;
        }
        swaps.write(&mut spoofer, last, &alice, number)?;
    }
    std::thread::sleep(Duration::from_secs(1));
    let seen = alice.lines(alerts);
    report.must(&format!("{count} key changes: alerts"), &count.to_string(), seen.to_string(), seen == count);
    let fresh = alice.lines(|lines| lines[before..].to_vec());
    let of = |kinds: &[&str], word: &str| -> Vec<&Line> {
        fresh.iter().filter(|line| kinds.contains(&line.kind()) && line.said().contains(word)).collect()
    };
    let sent = of(&["SENT"], "for the old key").len();
    report.must(&format!("{count} key changes: DMs of ours that left"), "0", sent.to_string(), sent == 0);
    let heard = of(&["POST", "DM"], "under a new key");
    // Who is shown by the bare name could be the contact.
    let taken: Vec<&&Line> = heard.iter().filter(|line| line.name() == NAME).collect();
    for line in heard.iter().take(2).chain(taken.iter().take(2).copied()) {
        println!("    {}", line.text);
    }
    let measured = format!("{} of {} shown", taken.len(), heard.len());
    report.must(&format!("{count} key changes: texts under the old contact"), "0", measured, taken.is_empty());
    let contacts = alice.ask("CONTACTS", &["CONTACT"])?;
    let old = key.fingerprint().to_string().replace(' ', "");
    let of_old: Vec<&Line> = contacts.iter().filter(|line| line.text.contains(&old)).collect();
    println!("    {} contacts, of them:", contacts.len());
    for line in of_old.iter().chain(contacts.iter().take(2).collect::<Vec<_>>().iter()) {
        println!("    {}", line.text);
    }
    let kept = of_old.iter().any(|line| line.text.contains("verified"));
    report.must(
        &format!("{count} key changes: the old contact is kept"),
        "yes",
        if kept { "yes" } else { "no" }.to_owned(),
        kept,
    );
    println!("    {}", alice.stats());
    alice.end()?;
    Ok(())
}

struct Swaps {
    crowd: Crowd,
    /// The peer that is to be fooled.
    to: SocketAddrV4,
    ip: Ipv4Addr,
}

impl Swaps {
    /// Somebody new under the name, at the IP of the one before.
    fn come(&self, spoofer: &mut Spoofer, number: usize) -> io::Result<SocketAddrV4> {
        let port = u16::try_from(9_000 + number).map_err(io::Error::other)?;
        let address = SocketAddrV4::new(self.ip, port);
        self.crowd.admit(Forger::new(NAME, address, 1_000 + number as u64));
        self.greet(spoofer, address)?;
        Ok(address)
    }

    fn greet(&self, spoofer: &mut Spoofer, address: SocketAddrV4) -> io::Result<()> {
        let hello = self.crowd.make(address, |forger| {
            let ask = Some(forger.nonce());
            forger.announcement(Says { ask, ..Says::default() })
        })?;
        spoofer.send(address, self.to, &hello)
    }

    fn leave(&self, spoofer: &mut Spoofer, address: SocketAddrV4) -> io::Result<()> {
        let bye = self.crowd.make(address, |forger| forger.announcement(Says { bye: true, ..Says::default() }))?;
        spoofer.send(address, self.to, &bye)
    }

    /// It writes, and it is written to.
    fn write(&self, spoofer: &mut Spoofer, address: SocketAddrV4, alice: &Peer, number: usize) -> io::Result<()> {
        let text = format!("under a new key {number}");
        let post = self.crowd.make(address, |forger| forger.post(&text))?;
        spoofer.send(address, self.to, &post)?;
        if let Some((key, prekey)) = self.crowd.prekey(self.to) {
            let id = format!("alice@{}", self.to.ip());
            let letter = self.crowd.make(address, |forger| forger.letter(&id, &key, &prekey, &text))?;
            spoofer.send(address, self.to, &letter.unwrap_or_default())?;
        }
        alice.say(&format!("DM {NAME} for the old key {number}"))
    }
}
