//! Texts and questions as the search index has them.
//!
//! The index splits at everything that is no letter and no digit, and knows no letter's accents (`unicode61`). Scripts
//! that put no space between words are split into single letters, and a word of theirs is a phrase: so any part of such a
//! text is found. An index of all triples of letters (`trigram`) would find parts of words of every script, for three
//! times the place and half of the speed.

use std::borrow::Cow;

/// Most words of one question.
pub(super) const WORDS_MAX: usize = 32;

/// The text with a space on both sides of every letter of a script that has none between words.
pub(super) fn spaced(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(is_unspaced) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if is_unspaced(c) {
            out.push(' ');
            out.push(c);
            out.push(' ');
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Thai, Lao, Burmese, Khmer, Chinese, Japanese and Korean.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ffdc}' | '\u{20000}'..='\u{3ffff}')
}

/// What the index is asked for: every word quoted, for a word of a user is no syntax; only a `*` after two letters or more
/// means that the word may go on. None without a word; the count when there are too many.
pub(super) fn question(words: &str) -> Result<Option<String>, usize> {
    let mut question = String::new();
    let mut count = 0;
    for word in words.split(|c: char| c.is_whitespace() || c.is_control()) {
        let stem = word.trim_end_matches('*');
        if stem.is_empty() {
            continue;
        }
        count += 1;
        if !question.is_empty() {
            question.push(' ');
        }
        question.push('"');
        question.push_str(&spaced(stem).replace('"', "\"\""));
        question.push('"');
        if stem.len() < word.len() && stem.chars().nth(1).is_some() {
            question.push('*');
        }
    }
    match count {
        0 => Ok(None),
        1..=WORDS_MAX => Ok(Some(question)),
        _ => Err(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_and_only_a_star_at_the_end_is_syntax() {
        let asked = |words| question(words).unwrap();
        assert_eq!(asked(" \t"), None);
        assert_eq!(asked("* **"), None);
        assert_eq!(asked("foo-bar AND").as_deref(), Some("\"foo-bar\" \"AND\""));
        assert_eq!(asked("a\"b play* p* \0x").as_deref(), Some("\"a\"\"b\" \"play\"* \"p\" \"x\""));
        assert_eq!(asked("東京").as_deref(), Some("\" 東  京 \""));
        assert_eq!(question(&"a ".repeat(33)), Err(33));
    }

    #[test]
    fn only_scripts_without_spaces_are_split() {
        assert_eq!(spaced("Größe, naïve"), "Größe, naïve");
        assert_eq!(spaced("a東b"), "a 東 b");
    }
}
