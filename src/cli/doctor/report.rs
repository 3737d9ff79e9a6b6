//! What the doctor says, for people and for programs.

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::cli::shown::{Shown, Tone};
use crate::web::{CheckObject, DoctorObject, SCHEMA};
use crate::wire::Safe;

/// Answering peers that are shown one by one.
const PEERS: usize = 8;

/// The whole diagnosis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) checks: Vec<Check>,
    /// The most likely reason for what does not work, or that nothing is wrong.
    pub(super) cause: String,
    /// What to do about it, step by step.
    pub(super) advice: Vec<String>,
    pub(super) healthy: bool,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: Name,
    /// Of what: an interface, a port, a peer.
    pub(super) subject: String,
    pub(super) verdict: Verdict,
    pub(super) text: String,
    pub(super) advice: Vec<String>,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    System,
    Interface,
    Broadcast,
    Route,
    Port,
    Firewall,
    Local,
    Peer,
    Path,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Ok,
    Warning,
    Problem,
}

impl Name {
    fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Interface => "interface",
            Self::Broadcast => "broadcast",
            Self::Route => "route",
            Self::Port => "port",
            Self::Firewall => "firewall",
            Self::Local => "peer here",
            Self::Peer => "peer",
            Self::Path => "path",
        }
    }
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl Report {
    /// One JSON object.
    pub(super) fn json(&self) -> Value {
        let check = |check: &Check| {
            json!({
                "name": check.name.as_str(),
                "subject": safe(&check.subject),
                "verdict": check.verdict.as_str(),
                "text": safe(&check.text),
                "advice": check.advice,
            })
        };
        json!({
            "healthy": self.healthy,
            "cause": safe(&self.cause),
            "advice": self.advice,
            "checks": self.checks.iter().map(check).collect::<Vec<_>>(),
        })
    }

    /// The same for the API.
    pub(super) fn object(&self) -> DoctorObject {
        let check = |check: &Check| CheckObject {
            name: check.name.as_str().to_owned(),
            subject: safe(&check.subject),
            verdict: check.verdict.as_str().to_owned(),
            text: safe(&check.text),
            advice: check.advice.clone(),
        };
        DoctorObject {
            v: SCHEMA,
            kind: "doctor".to_owned(),
            healthy: self.healthy,
            cause: safe(&self.cause),
            advice: self.advice.clone(),
            checks: self.checks.iter().map(check).collect(),
        }
    }

    /// Lines for a person.
    pub(super) fn lines(&self, color: bool) -> Vec<Shown> {
        let fine = |check: &&Check| check.name == Name::Peer && check.verdict == Verdict::Ok;
        let hidden = self.checks.iter().filter(fine).count().saturating_sub(PEERS);
        let mut fine_shown = 0;
        let mut lines = Vec::new();
        let width = self.checks.iter().map(|check| safe(&check.subject).width()).max().unwrap_or(0).min(24);
        for check in &self.checks {
            if fine(&check) {
                fine_shown += 1;
                if fine_shown > PEERS {
                    continue;
                }
            }
            let tone = match check.verdict {
                Verdict::Ok => Tone::Faint,
                Verdict::Warning => Tone::Plain,
                Verdict::Problem => Tone::Bad,
            };
            let verdict = format!("{:<8} ", check.verdict.as_str());
            let subject = safe(&check.subject);
            let gap = " ".repeat(width.saturating_sub(subject.width()) + 2);
            let head = format!("{:<9}  {subject}{gap}", check.name.as_str());
            lines.push(Shown::line(color, &[(tone, &verdict), (Tone::Plain, &head), (Tone::Plain, &check.text)]));
        }
        if hidden > 0 {
            lines.push(Shown::line(color, &[(Tone::Plain, &format!("ok       and {hidden} more that answer"))]));
        }
        lines.push(Shown::line(false, &[]));
        let head = if self.healthy { "Healthy: " } else { "Most likely: " };
        let tone = if self.healthy { Tone::Name } else { Tone::Bad };
        lines.push(Shown::line(color, &[(tone, head), (Tone::Plain, &self.cause)]));
        for step in &self.advice {
            lines.push(Shown::line(color, &[(Tone::Plain, "    "), (Tone::Plain, step)]));
        }
        lines
    }
}

fn safe(text: &str) -> String {
    Safe::line(text).as_str().to_owned()
}
