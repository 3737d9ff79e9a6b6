//! Names that look alike.

use lsnp::wire::skeleton;
use proptest::prelude::*;

#[track_caller]
fn alike(names: &[&str]) {
    for name in names {
        assert_eq!(skeleton(name), skeleton(names[0]), "{name:?} and {:?}", names[0]);
    }
}

#[test]
fn case_makes_no_difference() {
    alike(&["alice", "Alice", "ALICE", "aLiCe"]);
    alike(&["Маша", "маша", "МАША"]);
    alike(&["Григорий", "григорий", "ГРИГОРИЙ"]);
    alike(&["jürgen", "JÜRGEN"]);
}

#[test]
fn every_ascii_letter_is_the_same_in_both_cases() {
    for c in b'a'..=b'z' {
        let (small, capital) = (char::from(c).to_string(), char::from(c.to_ascii_uppercase()).to_string());
        assert_eq!(skeleton(&small), skeleton(&capital), "{small} and {capital}");
    }
}

#[test]
fn other_alphabets_make_no_difference() {
    // Cyrillic a, er, es, ie, o, u; Cyrillic capital en, er, es; Greek omicron, nu, capital alpha.
    alike(&["paco", "р\u{430}\u{441}\u{43e}", "p\u{430}co", "РАСО"]);
    alike(&["Helen", "\u{41d}elen"]);
    alike(&["steve", "ste\u{3bd}e", "st\u{435}v\u{435}"]);
    alike(&["bob", "b\u{3bf}b", "b0b", "B\u{39f}B"]);
    alike(&["Alice", "\u{391}lice"]);
    alike(&["alice", "ａｌｉｃｅ", "ＡＬＩＣＥ", "𝐚𝐥𝐢𝐜𝐞", "ⓐⓛⓘⓒⓔ"]);
}

#[test]
fn letters_that_look_alike_make_no_difference() {
    alike(&["alice", "aIice", "al1ce", "a1ice", "a|ice", "alıce", "aliсe"]);
    alike(&["modern", "modem", "rnodern", "MODERN", "m0dern"]);
    alike(&["Oskar", "0skar", "oskar"]);
}

#[test]
fn what_cannot_be_seen_makes_no_difference() {
    alike(&[
        "alice",
        "al\u{200b}ice",
        "\u{feff}alice",
        "ali\u{200d}ce",
        "alice\u{ad}",
        "a\u{2060}lice",
        "alice\u{fe0f}",
    ]);
    alike(&["alice", "\u{202e}alice\u{202c}", "alice\u{3164}", "\u{e0061}alice"]);
    alike(&["alice b", "alice  b", " alice b ", "alice\u{a0}b", "alice\u{3000}b"]);
    alike(&["", "\u{200b}", " ", "\u{3164}"]);
}

#[test]
fn accents_make_no_difference() {
    alike(&["jose", "josé", "jose\u{301}", "JOSÉ", "jọse"]);
    alike(&["soren", "søren", "Sören"]);
}

#[test]
fn names_that_look_different_stay_different() {
    let names = [
        "alice",
        "alicia",
        "bob",
        "bobby",
        "anna",
        "hanna",
        "max",
        "mix",
        "student",
        "student2",
        "student3",
        "राम",
        "रिम",
        "मुन",
        "मन",
        "李雷",
        "韩梅梅",
        "محمد",
        "أحمد",
        "안나",
        "한나",
        "Maria",
        "Mario",
        "🦀",
        "🐙",
        "a b",
        "ab",
    ];
    for (at, name) in names.iter().enumerate() {
        for other in &names[at + 1..] {
            assert_ne!(skeleton(name), skeleton(other), "{name:?} and {other:?}");
        }
    }
}

#[test]
fn a_thousand_look_alikes_of_one_name_are_found() {
    let looks: [&[&str]; 5] = [
        &["a", "A", "\u{430}", "\u{410}", "\u{3b1}", "ａ", "á", "𝗮"],
        &["l", "I", "1", "|", "L", "\u{406}", "ｌ", "i"],
        &["i", "l", "I", "ı", "í", "\u{456}", "ｉ", "İ"],
        &["c", "C", "\u{441}", "\u{421}", "ｃ", "ç", "ⅽ", "\u{3f2}"],
        &["e", "E", "\u{435}", "\u{415}", "é", "ｅ", "\u{395}", "ℯ"],
    ];
    let wanted = skeleton("alice");
    for at in 0..8_usize.pow(5) {
        let name: String =
            looks.iter().enumerate().map(|(place, all)| all[at / 8_usize.pow(place as u32) % 8]).collect();
        assert_eq!(skeleton(&name), wanted, "{name:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn any_name_at_all_has_one_and_it_is_bounded(name in any::<String>()) {
        // The longest look of one character is 18 characters long.
        prop_assert!(skeleton(&name).chars().count() <= 40 * name.chars().count());
    }

    #[test]
    fn a_look_is_alike_itself(name in "[a-zA-Z0-9 ]{0,20}") {
        let look = skeleton(&name);
        prop_assert_eq!(skeleton(&look), look);
    }

    #[test]
    fn a_plain_name_looks_as_it_does_among_others(name in "[ -~]{0,20}") {
        // A letter of another alphabet at the end, and the whole is looked at in another way.
        let other = skeleton(&format!("{name}\u{4e2d}"));
        prop_assert_eq!(format!("{}\u{4e2d}", skeleton(&format!("{name}.")).strip_suffix('.').unwrap()), other);
    }

    #[test]
    fn invisible_characters_anywhere_change_nothing(name in "[a-z]{1,10}", at in 0..10_usize, hidden in 0..6_usize) {
        let at = at % name.len();
        let hidden = ['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{e0041}'][hidden];
        let other: String = name[..at].chars().chain([hidden]).chain(name[at..].chars()).collect();
        prop_assert_eq!(skeleton(&other), skeleton(&name));
    }
}
