//! What lines come to.

use super::*;

fn wish(line: &str) -> Wish {
    let read = Line::read(line);
    let Line::Wish(wish) = read else { panic!("{line}: {read:?}") };
    wish
}

fn ask(line: Line) -> Question {
    let Line::Ask(question) = line else { panic!("{line:?}") };
    question
}

#[test]
fn case_does_not_matter_for_commands_but_is_kept_in_text() {
    assert_eq!(wish("list"), Wish::List { all: false });
    assert_eq!(wish("list all"), Wish::List { all: true });
    assert_eq!(wish("  pOsT  Hello  World  "), Wish::Post { text: "Hello  World".into() });
    assert_eq!(wish("dm Bob Hi"), Wish::Dm { who: "Bob".into(), text: "Hi".into() });
    assert_eq!(wish("help all"), Wish::Help { all: true });
    assert_eq!(wish("?"), Wish::Help { all: false });
}

#[test]
fn whom_may_stand_in_quotes() {
    assert_eq!(wish("DM \"Bob The Second\" hi"), Wish::Dm { who: "\"Bob The Second\"".into(), text: "hi".into() });
    assert_eq!(Line::read("DM \"Bob hi"), Line::Usage("DM <who> <text>"));
    assert_eq!(Line::read("PEERS bob charlie"), Line::Usage("PEERS <who>"));
    assert_eq!(wish("follow \"a b\""), Wish::Follow { who: "\"a b\"".into() });
}

#[test]
fn profile_keeps_what_is_not_named() {
    let profile = |name: Option<&str>, status: Option<&str>| Wish::Profile {
        display_name: name.map(str::to_owned),
        status: status.map(str::to_owned),
    };
    assert_eq!(wish("PROFILE Alice The First"), profile(Some("Alice The First"), None));
    assert_eq!(wish("PROFILE Alice | fine: a|b"), profile(Some("Alice"), Some("fine: a|b")));
    assert_eq!(wish("PROFILE | away"), profile(None, Some("away")));
    assert_eq!(wish("PROFILE Alice |"), profile(Some("Alice"), Some("")));
}

#[test]
fn avatar_is_a_file_a_peer_or_none() {
    assert_eq!(wish("AVATAR NONE"), Wish::AvatarNone);
    assert_eq!(wish("AVATAR my face.png"), Wish::Avatar { what: "my face.png".into() });
    assert_eq!(
        wish("avatar bob SAVE \"her face.png\""),
        Wish::AvatarSave { who: "bob".into(), file: "her face.png".into() }
    );
    assert_eq!(ask(Line::read("avatar bob save")), Question::AvatarFile { who: "bob".into() });
}

#[test]
fn commands_without_their_argument_ask_as_the_older_client_does() {
    for (line, prompt) in [("POST", "Message: "), ("DM", "Recipient: "), ("PROFILE", "Display Name: ")] {
        assert_eq!(ask(Line::read(line)).prompt(), prompt);
    }
    let text = ask(ask(Line::read("DM")).answered("Bob The Second"));
    assert_eq!(text.prompt(), "Message: ");
    assert_eq!(
        text.answered("hi there"),
        Line::Wish(Wish::Dm { who: "\"Bob The Second\"".into(), text: "hi there".into() })
    );
    assert_eq!(ask(Line::read("DM bob")), Question::DmText { who: "bob".into() });
    let status = ask(ask(Line::read("PROFILE")).answered("Alice"));
    assert_eq!(status.prompt(), "Status message: ");
    assert_eq!(status.answered(""), Line::Wish(Wish::Profile { display_name: Some("Alice".into()), status: None }));
}

#[test]
fn an_empty_answer_gives_the_command_up() {
    for line in ["POST", "DM", "DM bob", "AVATAR", "PEERS", "FOLLOW", "UNFOLLOW", "PEER", "VERIFY", "BLOCK"] {
        assert_eq!(ask(Line::read(line)).answered("  "), Line::Empty, "{line}");
    }
    assert_eq!(ask(ask(Line::read("PROFILE")).answered("")).answered(""), Line::Empty);
}

#[test]
fn words_about_somebody_name_exactly_one() {
    let who = || "bob#7f3a".to_owned();
    assert_eq!(wish("peer bob#7f3a"), Wish::Peer { who: who() });
    assert_eq!(wish("VERIFY bob#7f3a"), Wish::Verify { who: who(), digits: None });
    assert_eq!(wish("verify bob#7f3a 12345 67890"), Wish::Verify { who: who(), digits: Some("12345 67890".into()) });
    assert_eq!(Line::read("VERIFY bob 123x"), Line::Usage("VERIFY <who> [<60 digits>]"));
    for (line, word) in [
        ("trust", Word::Trust),
        ("block", Word::Block),
        ("unblock", Word::Unblock),
        ("mute", Word::Mute),
        ("unmute", Word::Unmute),
    ] {
        assert_eq!(wish(&format!("{line} bob#7f3a")), Wish::Judge { who: who(), word });
        assert_eq!(ask(Line::read(line)), Question::JudgeWho(word));
        assert!(matches!(Line::read(&format!("{line} bob carl")), Line::Usage(_)));
    }
}

#[test]
fn only_a_yes_says_that_digits_are_the_same() {
    let key = PublicKey([1; 32]);
    for (answer, same) in
        [("y", true), ("Yes", true), ("", false), ("n", false), ("yeah", false), ("VERIFY bob", false)]
    {
        let question = Question::Same { key, name: "bob".into() };
        assert_eq!(question.answered(answer), Line::Wish(Wish::Compared { key, name: "bob".into(), same }), "{answer}");
    }
}

#[test]
fn what_is_no_command_is_never_sent() {
    for line in ["hello", "hello world", "list everybody", "quit now", "posted", "stats x", "/post x"] {
        assert_eq!(Line::read(line), Line::Unknown(line.to_owned()));
    }
    assert_eq!(Line::read("   "), Line::Empty);
}

#[test]
fn every_command_that_is_offered_is_understood() {
    for (command, _) in COMMANDS {
        assert!(!matches!(Line::read(command), Line::Unknown(_)), "{command}");
    }
}

#[test]
fn history_takes_whom_and_how_many() {
    let history = |who: Option<&str>, count| Wish::History { who: who.map(str::to_owned), count };
    assert_eq!(wish("history"), history(None, None));
    assert_eq!(wish("HISTORY 50"), history(None, Some(50)));
    assert_eq!(wish("HISTORY bob"), history(Some("bob"), None));
    assert_eq!(wish("HISTORY \"Bob B.\" 5"), history(Some("\"Bob B.\""), Some(5)));
    assert_eq!(wish("HISTORY \"50\""), history(Some("\"50\""), None));
    assert_eq!(wish("history unread"), Wish::Unread);
    assert!(matches!(Line::read("HISTORY bob x"), Line::Usage(_)));
    assert!(matches!(Line::read("HISTORY 0 0"), Line::Usage(_)));
    assert_eq!(wish("SEARCH at two"), Wish::Search { words: "at two".into() });
    assert_eq!(ask(Line::read("SEARCH")), Question::SearchWords);
    assert_eq!(wish("quiet"), Wish::Quiet(None));
    assert_eq!(wish("QUIET off"), Wish::Quiet(Some(false)));
}

#[test]
fn forgetting_is_asked_about() {
    assert_eq!(wish("FORGET bob"), Wish::Forget { who: "bob".into() });
    let question = || Question::Forgo { what: Forget::Everything, name: "bob".into() };
    for (answer, yes) in [("", false), ("n", false), ("Y", true), ("yes", true)] {
        let wish = Wish::Forgo { what: Forget::Everything, name: "bob".into(), yes };
        assert_eq!(question().answered(answer), Line::Wish(wish));
    }
}
