//! Notifications of the desktop: for DMs, and for posts with our name.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::engine::{Event, Instant, Trust, look};
use crate::wire::Safe;

use super::args::QuietHours;
use super::names::Names;

/// At most one in this time; more are counted.
const GAP: Duration = Duration::from_secs(3);

/// Widest text of a notification, columns.
const WIDEST: usize = 200;

/// Shows notifications by whatever program there is for it.
#[derive(Debug)]
pub(super) struct Popups {
    program: Program,
    quiet: Option<QuietHours>,
    /// No other before then.
    until: Option<Instant>,
    more: u32,
}

#[derive(Debug)]
enum Program {
    NotifySend(PathBuf),
    OsaScript(PathBuf),
}

/// What pops up.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Popup {
    title: String,
    text: String,
}

impl Popups {
    /// None where no program can show any.
    pub(super) fn find(quiet: Option<QuietHours>) -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let find =
            |name: &str| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
        let program = if cfg!(target_os = "macos") {
            Program::OsaScript(find("osascript")?)
        } else {
            Program::NotifySend(find("notify-send")?)
        };
        Some(Self { program, quiet, until: None, more: 0 })
    }

    /// Something happened: shows it, if it is for the user.
    pub(super) fn happened(&mut self, event: &Event, names: &Names, own: &[String], now: Instant) {
        let Some(popup) = popup(event, names, own) else { return };
        if self.quiet.is_some_and(|quiet| quiet.holds(minute_of_day())) {
            return;
        }
        if self.until.is_some_and(|until| until > now) {
            self.more = self.more.saturating_add(1);
            return;
        }
        self.until = Some(now + GAP);
        self.show(&popup);
    }

    /// When a summary is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.until.filter(|_| self.more > 0)
    }

    /// Shows how many more came, if that is due.
    pub(super) fn woke(&mut self, now: Instant) {
        if self.due().is_none_or(|due| due > now) {
            return;
        }
        let messages =
            if self.more == 1 { "1 more message".to_owned() } else { format!("{} more messages", self.more) };
        (self.more, self.until) = (0, Some(now + GAP));
        self.show(&Popup { title: "peer".to_owned(), text: messages });
    }

    fn show(&self, popup: &Popup) {
        let mut command = match &self.program {
            Program::NotifySend(file) => {
                let mut command = Command::new(file);
                // Some desktops take the text for markup.
                let text = popup.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                command.args(["--app-name=peer", "--", &popup.title, &text]);
                command
            }
            Program::OsaScript(file) => {
                let mut command = Command::new(file);
                let script = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run";
                command.args(["-e", script, &popup.title, &popup.text]);
                command
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            Ok(mut child) => {
                // It ends by itself, whenever that is; nobody waits for it but this thread.
                let waiter = std::thread::Builder::new().name("popup".to_owned());
                let waited = waiter.spawn(move || child.wait());
                if let Err(error) = waited {
                    tracing::debug!(%error, "a notification is not waited for");
                }
            }
            Err(error) => tracing::debug!(%error, "no notification"),
        }
    }
}

/// What pops up for this, if anything does.
fn popup(event: &Event, names: &Names, own: &[String]) -> Option<Popup> {
    let (from, text, whom) = if let Event::Dm { from, text, told, .. } = event
        && !told.late
    {
        (from, text, " to you")
    } else if let Event::Post { from, text, told } = event
        && !told.late
        && is_about(text.raw(), own)
    {
        (from, text, "")
    } else {
        return None;
    };
    let mark = if from.trust() == Trust::Verified { "\u{2713} " } else { "" };
    let title = format!("{mark}{}{whom}", names.speaker(from));
    Some(Popup { title, text: Safe::fitted(text.raw(), WIDEST).as_str().to_owned() })
}

/// Whether one of these names is a word of the text, or several of its words.
fn is_about(text: &str, own: &[String]) -> bool {
    let words: Vec<String> = text
        .split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
        .filter(|w| !w.is_empty())
        .map(look)
        .collect();
    own.iter().filter(|name| !name.is_empty()).any(|name| {
        (0..words.len()).any(|from| {
            let mut joined = String::new();
            words[from..].iter().take(8).any(|word| {
                joined.push_str(word);
                joined == *name
            })
        })
    })
}

fn minute_of_day() -> u16 {
    let now = crate::node::unix_now();
    let seconds = i64::try_from(now.as_secs()).unwrap_or_default();
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system());
    u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Told;
    use crate::engine::sample::{Sample, key};
    use crate::wire::Untrusted;

    #[test]
    fn our_name_counts_where_it_is_a_word() {
        let own = ["alice".to_owned(), look("Alice B.")].map(|name| look(&name));
        for text in ["alice: lunch?", "ask Alice!", "@alice", "\u{430}lice", "it was Alice B. who"] {
            assert!(is_about(text, &own), "{text}");
        }
        for text in ["malice", "alices", "al ic", "", "bob"] {
            assert!(!is_about(text, &own), "{text}");
        }
        assert!(!is_about("anything", &[String::new()]));
    }

    #[test]
    fn dms_and_mentions_pop_up_and_what_came_late_does_not() {
        let mut lan = Sample::new();
        let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Verified);
        let names = Names::of(lan.peers());
        let own = [look("alice")];
        let dm = |text: &str, late| Event::Dm {
            from: lan.get(bob),
            text: Untrusted::new(text),
            private: true,
            told: Told { late, ..Told::default() },
        };
        let shown = popup(&dm("hi\x1b[2J\nthere", false), &names, &own).unwrap();
        assert_eq!(shown.title, "\u{2713} bob to you");
        assert!(!shown.text.contains(['\x1b', '\n']), "{shown:?}");
        assert_eq!(popup(&dm("hi", true), &names, &own), None);
        let post = |text: &str| Event::Post { from: lan.get(bob), text: Untrusted::new(text), told: Told::default() };
        assert_eq!(popup(&post("hello"), &names, &own), None);
        assert_eq!(popup(&post("alice, hello"), &names, &own).unwrap().title, "\u{2713} bob");
    }

    #[test]
    fn a_flood_is_one_notification_and_a_count() {
        let mut lan = Sample::new();
        let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Known);
        let names = Names::of(lan.peers());
        let at = |millis: u64| Instant::from_nanos(millis * 1_000_000);
        let nothing = Program::NotifySend("/nonexistent/notify-send".into());
        let mut popups = Popups { program: nothing, quiet: None, until: None, more: 0 };
        let event = Event::Dm { from: lan.get(bob), text: Untrusted::new("hi"), private: true, told: Told::default() };
        for millis in 0..100 {
            popups.happened(&event, &names, &[], at(millis));
        }
        assert_eq!((popups.more, popups.due()), (99, Some(at(3_000))));
        popups.woke(at(2_999));
        assert_eq!(popups.more, 99);
        popups.woke(at(3_000));
        assert_eq!((popups.more, popups.due()), (0, None));
        popups.happened(&event, &names, &[], at(5_000));
        assert_eq!(popups.due(), Some(at(6_000)), "not sooner than 3 s after the count");
    }
}
