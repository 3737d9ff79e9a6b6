//! Lines of history: a heading a day, and what was said under it.

use crate::engine::{Kind, Trust};
use crate::wire::{Safe, SafeLines};

use super::super::past::{Cast, Past, Whose};
use super::{Render, Shown, Tone};

/// In front of further lines of a text, so that none can pass for a line of somebody else.
const INSET: &str = "            ";

impl Render {
    /// Lines of history, the newest last.
    pub(in crate::cli) fn past(self, lines: &[Past]) -> Vec<Shown> {
        let cast = Cast::of(lines);
        if self.pipe {
            return lines.iter().map(|line| row(line, &cast)).collect();
        }
        let mut shown = Vec::new();
        let mut day = None;
        for line in lines {
            if day != Some(line.at.date()) {
                day = Some(line.at.date());
                let heading = line.at.strftime("%A %Y-%m-%d").to_string();
                shown.push(Shown::line(self.color, &[(Tone::Faint, &heading)]));
            }
            shown.extend(self.past_line(line, &cast));
        }
        shown
    }

    fn past_line(self, line: &Past, cast: &Cast) -> Vec<Shown> {
        let time = line.at.strftime("%H:%M").to_string();
        // In front, where nothing that somebody wrote can stand.
        let unread = if line.unread { " * " } else { "   " };
        let verified = |whose: &&Whose| whose.trust == Trust::Verified && !line.ours;
        let check = if line.with.as_ref().filter(verified).is_some() { "\u{2713} " } else { "" };
        let texts = SafeLines::of(&line.text);
        let texts: Vec<&Safe> = texts.iter().collect();
        let (first, rest) = match (line.kind, texts.split_first()) {
            (Kind::Profile, _) => (profile(&line.text), [].as_slice()),
            (Kind::Post | Kind::Dm { .. }, Some((first, rest))) => (first.to_string(), rest),
            (Kind::Post | Kind::Dm { .. }, None) => (String::new(), [].as_slice()),
        };
        let (name, whom) = names(line, cast);
        let (mark, tone) = mark(line);
        let colon = if line.kind == Kind::Profile { "" } else { ": " };
        let mut head = vec![
            (Tone::Faint, time.as_str()),
            (Tone::Name, unread),
            (Tone::Plain, check),
            (Tone::Name, &name),
            (Tone::Plain, &whom),
            (Tone::Plain, colon),
            (Tone::Plain, &first),
        ];
        let Some((last, middle)) = rest.split_last() else {
            head.push((tone, &mark));
            return vec![Shown::line(self.color, &head)];
        };
        let further = |text: &Safe, mark| {
            Shown::line(self.color, &[(Tone::Plain, INSET), (Tone::Plain, text.as_str()), (tone, mark)])
        };
        let mut shown = vec![Shown::line(self.color, &head)];
        shown.extend(middle.iter().map(|text| further(text, "")));
        shown.push(further(last, &mark));
        shown
    }
}

/// Who says it, and to whom.
fn names(line: &Past, cast: &Cast) -> (String, String) {
    let other = line.with.as_ref().map(|with| cast.label(with)).unwrap_or_default();
    match (line.kind, line.ours) {
        (Kind::Post, true) => ("you".to_owned(), String::new()),
        (Kind::Profile, true) => ("you".to_owned(), " are called ".to_owned()),
        (Kind::Dm { private }, true) => {
            ("you".to_owned(), format!(" to {other}{}", if private { "" } else { ", not private" }))
        }
        (Kind::Post, false) => (other, String::new()),
        (Kind::Profile, false) => (other, " is called ".to_owned()),
        (Kind::Dm { private: true }, false) => (other, " to you".to_owned()),
        (Kind::Dm { private: false }, false) => (other, " to you, not private".to_owned()),
    }
}

/// A name and the status behind it.
fn profile(text: &str) -> String {
    let (name, status) = text.split_once('\n').unwrap_or((text, ""));
    let name = Safe::line(name);
    if status.trim().is_empty() { name.to_string() } else { format!("{name}, status: {}", Safe::line(status)) }
}

fn mark(line: &Past) -> (String, Tone) {
    let Some((word, reason)) = &line.mark else { return (String::new(), Tone::Faint) };
    match (word.as_str(), reason) {
        ("stored" | "received" | "acknowledged", _) => (format!("  \u{2713} {word}"), Tone::Faint),
        ("failed", Some(reason)) => (format!("  failed: {reason}"), Tone::Alarm),
        ("failed", None) => ("  failed".to_owned(), Tone::Alarm),
        (word, _) => (format!("  {word}"), Tone::Bad),
    }
}

/// One line for a program: the time, what it is, and the text.
fn row(line: &Past, cast: &Cast) -> Shown {
    let time = line.at.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let kind = match (line.kind, line.ours) {
        (Kind::Post, false) => "POST",
        (Kind::Post, true) => "POST by you",
        (Kind::Dm { .. }, false) => "DM",
        (Kind::Dm { .. }, true) => "DM by you",
        (Kind::Profile, false) => "PROFILE",
        (Kind::Profile, true) => "PROFILE by you",
    };
    let unread = if line.unread { ", unread" } else { "" };
    let mark = match &line.mark {
        Some((word, Some(reason))) => format!(", {word}: {reason}"),
        Some((word, None)) => format!(", {word}"),
        None => String::new(),
    };
    let text = format!("{time} {kind}{unread}{mark}: {}", Safe::line(&line.text));
    let (id, name) = line.with.as_ref().map_or(("", String::new()), |with| (with.id.as_str(), cast.short(with)));
    Shown::row("HISTORY", id, &name, &text)
}

#[cfg(test)]
mod tests;
