//! What a name looks like (protocol.md §9.8, UTS 39).

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton as prototype;

/// The form in which names that look alike are the same: case, other alphabets, accents, what cannot be seen, and
/// letters such as `l`, `I` and `1` or `rn` and `m` make no difference. For comparing only: nobody can read it.
#[must_use]
pub fn skeleton(name: &str) -> String {
    if name.is_ascii() {
        // Most names are plain, and there may be thousands: each letter has its own look.
        static PLAIN: LazyLock<[String; 128]> =
            LazyLock::new(|| std::array::from_fn(|c| look(&char::from(c as u8).to_string())));
        let look: String = name.bytes().filter_map(|byte| PLAIN.get(usize::from(byte))).map(String::as_str).collect();
        return spaced_once(&look);
    }
    spaced_once(&look(name))
}

fn spaced_once(look: &str) -> String {
    look.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn look(name: &str) -> String {
    let mut seen = String::with_capacity(name.len());
    for c in name.nfd() {
        looks_like(c, &mut seen);
    }
    // A small letter may look like something else than its capital: m like rn.
    prototype(&seen).filter(|c| !is_accent(*c)).map(|c| if c == 'i' { 'l' } else { c }).collect()
}

/// Appends what a letter looks like, in small letters. One that looks like no ASCII letter in its own case, and like one
/// in the other, is taken for that: so both cases of other alphabets come out the same. What is left is taken for what
/// it stands for, such as a letter in a circle.
fn looks_like(c: char, out: &mut String) {
    let look = |text: &str| prototype(text).collect::<String>();
    let mut bytes = [0; 4];
    let own = look(c.encode_utf8(&mut bytes));
    let mut seen = None;
    if !own.is_ascii() {
        let other: String = if c.is_lowercase() { c.to_uppercase().collect() } else { c.to_lowercase().collect() };
        let plain: String = [c].into_iter().nfkd().collect();
        seen = [look(&other), look(&plain)].into_iter().find(|look| look.is_ascii() && !look.is_empty());
    }
    let seen = seen.unwrap_or(own);
    out.extend(seen.chars().filter(|c| !is_accent(*c)).flat_map(char::to_lowercase));
}

/// True for a mark that any letter may carry. The vowel signs of a script are none of these.
fn is_accent(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}
