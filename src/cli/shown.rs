//! Lines that may be shown: every part of one passes through [`Safe`], whatever it was made of.

use anstyle::{AnsiColor, Style};

use crate::wire::Safe;

/// How a part of a line looks at a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As the terminal has it.
    Plain,
    /// A peer's name in front of what it says.
    Name,
    /// What passes by: who comes and goes.
    Faint,
    /// What went wrong.
    Bad,
    /// What may be an attack.
    Alarm,
}

/// One line without its line end, fit for a terminal or a pipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// A line for a person.
    #[must_use]
    pub fn line(color: bool, parts: &[(Tone, &str)]) -> Self {
        let mut line = String::new();
        for (tone, text) in parts {
            let text = Safe::line(text);
            let style = tone.style();
            if color && *tone != Tone::Plain {
                line.push_str(&format!("{style}{text}{style:#}"));
            } else {
                line.push_str(text.as_str());
            }
        }
        Self(line)
    }

    /// A line for a program: four columns with a tab between them.
    #[must_use]
    pub fn row(kind: &'static str, id: &str, name: &str, text: &str) -> Self {
        Self(format!("{kind}\t{}\t{}\t{}", Safe::line(id), Safe::line(name), Safe::line(text)))
    }

    /// The line, without its line end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Name => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Bad => AnsiColor::Yellow.on_default(),
            Self::Alarm => AnsiColor::Red.on_default().bold(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\x1b]0;t\x07\tb\nc\r\u{9b}2J\u{202e}d\u{85}\u{2028}e\u{0}";

    #[test]
    fn nothing_but_our_own_colors_gets_through() {
        let line = Shown::line(false, &[(Tone::Name, HOSTILE), (Tone::Plain, HOSTILE)]);
        assert!(line.as_str().chars().all(|c| !c.is_control() && c != '\u{202e}'), "{line:?}");
        let colored = Shown::line(true, &[(Tone::Name, HOSTILE)]);
        assert_eq!(colored.as_str().matches('\x1b').count(), 2, "{colored:?}");
    }

    #[test]
    fn a_row_has_exactly_four_columns() {
        let row = Shown::row("POST", HOSTILE, HOSTILE, HOSTILE);
        assert_eq!(row.as_str().split('\t').count(), 4, "{row:?}");
        assert!(!row.as_str().contains(['\n', '\r', '\x1b', '\u{9b}']));
    }
}
