//! Searching.

use lsnp::engine::{Entry, RowId, Trust};
use lsnp::store::{Forget, Query};

use crate::desk::{Desk, Folder, NOW, dm, key, peer, plain, post, texts};

fn asked(words: &str) -> Query {
    Query { words: Some(words.to_owned()), ..Query::default() }
}

/// The texts that this finds, with `|` between them.
fn found(desk: &Desk, words: &str) -> String {
    texts(&desk.history.lines(&asked(words)).unwrap()).join("|")
}

#[test]
fn all_words_must_be_there_in_any_order_and_spelling() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let lines = ["Größe und Straße", "une idée naïve", "the quick brown fox", "quick, quick!", "snake_case foo-bar"];
    desk.put(lines.iter().zip(1..).map(|(text, number)| dm(2, number, text)));
    for (words, expected) in [
        ("GRÖSSE", ""),
        ("grosse", ""),
        ("große", "Größe und Straße"),
        ("GROẞE", "Größe und Straße"),
        ("strasse", ""),
        ("STRAßE", "Größe und Straße"),
        ("idee", "une idée naïve"),
        ("IDÉE", "une idée naïve"),
        ("quick", "the quick brown fox|quick, quick!"),
        ("fox  quick", "the quick brown fox"),
        ("qui", ""),
        ("qui*", "the quick brown fox|quick, quick!"),
        ("qui* bro*", "the quick brown fox"),
        ("foo-bar", "snake_case foo-bar"),
        ("bar-foo", ""),
        ("case", "snake_case foo-bar"),
        ("", "Größe und Straße|une idée naïve|the quick brown fox|quick, quick!|snake_case foo-bar"),
        ("!?", ""),
    ] {
        assert_eq!(found(&desk, words), expected, "{words:?}");
    }
}

#[test]
fn scripts_without_spaces_are_found_by_any_part() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let lines = ["明日は東京タワーで会いましょう", "京都に東がある", "내일 서울에서 만나요", "สวัสดีครับ", "TCP东西ok"];
    desk.put(lines.iter().zip(1..).map(|(text, number)| dm(2, number, text)));
    for (words, expected) in [
        ("東京", lines[0]),
        ("タワー", lines[0]),
        ("会い 東京", lines[0]),
        ("京", "明日は東京タワーで会いましょう|京都に東がある"),
        ("서울", lines[2]),
        ("สวัสดี", lines[3]),
        ("tcp", lines[4]),
        ("东西ok", lines[4]),
        ("西东", ""),
    ] {
        assert_eq!(found(&desk, words), expected, "{words}");
    }
}

#[test]
fn words_are_no_syntax() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    desk.put_one(dm(2, 1, "nothing but words: a AND b NOT c NEAR d OR e text rank words"));
    let attacks = [
        "AND",
        "a AND",
        "OR OR",
        "NOT",
        "NEAR",
        "NEAR(a b)",
        "NEAR(a, 5)",
        "(",
        ")",
        "((a)",
        "\"",
        "\"\"",
        "\"\"\"",
        "a\"b",
        "'",
        "';DROP TABLE line;--",
        "text:a",
        "text : a",
        "{text} : a",
        "-text:a",
        "nosuch:a",
        "^a",
        "^",
        "+",
        "a + b",
        "*",
        "a*b",
        "**",
        "*a",
        ":",
        "rank",
        "rowid:1",
        "words MATCH 'a'",
        "\0",
        "a\0b",
        "\u{feff}",
        "\u{202e}a",
        "%",
        "_",
        "\\",
        "\u{1b}[2J",
        "a\r\nb",
        "\u{10ffff}",
        "ﷺ",
        "💥",
        "e\u{301}\u{301}\u{301}",
        "-",
        "--",
        "/*",
        "${a}",
        "a;b",
        "1e999",
    ];
    for words in attacks {
        for words in [words.to_owned(), format!("a {words}"), format!("{words} {words}"), format!("{words}*")] {
            assert!(desk.history.lines(&asked(&words)).is_ok(), "{words:?}");
            let each = desk.history.each(&asked(&words), &mut |_| true);
            assert!(each.is_ok(), "{words:?}");
        }
    }
    assert!(found(&desk, "AND near ranK").starts_with("nothing but"), "they are words");
    assert!(desk.history.lines(&asked(&"a".repeat(1 << 20))).unwrap().is_empty());
    let error = desk.history.lines(&asked(&"a ".repeat(33))).unwrap_err();
    assert!(error.to_string().contains("32 words"), "{error}");
}

#[test]
fn hostile_texts_are_kept_whole() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let lines = [
        "\0".to_owned(),
        "before\0after".to_owned(),
        "\u{1b}]0;title\u{7}".to_owned(),
        "\u{202e}rtl\u{2066}".to_owned(),
        "a".repeat(65_536),
        "東".repeat(20_000),
        "e".to_owned() + &"\u{301}".repeat(5_000),
        "💥 \u{10ffff} \u{fffe}".to_owned(),
        "'); DELETE FROM line; --".to_owned(),
        (0..8_000).map(|number| format!("w{number} ")).collect(),
        String::new(),
    ];
    desk.put(lines.iter().zip(1..).map(|(text, number)| dm(2, number, text)));
    let hostile_label = "\u{1b}[31m'\"\0@x";
    desk.put_one(plain(hostile_label, "\0'", "by a label"));
    let all = desk.all();
    assert_eq!(texts(&all)[..lines.len() - 5], lines.iter().map(|line| &**line).collect::<Vec<_>>()[..lines.len() - 5]);
    assert_eq!(all.len(), lines.len() + 1);
    assert!(lines.iter().all(|line| all.iter().any(|kept| kept.text == *line)));
    let query = Query { with_label: Some(hostile_label.to_owned()), ..Query::default() };
    assert_eq!(texts(&desk.history.lines(&query).unwrap()), ["by a label"]);
    assert_eq!(desk.history.lines(&asked("after")).unwrap().len(), 1);
    assert_eq!(desk.history.lines(&asked("w7999")).unwrap().len(), 1);
    // What is taken out of the index is what was put in.
    assert_eq!(desk.history.forget(&Forget::Everything).unwrap().lines, all.len() as u64);
    for words in ["after", "w7999", "東", "label"] {
        assert!(desk.history.lines(&asked(words)).unwrap().is_empty(), "{words}");
    }
}

#[test]
fn the_newest_are_found_page_by_page() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    desk.put((1..=600).map(|number| dm(2 + (number % 2) as u8, number, &format!("common {number}"))));
    let mut before = None;
    let mut told = Vec::new();
    loop {
        let query = Query { limit: Some(70), before, ..asked("common") };
        let page = desk.history.lines(&query).unwrap();
        let Some(first) = page.first() else { break };
        before = Some(first.row);
        told.splice(0..0, page.into_iter().map(|line| line.row));
    }
    assert_eq!(told, (1..=600).map(RowId).collect::<Vec<_>>());

    let mut each = Vec::new();
    let query = Query { limit: Some(300), with: Some(key(2)), ..asked("common") };
    desk.history
        .each(&query, &mut |line| {
            each.push(line.row.0);
            true
        })
        .unwrap();
    assert_eq!(each, (1..=300).map(|number| number * 2).collect::<Vec<_>>());
    let query = Query { limit: Some(2), before: Some(RowId(5)), ..asked("common") };
    each.clear();
    desk.history
        .each(&query, &mut |line| {
            each.push(line.row.0);
            true
        })
        .unwrap();
    assert_eq!(each, [3, 4]);
}

#[test]
fn what_is_found_can_be_narrowed() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    desk.put([
        dm(2, 1, "tea"),
        Entry { at: NOW + 100, ..dm(3, 2, "tea, too") },
        Entry { ours: true, with: Some(peer(2, Trust::Known)), ..dm(1, 3, "tea for you") },
        post(2, 4, "tea for all"),
        plain("bob@10.0.0.9", "b", "tea, plainly"),
    ]);
    let found = |query: Query| {
        let lines = desk.history.lines(&query).unwrap();
        let without = desk.history.lines(&Query { words: None, ..query.clone() }).unwrap();
        let mut each = Vec::new();
        desk.history
            .each(&query, &mut |line| {
                each.push(line);
                true
            })
            .unwrap();
        assert_eq!((&lines, &lines), (&without, &each), "however it is asked");
        texts(&lines).join("|")
    };
    assert_eq!(found(Query { with: Some(key(2)), ..asked("tea") }), "tea|tea for you|tea for all");
    assert_eq!(found(Query { with_label: Some("bob@10.0.0.9".to_owned()), ..asked("tea") }), "tea, plainly");
    assert_eq!(found(Query { with_label: Some("p2@10.0.0.2".to_owned()), ..asked("tea") }), "");
    assert_eq!(found(Query { since: Some(NOW), ..asked("tea") }), "tea, too");
    assert_eq!(found(Query { unread: true, with: Some(key(2)), ..asked("tea") }), "tea|tea for all");
}
