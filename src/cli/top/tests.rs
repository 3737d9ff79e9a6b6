//! Pictures of whole screens, and what keys do to them.

mod scene;

use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::CellWidth;

use crate::web::{CheckObject, DoctorObject, PeerObject, TableObject};

use super::seen::{Doctor, News, Seen};
use super::text::columns;
use super::view::{Pane, Press, View, Wish};
use super::{draw, picture, plain};

use scene::{peer, seen};

/// What nobody may be able to put on a screen.
const HOSTILE: &str = "a\x1b]0;t\x07\tb\nc\r\u{9b}2J\u{202e}d\u{85}\u{2028}e\u{0}\u{7f}\x1b[?1049l";

fn view(seen: &Seen) -> View {
    let mut view = View::default();
    view.arrange(seen);
    view
}

/// The rows of a screen of this size.
fn screen(seen: &Seen, view: &mut View, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let lines = picture::picture(seen, view, &TimeZone::UTC, usize::from(width), usize::from(height));
    assert!(lines.len() <= usize::from(height), "{width}x{height}: {} lines", lines.len());
    terminal.draw(|frame| draw::draw(&lines, true, frame.buffer_mut())).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = (0..height).map(|y| {
        let (mut row, mut x) = (String::new(), 0);
        while x < width {
            let cell = &buffer[(x, y)];
            row.push_str(cell.symbol());
            x += cell.cell_width().max(1);
        }
        row.trim_end().to_owned()
    });
    rows.collect()
}

fn pressed(view: &mut View, seen: &Seen, keys: &str) {
    for key in keys.chars() {
        assert_eq!(view.press(Press::Letter(key), seen), Wish::Nothing, "{key:?}");
    }
}

#[test]
fn people_on_a_usual_screen() {
    let seen = seen();
    let mut view = view(&seen);
    assert_eq!(screen(&seen, &mut view, 80, 24).join("\n"), include_str!("pictures/people-80x24.txt").trim_end());
}

#[test]
fn traffic_and_network_on_a_usual_screen() {
    let seen = seen();
    let mut view = view(&seen);
    pressed(&mut view, &seen, "3");
    assert_eq!(screen(&seen, &mut view, 80, 30).join("\n"), include_str!("pictures/traffic-80x30.txt").trim_end());
    pressed(&mut view, &seen, "2");
    assert_eq!(screen(&seen, &mut view, 80, 16).join("\n"), include_str!("pictures/network-80x16.txt").trim_end());
}

#[test]
fn people_on_a_small_screen() {
    let seen = seen();
    let mut view = view(&seen);
    let small = screen(&seen, &mut view, 40, 10).join("\n");
    let tiny = screen(&seen, &mut view, 20, 5).join("\n");
    let all = format!("{small}\n----\n{tiny}");
    assert_eq!(all, include_str!("pictures/people-small.txt").trim_end());
}

#[test]
fn names_of_all_scripts_stand_in_their_column() {
    let mut seen = seen();
    let names = ["bob", "你好世界", "שלום", "سلام لا", "e\u{301}\u{301}lan", "👨‍👩‍👧‍👦 home", "ｶﾞｷﾞ", &"長い".repeat(60)];
    seen.take(News::Peers(names.map(peer).to_vec()));
    let mut view = view(&seen);
    let rows = screen(&seen, &mut view, 80, 24);
    let starts: Vec<usize> = rows.iter().filter_map(|row| row.find(" live ").map(|at| columns(&row[..at]))).collect();
    assert_eq!(starts.len(), names.len(), "{rows:#?}");
    assert!(starts.iter().all(|start| *start == starts[0]), "{starts:?} {rows:#?}");
}

#[test]
fn hostile_text_stays_text() {
    let mut seen = seen();
    let bad = || HOSTILE.to_owned();
    let eve = PeerObject {
        id: bad(),
        status: Some(bad()),
        trust: bad(),
        presence: bad(),
        address: Some(bad()),
        interface: Some(bad()),
        ways: vec![bad()],
        who: bad(),
        ..peer(HOSTILE)
    };
    seen.take(News::Peers(vec![eve]));
    let check = CheckObject { name: bad(), subject: bad(), verdict: bad(), text: bad(), advice: vec![bad()] };
    let (cause, advice) = (bad(), vec![bad()]);
    let found = DoctorObject { v: 1, kind: "doctor".to_owned(), healthy: false, cause, advice, checks: vec![check] };
    seen.take(News::Doctor(Doctor::Found(Box::new(found))));
    if let Some(network) = &mut seen.network {
        network.interfaces[0].name = bad();
    }
    if let Some(traffic) = &mut seen.traffic {
        traffic.drops.insert(bad(), 3);
        traffic.tables.push(TableObject { name: bad(), size: 1, cap: 0 });
        traffic.samples[3].at = bad();
        traffic.since = bad();
    }
    let mut view = view(&seen);
    let bad = |c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{2028}');
    for pane in Pane::ALL {
        view.pane = pane;
        for (width, height) in [(80, 24), (200, 60), (20, 5)] {
            let rows = screen(&seen, &mut view, width, height);
            assert!(!rows.iter().any(|row| row.contains(bad)), "{rows:?}");
        }
    }
    assert!(!plain::lines(&seen, &TimeZone::UTC).iter().any(|line| line.contains(bad)));
    seen.take(News::Lost(HOSTILE.to_owned()));
    pressed(&mut view, &seen, "/\u{202e}\u{9b}x");
    assert!(!screen(&seen, &mut view, 80, 24).iter().any(|row| row.contains(bad)));
}

#[test]
fn every_size_has_a_picture() {
    let mut seen = seen();
    for full in [true, false] {
        let mut view = view(&seen);
        for pane in Pane::ALL {
            view.pane = pane;
            for help in [false, true] {
                view.help = help;
                for width in (0..30).chain([33, 77, 78, 100, 400]) {
                    for height in (0..12).chain([16, 24, 80]) {
                        let lines = picture::picture(&seen, &mut view, &TimeZone::UTC, width, height);
                        assert!(lines.len() <= height, "{pane:?} {width}x{height} {full}");
                    }
                }
            }
        }
        seen = Seen::default();
    }
    assert_eq!(draw::area(0, 0), ratatui::layout::Rect::new(0, 0, 80, 24));
    assert_eq!(draw::area(u16::MAX, u16::MAX), ratatui::layout::Rect::new(0, 0, 1_000, 400));
}

fn names<'a>(view: &View, seen: &'a Seen) -> Vec<&'a str> {
    view.order.iter().map(|at| seen.peers[*at].name.as_str()).collect()
}

#[test]
fn people_are_ordered_as_keys_say_and_back_by_the_same_key() {
    let seen = seen();
    let mut view = view(&seen);
    assert_eq!(names(&view, &seen), ["bob", "bob#91c2", "mallory", "Charlie", "dave"]);
    for (key, order) in [
        ("n", ["bob", "bob#91c2", "Charlie", "dave", "mallory"]),
        ("n", ["mallory", "dave", "Charlie", "bob#91c2", "bob"]),
        ("r", ["bob", "mallory", "bob#91c2", "Charlie", "dave"]),
        ("h", ["bob", "bob#91c2", "mallory", "Charlie", "dave"]),
        ("u", ["bob", "bob#91c2", "Charlie", "dave", "mallory"]),
        ("p", ["bob", "bob#91c2", "mallory", "Charlie", "dave"]),
    ] {
        pressed(&mut view, &seen, key);
        assert_eq!(names(&view, &seen), order, "{key}");
    }
    pressed(&mut view, &seen, "a");
    assert_eq!(names(&view, &seen), ["bob", "bob#91c2", "Charlie"]);
}

#[test]
fn a_filter_is_typed_kept_and_removed() {
    let seen = seen();
    let mut view = view(&seen);
    pressed(&mut view, &seen, "/LUNCHx");
    assert_eq!(names(&view, &seen), [""; 0]);
    view.press(Press::Backspace, &seen);
    assert_eq!(names(&view, &seen), ["bob"]);
    assert!(screen(&seen, &mut view, 80, 24).last().unwrap().starts_with("/LUNCH"));
    view.press(Press::Enter, &seen);
    // Keys mean again what they meant.
    pressed(&mut view, &seen, "n");
    assert_eq!(view.filter, "LUNCH");
    pressed(&mut view, &seen, "/");
    assert_eq!(view.press(Press::Escape, &seen), Wish::Nothing);
    assert_eq!(names(&view, &seen).len(), 5);
    pressed(&mut view, &seen, &format!("/{}", "x".repeat(10_000)));
    assert!(view.filter.len() < 100);
    assert_eq!(view.press(Press::Interrupt, &seen), Wish::Quit);
}

#[test]
fn who_is_chosen_stays_so_wherever_it_stands() {
    let mut seen = seen();
    let mut view = view(&seen);
    pressed(&mut view, &seen, "jjj");
    assert_eq!(view.chosen(&seen), 3);
    let charlie = |rows: Vec<String>| rows.iter().any(|row| row.contains("Charlie@10.0.0.2"));
    assert!(charlie(screen(&seen, &mut view, 80, 24)));
    pressed(&mut view, &seen, "n");
    assert!(charlie(screen(&seen, &mut view, 80, 24)));
    let mut more = seen.peers.clone();
    more.extend((0..1_000).map(|at| peer(&format!("a{at:03}"))));
    seen.take(News::Peers(more));
    view.arrange(&seen);
    assert!(charlie(screen(&seen, &mut view, 80, 24)));
    assert_eq!(view.chosen(&seen), 1_002);
}

#[test]
fn ten_thousand_are_scrolled_through_and_only_what_is_seen_is_drawn() {
    let mut seen = seen();
    seen.take(News::Peers((0..10_000).map(|at| peer(&format!("peer{at:04}"))).collect()));
    let mut view = view(&seen);
    let has = |rows: &[String], name: &str| rows.iter().any(|row| row.starts_with(name));
    assert!(has(&screen(&seen, &mut view, 80, 24), "peer0000"));
    view.press(Press::End, &seen);
    let rows = screen(&seen, &mut view, 80, 24);
    assert!(has(&rows, "peer9999") && has(&rows, "peer9990") && !has(&rows, "peer0000"), "{rows:#?}");
    assert!(rows[4].ends_with("10,000 of 10,000, by presence"), "{rows:#?}");
    view.press(Press::PageUp, &seen);
    view.press(Press::PageUp, &seen);
    view.press(Press::Up, &seen);
    assert!(!has(&screen(&seen, &mut view, 80, 24), "peer9999"));
    view.press(Press::Home, &seen);
    view.press(Press::PageDown, &seen);
    view.press(Press::Down, &seen);
    let page = view.page;
    assert_eq!(view.chosen(&seen), page + 1);
    assert_eq!(picture::picture(&seen, &mut view, &TimeZone::UTC, 80, 24).len(), 24);
}

#[test]
fn the_doctor_is_asked_and_tells_what_is_wrong_first() {
    let mut seen = seen();
    let mut view = view(&seen);
    assert_eq!(view.press(Press::Letter('d'), &seen), Wish::Doctor);
    seen.take(News::Doctor(Doctor::Asked));
    assert!(screen(&seen, &mut view, 80, 24).iter().any(|row| row.starts_with("Looking around")));
    let check = |name: &str, verdict: &str, text: &str| CheckObject {
        name: name.to_owned(),
        subject: "eth0".to_owned(),
        verdict: verdict.to_owned(),
        text: text.to_owned(),
        advice: vec!["allow UDP port 50999 in the firewall of this computer".to_owned()],
    };
    let found = DoctorObject {
        v: 1,
        kind: "doctor".to_owned(),
        healthy: false,
        cause: "a firewall drops what comes in".to_owned(),
        advice: vec!["sudo ufw allow 50999/udp".to_owned()],
        checks: vec![check("interface", "ok", "up"), check("firewall", "problem", "drops UDP")],
    };
    seen.take(News::Doctor(Doctor::Found(Box::new(found))));
    let rows = screen(&seen, &mut view, 60, 24);
    let at =
        |text: &str| rows.iter().position(|row| row.contains(text)).unwrap_or_else(|| panic!("{text} in {rows:#?}"));
    assert!(at("Most likely: a firewall") < at("    sudo ufw allow"));
    assert!(at("problem  firewall eth0: drops UDP") < at("allow UDP port 50999"));
    assert!(at("allow UDP port 50999") < at("ok       interface eth0: up"));
    // A peer that ended meanwhile does not leave us waiting.
    seen.take(News::Doctor(Doctor::Asked));
    seen.take(News::Lost("The peer has ended".to_owned()));
    assert!(matches!(seen.doctor, Doctor::NotAsked));
}

#[test]
fn a_peer_that_ended_is_told_and_forgotten_when_it_is_back() {
    let mut seen = seen();
    let mut view = view(&seen);
    seen.take(News::Lost("The peer has ended".to_owned()));
    let rows = screen(&seen, &mut view, 80, 24);
    assert!(rows[0].ends_with("not connected") && rows[23] == "The peer has ended; trying again", "{rows:#?}");
    seen.take(News::Back);
    let rows = screen(&seen, &mut view, 80, 24);
    assert!(rows[0].ends_with("away") && rows[23].starts_with("q quit"), "{rows:#?}");
}

#[test]
fn keys_lead_from_part_to_part_and_out() {
    let seen = seen();
    let mut view = view(&seen);
    for pane in [Pane::Network, Pane::Traffic, Pane::Doctor, Pane::People] {
        view.press(Press::Tab, &seen);
        assert_eq!(view.pane, pane);
    }
    view.press(Press::BackTab, &seen);
    assert_eq!(view.pane, Pane::Doctor);
    pressed(&mut view, &seen, "?");
    assert!(screen(&seen, &mut view, 80, 24).iter().any(|row| row.contains("end; the peer goes on")));
    assert_eq!(view.press(Press::Escape, &seen), Wish::Nothing);
    assert!(!view.help);
    for key in [Press::Escape, Press::Letter('q'), Press::Interrupt] {
        assert_eq!(view.clone().press(key, &seen), Wish::Quit);
    }
    // What does not fit is reached by scrolling, and no further.
    pressed(&mut view, &seen, "3");
    screen(&seen, &mut view, 80, 12);
    for _ in 0..100 {
        view.press(Press::PageDown, &seen);
    }
    let rows = screen(&seen, &mut view, 80, 12);
    assert!(rows[10].contains("carried for others"), "{rows:#?}");
}

#[test]
fn all_is_there_as_plain_text() {
    let text = plain::lines(&seen(), &TimeZone::UTC).join("\n");
    assert_eq!(text, include_str!("pictures/plain.txt").trim_end());
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
}
