//! Who somebody is, as lines: keys, digits to compare, what the user said of them.

use unicode_width::UnicodeWidthStr;

use crate::engine::{CommandError, Contact, Failure, Instant, Mark, Me, Peer, Person, Trust, Until, Word, look};
use crate::wire::{Digits, PublicKey, Safe};

use super::super::host::sentence;
use super::super::marks::News;
use super::super::names::{self, Names};
use super::{Render, Shown, Tone, list};

impl Render {
    /// Somebody has a name that another key had: three lines that cannot be overlooked.
    pub(super) fn key_changed(self, peer: &Peer, before: &Contact, names: &Names) -> Vec<Shown> {
        let typed = names.typed(peer);
        let new = peer.key().map(|key| key.fingerprint().to_string()).unwrap_or_default();
        let old = before.key.fingerprint();
        let known = if before.verified { "verified" } else { "known" };
        let what_to_do = format!("Compare digits with VERIFY {typed}, or accept the key with TRUST {typed}");
        if self.pipe {
            let text = format!("new key {new}, {known} before with {old}; DMs wait. {what_to_do}");
            return vec![self.say("KEY", Some((peer, &names.short(peer))), &[], &text)];
        }
        let lines = [
            format!(
                "{} HAS A NEW KEY: a new computer or a new profile, or somebody else who takes the name",
                names.label(peer)
            ),
            format!("    new: {new}"),
            format!("    old: {old} ({}, {known})", names::contact(before)),
            format!("    DMs to it wait. {what_to_do}"),
        ];
        lines.iter().map(|line| Shown::line(self.color, &[(Tone::Alarm, line)])).collect()
    }

    /// What may be an attack.
    pub(in crate::cli) fn alarm(self, text: &str) -> Shown {
        self.say("ERROR", None, &[(Tone::Alarm, text)], text)
    }

    /// What became of a DM of ours.
    pub(in crate::cli) fn marked(self, news: &News, names: &Names) -> Shown {
        let (to, word) = (&news.to, news.mark.word());
        let label = names.label(to);
        let text = news.text.as_deref().map(|text| format!(": {}", Safe::line(text))).unwrap_or_default();
        let (tone, line) = match news.mark {
            Mark::Stored | Mark::Received | Mark::Acknowledged => {
                (Tone::Faint, format!("\u{2713} {word}: {label}{text}"))
            }
            Mark::Sent => (Tone::Faint, format!("{word}: {label}{text}")),
            Mark::Waiting => {
                let why = if to.is_here() { "does not answer" } else { "is not here" };
                (Tone::Bad, format!("{word}: {label} {why}, sent when it is heard again{text}"))
            }
            Mark::Failed(Failure::Blocked) => (Tone::Alarm, format!("Not sent to {label}, blocked by you{text}")),
            Mark::Failed(why) => (Tone::Alarm, format!("Not sent to {label}, {why}{text}")),
        };
        let pipe = match news.mark {
            Mark::Failed(why) => format!("{word} {} {why}{text}", news.id),
            Mark::Waiting | Mark::Sent | Mark::Acknowledged | Mark::Received | Mark::Stored => {
                format!("{word} {}", news.id)
            }
        };
        self.say("MARK", Some((to, &names.short(to))), &[(tone, &line)], &pipe)
    }

    /// The end came before a DM could be sent. It is sent after the next start, if it is kept.
    pub(in crate::cli) fn never_sent(self, name: &str, text: &str, kept: bool) -> Shown {
        let text = Safe::line(text);
        if kept {
            return self.info(&format!("Waits, and is sent after the next start, to {name}: {text}"));
        }
        self.error(&format!("Not sent to {name}: {text}"))
    }

    /// A DM is not sent yet, and why.
    pub(in crate::cli) fn waiting(self, to: &Peer, until: Until, names: &Names) -> Shown {
        let (label, typed) = (names.label(to), names.typed(to));
        let why = match until {
            Until::Answer => format!("{label} has to answer first; it is sent as soon as it does"),
            Until::Away => format!("{label} is not here; it is sent when it is heard again"),
            Until::Word => {
                format!("{label} has a new key. Compare digits with VERIFY {typed}, or accept it with TRUST {typed}")
            }
        };
        let line = format!("Waits: {why}");
        self.say("WAITS", Some((to, &names.short(to))), &[(Tone::Bad, &line)], &line)
    }

    /// Why a command about somebody was refused, and what to do.
    pub(in crate::cli) fn refused(self, error: &CommandError, who: &Person, names: &Names) -> Shown {
        let (name, typed) = (who.label(names), who.typed(names));
        let text = match error {
            CommandError::Downgrade { name: before } => format!(
                "Not sent: {before} had a key before, and the one that is here has none, so it may be somebody else. To \
                 write to it all the same, readable by everybody: TRUST {typed}"
            ),
            CommandError::PrivateOnly => format!(
                "Not sent: {name} has no key, so everybody could read it, and you want only private messages \
                 (--private-only)"
            ),
            CommandError::Blocked => format!("Not sent: you blocked {name}. UNBLOCK {typed} ends that"),
            CommandError::NoKey => {
                format!("{name} has no key, so anybody can claim to be it: there is nothing to verify or to keep")
            }
            CommandError::TooManyWaiting => format!("Not sent: too many messages wait for {name} already"),
            CommandError::UnknownPeer => format!("{name} is no longer here. LIST shows who is"),
            CommandError::TextTooLong { .. }
            | CommandError::NoText
            | CommandError::DisplayName(_)
            | CommandError::Status
            | CommandError::ProfileTooLong
            | CommandError::Avatar
            | CommandError::NoAvatar
            | CommandError::Busy
            | CommandError::TooFast { .. }
            | CommandError::BadAddress
            | CommandError::Left => sentence(&error.to_string()),
        };
        self.error(&text)
    }

    /// The digits that both screens show.
    pub(in crate::cli) fn digits(self, who: &Person, digits: &Digits, names: &Names) -> Vec<Shown> {
        let (label, typed) = (who.label(names), who.typed(names));
        let digits = digits.to_string();
        if self.pipe {
            return vec![Shown::row("VERIFY", &who.id(), &who.short(names), &digits)];
        }
        // Four lines of three groups are easier to read to each other than one of twelve.
        let groups: Vec<&str> = digits.split(' ').collect();
        let head = format!("Your digits with {label}; VERIFY on the other screen must show the same:");
        let rows = groups.chunks(3).map(|row| format!("    {}", row.join(" ")));
        let tail = format!(
            "Compare them in person or by voice, not by a message. Same digits mean: nobody is in between, and this is \
             the other one's key. Or type them: VERIFY {typed} <60 digits>"
        );
        let lines = [head].into_iter().chain(rows).chain([tail]);
        lines.map(|line| self.info(&line)).collect()
    }

    /// The digits were compared, and are kept or not.
    pub(in crate::cli) fn compared(self, name: &str, same: bool) -> Shown {
        if same {
            return self.info(&format!("Verified: {name}. Should the key ever change, you will be told"));
        }
        self.info(&format!(
            "Not verified: nothing changed. If the digits differ, the one you see as {name} is not the one you compared \
             with: write nothing secret to it, and BLOCK it if in doubt"
        ))
    }

    /// Digits were typed that are not the ones here.
    pub(in crate::cli) fn differ(self, name: &str) -> Shown {
        let text = format!(
            "The digits differ: one was mistyped, or the one you see as {name} is not the one who read them to you. \
             Nothing changed. If they differ again, write nothing secret to it"
        );
        self.alarm(&text)
    }

    /// What the user's word about somebody changed.
    pub(in crate::cli) fn judged(self, who: &Person, word: Word, names: &Names) -> Shown {
        let (name, typed) = (who.full(names), who.typed(names));
        let text = match (word, who.trust()) {
            (Word::Verify, _) => return self.compared(&name, true),
            (Word::Trust, Trust::Unsigned) => {
                format!("Until you end, DMs go to {name} though it has no key: everybody can read them")
            }
            (Word::Trust, _) => format!("The new key of {name} is accepted. It is not compared: VERIFY {typed}"),
            (Word::Block, Trust::Unsigned) => format!(
                "Blocked {name} as long as it is listed: without a key, nobody can tell it from others when it comes anew. \
                 UNBLOCK {typed} ends that"
            ),
            (Word::Block, _) => {
                format!("Blocked {name}: nothing of it is shown, nothing is sent to it. UNBLOCK {typed} ends that")
            }
            (Word::Unblock, _) => format!("Unblocked {name}"),
            (Word::Mute, _) => format!("Muted {name}: its posts are not shown, its DMs are. UNMUTE {typed} ends that"),
            (Word::Unmute, _) => format!("Unmuted {name}: its posts are shown"),
        };
        self.info(&text)
    }

    /// The word would change nothing.
    pub(in crate::cli) fn unchanged(self, who: &Person, word: Word, names: &Names) -> Shown {
        let name = who.full(names);
        let text = match word {
            Word::Verify => format!("{name} is verified already"),
            Word::Trust => format!("Nothing to accept: the key of {name} did not change"),
            Word::Block => format!("{name} is blocked already"),
            Word::Unblock => format!("{name} is not blocked"),
            Word::Mute => format!("{name} is muted already"),
            Word::Unmute => format!("{name} is not muted"),
        };
        self.info(&text)
    }

    /// All that is known of somebody: a line each for a person, one row for a program.
    pub(in crate::cli) fn about(
        self,
        who: &Person,
        contacts: &[Contact],
        me: &Me,
        names: &Names,
        now: Instant,
    ) -> Vec<Shown> {
        let facts = facts(who, contacts, me, names, now);
        let name = who.label(names);
        if self.pipe {
            let text = facts.iter().map(|(what, fact)| format!("{what}: {fact}")).collect::<Vec<_>>().join("; ");
            return vec![Shown::row("ABOUT", &who.id(), &who.short(names), &text)];
        }
        let mut shown = vec![Shown::line(self.color, &[(Tone::Name, &name)])];
        shown.extend(facts.iter().map(|(what, fact)| {
            Shown::line(self.color, &[(Tone::Faint, &format!("    {what:<12} ")), (Tone::Plain, fact)])
        }));
        shown
    }

    /// Whom we know by key, here or not.
    pub(in crate::cli) fn contacts(self, contacts: &[Contact], here: impl Fn(&PublicKey) -> bool) -> Vec<Shown> {
        if contacts.is_empty() {
            return vec![self.info("Nobody is known by key yet: who answers is")];
        }
        let row = |contact: &Contact| {
            let mut words = contact_words(contact);
            if here(&contact.key) {
                words.insert(0, "here");
            }
            let fingerprint = contact.key.fingerprint();
            [names::contact(contact), fingerprint.to_string(), date(contact.last), words.join(", ")]
        };
        let rows: Vec<[String; 4]> = contacts.iter().map(row).collect();
        if self.pipe {
            let line = |(contact, [_, fingerprint, last, words]): (&Contact, &[String; 4])| {
                let note = if words.is_empty() { String::new() } else { format!(" [{words}]") };
                let id = format!("{}@{}", contact.name, contact.ip);
                let name = contact.safe_name();
                let text = format!("{} {last}{note}", fingerprint.replace(' ', ""));
                Shown::row("CONTACT", &id, name.as_str(), &text)
            };
            return contacts.iter().zip(&rows).map(line).collect();
        }
        let widest = rows.iter().map(|row| row[0].width()).chain([4]).max().unwrap_or_default();
        let line = |[name, fingerprint, last, words]: &[String; 4]| {
            let gap = " ".repeat(widest - name.width().min(widest));
            format!("{name}{gap}  {fingerprint:<39}  {last:<16}  {words}").trim_end().to_owned()
        };
        let head = line(&["NAME", "FINGERPRINT", "LAST HERE", ""].map(str::to_owned));
        let head = Shown::line(self.color, &[(Tone::Faint, &head)]);
        [head].into_iter().chain(rows.iter().map(|row| Shown::line(self.color, &[(Tone::Plain, &line(row))]))).collect()
    }
}

fn contact_words(contact: &Contact) -> Vec<&'static str> {
    let words = [
        (contact.verified, "verified"),
        (contact.changed, "new key"),
        (contact.blocked, "blocked"),
        (contact.muted, "muted"),
    ];
    words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect()
}

/// What is known of somebody; what others can choose stands last.
fn facts(who: &Person, contacts: &[Contact], me: &Me, names: &Names, now: Instant) -> Vec<(&'static str, String)> {
    let mut facts: Vec<(&'static str, String)> = Vec::new();
    let key = who.key();
    let contact = contacts.iter().find(|contact| Some(contact.key) == key);
    facts.push(("trust", trust(who).to_owned()));
    for (is, what, fact) in [
        (who.is_blocked(), "blocked", "yes: nothing of it is shown, nothing is sent to it"),
        (who.is_muted(), "muted", "yes: its posts are not shown"),
    ] {
        if is {
            facts.push((what, fact.to_owned()));
        }
    }
    if let Some(key) = key {
        facts.push(("fingerprint", key.fingerprint().to_string()));
        facts.push(("key", key.to_string()));
        if me.key == Some(key) {
            facts.push(("identity", "yours: another program runs with it".to_owned()));
        }
    }
    let look = look(who.name().as_str());
    let others = contacts
        .iter()
        .filter(|other| Some(other.key) != key && crate::engine::look(other.safe_name().as_str()) == look);
    for other in others.take(8) {
        let word = if other.verified { "verified, " } else { "" };
        facts.push(("same name", format!("{} ({word}last here {})", other.key.fingerprint(), date(other.last))));
    }
    if let Person::Here(peer) = who {
        facts.push(("DMs", if peer.is_private() { "private".to_owned() } else { "not private".to_owned() }));
        let paths = peer.paths().into_iter().map(|(address, proven)| {
            let proven = if proven { "answered" } else { "has not answered" };
            format!("{address} ({proven})")
        });
        facts.push(("address", paths.collect::<Vec<_>>().join(", ")));
        let seconds = |at| format!("{} s ago", now.since(at).as_secs());
        facts.push(("state", list::state(peer.presence()).to_owned()));
        facts.push(("heard", format!("{}, first {}", seconds(peer.heard()), seconds(peer.since()))));
        let program = match (peer.is_older(), peer.key()) {
            (true, _) => "older client: plain text, no key",
            (false, None) => "knows no keys",
            (false, Some(_)) => "signs what it says",
        };
        facts.push(("program", program.to_owned()));
    } else {
        facts.push(("state", "not here".to_owned()));
    }
    if let Some(contact) = contact {
        let known = format!("since {}, last here {} at {}", date(contact.first), date(contact.last), contact.ip);
        facts.push(("known", known));
    }
    if let Person::Here(peer) = who {
        facts.push(("id", peer.shown_id().as_str().to_owned()));
        facts.push(("called", names.short(peer)));
        if let Some(status) = peer.shown_status() {
            facts.push(("status", status.as_str().to_owned()));
        }
    }
    facts
}

fn trust(who: &Person) -> &'static str {
    match who.trust() {
        Trust::Unsigned => "unverified: it has no key, so anybody can claim to be it",
        Trust::Changed => {
            "new key: somebody of its name had another one, and you have not said yet whether it is right"
        }
        Trust::Known => "known by its key, not compared",
        Trust::Verified => "verified: you compared the digits",
    }
}

/// A moment of the wall clock, to the minute.
fn date(unix: u64) -> String {
    let seconds = i64::try_from(unix).unwrap_or_default();
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system());
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests;
