//! Text from the network on its way to a screen, a log or a page (protocol.md §8.5).

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeEmoji, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::{Name, NameError};

/// Text that may be shown: one line, no control, no direction override, at most 4 marks a character.
///
/// The only way in is [`Safe::line`], the only way out is `Display`; raw network text has no `Display`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Safe(String);

/// Text of several lines that may be shown, each line [`Safe`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeLines(Vec<Safe>);

impl Safe {
    /// Makes one line of any text: line breaks and tabs become spaces, what must not be shown is dropped.
    #[must_use]
    pub fn line(text: &str) -> Self {
        if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Self(text.to_owned());
        }
        let mut out = String::with_capacity(text.len());
        let mut marks = 0;
        for c in kept(text).nfc() {
            marks = if is_mark(c) && c != EMOJI_STYLE { marks + 1 } else { 0 };
            if marks <= MARKS {
                out.push(c);
            }
        }
        Self(out)
    }

    /// The same, cut to `columns` of a terminal with `…` at the end where it is longer.
    #[must_use]
    pub fn fitted(text: &str, columns: usize) -> Self {
        let Self(line) = Self::line(text);
        if line.width() <= columns {
            return Self(line);
        }
        let (mut out, mut used) = (String::new(), 1);
        for cluster in line.graphemes(true) {
            used += cluster.width();
            if used > columns {
                break;
            }
            out.push_str(cluster);
        }
        if columns > 0 {
            out.push('…');
        }
        Self(out)
    }

    /// A name on one line, cut to `columns`, without what could pass for a mark of ours: check marks, locks, shields and
    /// blanks that are no space.
    #[must_use]
    pub fn called(name: &str, columns: usize) -> Self {
        if name.is_ascii() {
            return Self::fitted(name, columns);
        }
        let plain: String = name.chars().filter(|c| !is_sign(*c)).collect();
        Self::fitted(&plain, columns)
    }

    /// Takes a display name as typed: 1 to 32 characters that can all be shown; spaces around it are dropped.
    ///
    /// # Errors
    /// A [`NameError`] with the reason.
    pub fn name(text: &str) -> Result<String, NameError> {
        let text = text.trim();
        let count = text.chars().count();
        if Self::line(text).width() == 0 {
            Err(NameError::Empty)
        } else if count > Name::MAX {
            Err(NameError::Long(count))
        } else if Self::changes(text) {
            Err(NameError::Character("characters that cannot be shown".into()))
        } else {
            Ok(text.to_owned())
        }
    }

    /// True when the text cannot be shown as it is.
    #[must_use]
    pub fn changes(text: &str) -> bool {
        Self::line(text).0 != text.nfc().collect::<String>()
    }

    /// Columns that the text takes on a terminal.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// True when nothing is left to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text that may be shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Safe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl SafeLines {
    /// Makes lines of any text, split at its line breaks.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(text.lines().map(Safe::line).collect())
    }

    /// The lines, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Safe> {
        self.0.iter()
    }
}

/// Asks for the coloured form of the emoji before it.
const EMOJI_STYLE: char = '\u{fe0f}';
/// Joins the emoji on both sides.
const JOINER: char = '\u{200d}';
/// Most marks on one character.
const MARKS: usize = 4;

/// What may be shown of the text. All that is dropped is dropped before the normal form is made: else two marks that a
/// dropped character held apart would change places when the result is shown again.
fn kept(text: &str) -> impl Iterator<Item = char> {
    let mut last = '\0';
    let mut chars =
        text.chars().filter(|c| is_plain(*c) || is_gap(*c) || matches!(*c, EMOJI_STYLE | JOINER)).peekable();
    std::iter::from_fn(move || {
        loop {
            let c = match chars.next()? {
                c if is_gap(c) && last == ' ' && c != '\t' => continue,
                c if is_gap(c) => ' ',
                EMOJI_STYLE if !last.is_emoji_char() => continue,
                JOINER if !(last == EMOJI_STYLE || is_picture(last)) => continue,
                JOINER if !chars.peek().copied().is_some_and(is_picture) => continue,
                c => c,
            };
            last = c;
            return Some(c);
        }
    })
}

/// True for what separates lines or columns, and is shown as a space.
fn is_gap(c: char) -> bool {
    matches!(c, '\n' | '\t' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// True for what looks like a sign of trust, or like nothing.
fn is_sign(c: char) -> bool {
    let check = [
        '\u{221a}',
        '\u{2611}',
        '\u{2705}',
        '\u{2713}',
        '\u{2714}',
        '\u{10102}',
        '\u{1f5f8}',
        '\u{1f5f9}',
        '\u{1fbb1}',
    ];
    let lock = ['\u{26bf}', '\u{1f50f}', '\u{1f510}', '\u{1f511}', '\u{1f512}', '\u{1f513}', '\u{1f5dd}'];
    let shield = ['\u{26e8}', '\u{1f530}', '\u{1f6e1}'];
    let blank = '\u{2800}';
    check.contains(&c) || lock.contains(&c) || shield.contains(&c) || c == blank
}

/// True for what a joiner may join.
fn is_picture(c: char) -> bool {
    c.is_emoji_char() && !c.is_ascii()
}

/// True for a character that may stand in a name and be shown: no control, format, private use, unassigned or
/// separator character (the space is plain), and none of those that look like nothing.
pub(super) fn is_plain(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    if matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
    {
        return false;
    }
    !matches!(
        c.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::PrivateUse
            | GeneralCategory::Surrogate
            | GeneralCategory::Unassigned
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    )
}

fn is_mark(c: char) -> bool {
    matches!(
        c.general_category(),
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark | GeneralCategory::SpacingMark
    )
}

/// Text as it came from the network: has no `Display`, so that it cannot be shown by mistake.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Untrusted(String);

impl Untrusted {
    /// Marks text as foreign.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text on one line, fit to be shown.
    #[must_use]
    pub fn safe(&self) -> Safe {
        Safe::line(&self.0)
    }

    /// The text with its line breaks, fit to be shown.
    #[must_use]
    pub fn lines(&self) -> SafeLines {
        SafeLines::of(&self.0)
    }

    /// The text itself: for comparing and storing, never for showing.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untrusted({:?})", self.safe().as_str())
    }
}
