//! A history as the fuzzers play it: what it says of a line is known, so nothing else may be told.

use std::collections::BTreeSet;

use lsnp::engine::{Author, Commit, Crypto, Engine, Entry, Event, Instant, Kind, Mark, Outcome, RowId, Ticket, Told};
use lsnp::sim::FakeCrypto;
use lsnp::wire::{Carry, Envelope, Message, PublicKey, SIGNED_DOMAIN, decode};

use super::authors::Authors;

/// Lines on their way to a disk, and those that are there.
#[derive(Debug, Default)]
pub struct Ledger {
    open: Vec<(Ticket, Entry)>,
    kept: BTreeSet<(Author, String)>,
    rows: i64,
    told: BTreeSet<i64>,
}

impl Ledger {
    /// Takes what is to be kept.
    pub fn take(&mut self, commit: Commit, authors: &Authors, own: &FakeCrypto) {
        match commit {
            Commit::Entry(ticket, entry) => {
                if let (Author::Key(key), false, Kind::Post | Kind::Dm { .. }) = (&entry.author, entry.ours, entry.kind)
                {
                    authors.check(Some(*key), &entry.text, entry.kind == Kind::Dm { private: true });
                }
                if let Some(post) = &entry.post {
                    assert_eq!(Author::Key(post.author), entry.author, "a post of somebody else");
                    assert_eq!(signer(&post.raw, own), Some(post.author), "a post that nobody signed is kept");
                }
                assert!(self.open.iter().all(|(open, _)| *open < ticket), "a ticket that goes back");
                self.open.push((ticket, *entry));
            }
            Commit::Mark(id, mark) => check_mark(authors, None, &id.to_string(), mark),
            Commit::Carry(carried) => {
                assert_eq!(signer(&carried.raw, own), Some(carried.author), "nobody signed what is carried");
                assert_ne!(carried.to, own.public_key(), "it is for us");
            }
            Commit::Delivered(_) => {}
        }
    }

    /// Says what became of one line, in any order.
    pub fn settle(&mut self, engine: &mut Engine, which: u8, kind: u8, now: Instant) {
        if self.open.is_empty() {
            return engine.handle_committed(Ticket(u64::from(which)), Outcome::Again, now);
        }
        let (ticket, entry) = self.open.remove(usize::from(which) % self.open.len());
        let outcome = if kind.is_multiple_of(4) {
            Outcome::Failed
        } else if self.kept.insert((entry.author, entry.message_id)) {
            self.rows += 1;
            Outcome::Stored(RowId(self.rows))
        } else {
            Outcome::Again
        };
        engine.handle_committed(ticket, outcome, now);
    }

    /// Looks at what people are told.
    pub fn hear(&mut self, event: &Event, authors: &Authors) {
        match event {
            Event::Post { from, text, told } => {
                authors.check(from.key(), text.raw(), false);
                self.note(told);
            }
            Event::Dm { from, text, private, told } => {
                authors.check(from.key(), text.raw(), *private);
                self.note(told);
            }
            Event::Marked { id, to, mark, .. } => check_mark(authors, to.key(), &id.to_string(), *mark),
            _ => {}
        }
    }

    fn note(&mut self, told: &Told) {
        let Some(RowId(row)) = told.row else { return };
        assert!((1..=self.rows).contains(&row), "a row that is not there");
        assert!(self.told.insert(row), "a line is told twice");
    }

    /// Looks at what is said to somebody about a message: stored is what is on the disk.
    pub fn check_ack(&self, message: &Message<'_>) {
        let Message::Ack(ack) = message else { return };
        let to = ack.to.unwrap_or_else(|| panic!("an ACK that names nobody"));
        let name = (Author::Key(to), ack.message_id.as_str().to_owned());
        assert!(!ack.stored || self.kept.contains(&name), "something counts as stored that is not");
    }

    /// Looks at what is passed on; true when it is something that is passed on.
    pub fn check_carry(&self, payload: &[u8], own: &FakeCrypto) -> bool {
        let Ok(Some(carry)) = Carry::of(payload) else { return false };
        let signer = signer(carry.inner, own);
        assert!(signer.is_some(), "something is passed on that nobody signed");
        if let (Ok(datagram), true) = (decode(carry.inner), signer == Some(own.public_key())) {
            self.check_ack(&datagram.message);
        }
        true
    }
}

fn check_mark(authors: &Authors, to: Option<PublicKey>, id: &str, mark: Mark) {
    match mark {
        Mark::Received => assert!(authors.has_acked(to, id, false), "nobody has received it"),
        Mark::Stored => assert!(authors.has_acked(to, id, true), "nobody has stored it"),
        Mark::Acknowledged => assert!(to.is_none(), "somebody with a key acknowledged it without"),
        Mark::Waiting | Mark::Sent | Mark::Failed(_) => {}
    }
}

fn signer(bytes: &[u8], own: &FakeCrypto) -> Option<PublicKey> {
    let envelope = Envelope::of(bytes).ok()?;
    let good = own.verify(&envelope.key, SIGNED_DOMAIN, envelope.signed, &envelope.signature);
    good.then_some(envelope.key)
}
