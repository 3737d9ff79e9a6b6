//! Lines as they stand on the screen: parts with a look each, fit to be shown, of a known width.

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

use crate::wire::Safe;

/// How a part of a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// As the terminal has it.
    Plain,
    /// What a part of the screen is about.
    Strong,
    /// What passes by.
    Faint,
    /// What is well.
    Good,
    /// What may go wrong.
    Warn,
    /// What went wrong, or may be an attack.
    Alarm,
    /// What was chosen.
    Chosen,
}

/// At which end of its column a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// One line without its line end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Line {
    parts: Vec<(Ink, String)>,
    /// It is the one that was chosen.
    pub(super) chosen: bool,
}

impl Line {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn of(ink: Ink, text: &str) -> Self {
        Self::new().and(ink, text)
    }

    /// The same with this at its end.
    #[must_use]
    pub(super) fn and(mut self, ink: Ink, text: &str) -> Self {
        if !text.is_empty() {
            self.parts.push((ink, Safe::line(text).as_str().to_owned()));
        }
        self
    }

    /// The same with a column of exactly this width at its end.
    #[must_use]
    pub(super) fn cell(self, ink: Ink, text: &str, width: usize, side: Side) -> Self {
        let text = fitted(text, width);
        let gap = " ".repeat(width - columns(&text));
        match side {
            Side::Left => self.and(ink, &text).and(Ink::Plain, &gap),
            Side::Right => self.and(Ink::Plain, &gap).and(ink, &text),
        }
    }

    /// The same, blank up to this width.
    #[must_use]
    pub(super) fn up_to(self, width: usize) -> Self {
        let gap = " ".repeat(width.saturating_sub(self.width()));
        self.and(Ink::Plain, &gap)
    }

    /// The same with this line at its end.
    #[must_use]
    pub(super) fn join(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// The same as the one that was chosen, over this width.
    #[must_use]
    pub(super) fn chosen(self, width: usize) -> Self {
        Self { chosen: true, ..self.up_to(width) }
    }

    /// The same with this text at the right end of the screen, where there is room for it.
    #[must_use]
    pub(super) fn ending(self, ink: Ink, text: &str, width: usize) -> Self {
        let text = Safe::line(text);
        let (used, wanted) = (self.width(), columns(text.as_str()));
        if used + wanted + 1 > width {
            return self;
        }
        self.up_to(width - wanted).and(ink, text.as_str())
    }

    pub(super) fn width(&self) -> usize {
        self.parts.iter().map(|(_, text)| columns(text)).sum()
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = (Ink, &str)> {
        self.parts.iter().map(|(ink, text)| (*ink, text.as_str()))
    }

    /// The text alone, without blanks at its end.
    pub(super) fn plain(&self) -> String {
        let text: String = self.parts.iter().map(|(_, text)| text.as_str()).collect();
        text.trim_end().to_owned()
    }
}

/// Columns that a text takes: the sum of its characters, as a terminal moves its cursor.
pub(super) fn columns(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let shown = text.graphemes(true).filter(|cluster| !cluster.contains(char::is_control));
    shown.map(|cluster| usize::from(cluster.cell_width())).sum()
}

/// One line of at most this width, with `…` at its end where something is left out.
pub(super) fn fitted(text: &str, width: usize) -> String {
    let line = Safe::line(text).as_str().to_owned();
    if columns(&line) <= width {
        return line;
    }
    let (mut out, mut used) = (String::new(), 1);
    for cluster in line.graphemes(true) {
        used += usize::from(cluster.cell_width());
        if used > width {
            break;
        }
        out.push_str(cluster);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// The text in lines of at most this width, broken at spaces where that is possible.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in Safe::line(text).as_str().split(' ').filter(|word| !word.is_empty()) {
        let wanted = columns(word);
        let gap = usize::from(used > 0);
        if used + gap + wanted > width && used > 0 {
            lines.push(String::new());
            used = 0;
        } else if gap > 0 {
            put(&mut lines, " ");
            used += 1;
        }
        for cluster in word.graphemes(true) {
            let wide = usize::from(cluster.cell_width());
            if used + wide > width && used > 0 {
                lines.push(String::new());
                used = 0;
            }
            put(&mut lines, cluster);
            used += wide;
        }
    }
    lines
}

fn put(lines: &mut [String], text: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_its_width_whatever_stands_in_it() {
        for text in ["", "bob", "你好世界", "سلام لا", "e\u{301}\u{301}", "👨‍👩‍👧‍👦 family", "ｶﾞｶﾞｶﾞ", "a\u{202e}b\x1b[2J"]
        {
            for width in 0..12 {
                for side in [Side::Left, Side::Right] {
                    let line = Line::new().cell(Ink::Plain, text, width, side);
                    assert_eq!(line.width(), width, "{text:?} {width}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_shown_that_must_not_be() {
        let line = Line::of(Ink::Strong, "a\x1b]0;t\x07\tb\nc\r\u{9b}2J\u{202e}d\u{85}\u{2028}e\u{0}");
        assert!(line.plain().chars().all(|c| !c.is_control() && c != '\u{202e}'), "{line:?}");
    }

    #[test]
    fn long_text_is_broken_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrapped("open the port of it", 8), ["open the", "port of", "it"]);
        assert_eq!(wrapped("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrapped("你好世界", 3), ["你", "好", "世", "界"]);
        assert_eq!(wrapped("", 0), [""]);
    }
}
