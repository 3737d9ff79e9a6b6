//! `peer verify`, `peer trust`, `peer block`, `peer mute` and what ends them: the user's word about somebody.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::engine::Word;
use crate::web::{AboutObject, PeerObject};

use super::super::args::{Options, VerifyArgs, WhoArgs};
use super::link::{Link, Manner};
use super::trouble::Trouble;
use super::{object, say};

/// Digits that two people compare.
const DIGITS: usize = 60;

pub(super) async fn verify(options: &Options, args: &VerifyArgs) -> Result<(), Trouble> {
    let typed = args.digits.concat();
    let count = digits(&typed).count();
    if !args.digits.is_empty() && count != DIGITS {
        return Err(Trouble::usage(format!("that is {count} digits, and there are {DIGITS}: nothing was compared")));
    }
    let link = Link::open(options, Manner { json: args.json, serves: false, settles: true }).await?;
    let done = compare(&link, args, &typed).await;
    link.close().await;
    done
}

/// Shows the digits, or compares what was typed with them.
async fn compare(link: &Link, args: &VerifyArgs, typed: &str) -> Result<(), Trouble> {
    let about = link.met(|| link.client.about(Some(&args.who))).await?;
    let Some((peer, (own, key))) = about.peer.as_ref().zip(about.digits.as_ref().zip(key(&about))) else {
        return Err(Trouble::failed("that one has no key, so anybody can claim to be it: there is nothing to verify"));
    };
    let name = name(peer);
    if typed.is_empty() {
        if args.json {
            return object(&about);
        }
        shown(&name, own)?;
        if peer.trust == "verified" {
            return say(&format!("You compared them already: {name} is verified"));
        }
        if !asked(&name)? {
            return Ok(());
        }
    } else if !digits(typed).eq(digits(own)) {
        return Err(Trouble::failed(format!(
            "the digits differ: one was mistyped, or the one you see as {name} is not the one who read them to you. \
             Nothing changed. If they differ again, write nothing secret to it"
        )));
    }
    // The key that was shown, whoever goes by the name by now.
    told(&link.client.judge(key, word(Word::Verify)).await?, Word::Verify, args.json)
}

pub(super) async fn judge(options: &Options, args: &WhoArgs, word: Word) -> Result<(), Trouble> {
    let link = Link::open(options, Manner { json: args.json, serves: false, settles: true }).await?;
    let judged = link.met(|| link.client.judge(&args.who, self::word(word))).await;
    let is_own = link.is_own();
    link.close().await;
    let peer = judged?;
    if is_own && peer.key.is_none() {
        return Err(Trouble::failed(format!(
            "without a key of {}, that holds only while a peer runs, and none does: start `peer`, and say it again",
            name(&peer)
        )));
    }
    told(&peer, word, args.json)
}

fn key(about: &AboutObject) -> Option<&str> {
    about.peer.as_ref().and_then(|peer| peer.key.as_deref())
}

fn digits(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(u8::is_ascii_digit)
}

fn name(peer: &PeerObject) -> String {
    format!("{} ({})", peer.name, peer.id)
}

/// Four lines of three groups are easier to read to each other than one of twelve.
fn shown(name: &str, digits: &str) -> Result<(), Trouble> {
    if !io::stdout().is_terminal() {
        return say(digits);
    }
    say(&format!("Your digits with {name}; `peer verify` on the other computer must show the same:"))?;
    let groups: Vec<&str> = digits.split(' ').collect();
    groups.chunks(3).try_for_each(|row| say(&format!("    {}", row.join(" "))))?;
    say("Compare them in person or by voice, not by a message.")
}

/// Whether the user says that they are the same; nobody is asked on a pipe.
fn asked(name: &str) -> Result<bool, Trouble> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Ok(false);
    }
    let mut out = io::stdout().lock();
    write!(out, "Are they the same? [y/N] ").and_then(|()| out.flush()).map_err(Trouble::output)?;
    drop(out);
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Trouble::failed(format!("cannot read the answer: {error}")))?;
    let same = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if !same {
        say(&format!("Not verified: nothing changed. If they differ, write nothing secret to {name}"))?;
    }
    Ok(same)
}

/// As the API spells it.
fn word(word: Word) -> &'static str {
    match word {
        Word::Verify => "verify",
        Word::Trust => "trust",
        Word::Block => "block",
        Word::Unblock => "unblock",
        Word::Mute => "mute",
        Word::Unmute => "unmute",
    }
}

/// What holds now.
fn told(peer: &PeerObject, word: Word, json: bool) -> Result<(), Trouble> {
    if json {
        return object(peer);
    }
    let name = name(peer);
    say(&match word {
        Word::Verify => format!("Verified: {name}. Should the key ever change, you will be told"),
        Word::Trust if peer.key.is_none() => {
            format!("Until the peer ends, DMs go to {name} though it has no key: everybody can read them")
        }
        Word::Trust => format!("Accepted: the key of {name}. To compare it: peer verify"),
        Word::Block => format!("Blocked: {name}. Nothing of it is shown, nothing is sent to it"),
        Word::Unblock => format!("Not blocked: {name}"),
        Word::Mute => format!("Muted: {name}. Its posts are not shown, its DMs are"),
        Word::Unmute => format!("Not muted: {name}"),
    })
}
