//! Links: what is written is read back, and nothing hostile gets in.

use std::net::SocketAddrV4;

use lsnp::wire::{LinkError, LinkTo, PeerLink, PublicKey};
use proptest::prelude::*;

const KEY: PublicKey = PublicKey([7; 32]);

fn at(text: &str) -> SocketAddrV4 {
    text.parse().unwrap()
}

fn read(rest: &str) -> Result<PeerLink, LinkError> {
    PeerLink::parse(&format!("peer://connect/{rest}"))
}

#[test]
fn a_link_says_who_and_where() {
    let addresses = [at("10.0.0.7:8123"), at("192.168.1.7:8123")];
    let link = PeerLink::new(LinkTo::Key(KEY), Some("Bob & Co?"), addresses).unwrap();
    let text = link.to_string();
    assert_eq!(text, format!("peer://connect/{KEY}?name=Bob%20%26%20Co%3F&at=10.0.0.7:8123&at=192.168.1.7:8123"));
    assert_eq!(PeerLink::parse(&text), Ok(link.clone()));
    assert_eq!(PeerLink::parse(&format!(" PEER://Connect/{}\n", &text[15..])), Ok(link));
    let label = PeerLink::new(LinkTo::Label("bo b@10.0.0.7".into()), None, []).unwrap();
    assert_eq!(label.to_string(), "peer://connect/bo%20b%4010.0.0.7");
    assert_eq!(read("bo%20b@10.0.0.7"), Ok(label));
    assert_eq!(read(&KEY.to_string()).unwrap().to(), &LinkTo::Key(KEY));
    // What later versions say is passed over.
    let later = read("bob@10.0.0.7?v=2&name=B%c3%B6b&x&=y&&at=10.0.0.7:65535").unwrap();
    assert_eq!((later.name(), later.addresses()), (Some("B\u{f6}b"), &[at("10.0.0.7:65535")][..]));
}

#[test]
fn what_is_no_link_is_refused() {
    for text in [
        "",
        "peer",
        "peer:",
        "peer:connect/x",
        "peer:///x",
        "http://connect/x",
        "peer://connect",
        "\u{e9}peer://connect/x",
    ] {
        assert_eq!(PeerLink::parse(text), Err(LinkError::Start), "{text:?}");
    }
    assert_eq!(PeerLink::parse(&format!("peer://connect/{}", "a".repeat(498))), Err(LinkError::Long));
    for rest in ["", "%20", "%20a", "a%0a", "a%00", "a%7f", "a%e2%80%a8", &"a".repeat(145), "?name=x"] {
        assert_eq!(read(rest), Err(LinkError::To), "{rest:?}");
    }
    let bad = [
        "a b",
        "a\u{e9}",
        "a/b",
        "a+b",
        "a#b",
        "a\\b",
        "a\"b",
        "a<b",
        "a%",
        "a%4",
        "a%zz",
        "a%+1",
        "a%ff",
        "a%c0%80",
        "a%ed%a0%80",
        "a%\u{e9}",
        "a?name=a b",
        "a?name=a=b",
        "a?name=%ff",
        "a?%zz",
        "a?at=10.0.0.7:80%",
        "a?b?c",
    ];
    for rest in bad {
        assert_eq!(read(rest), Err(LinkError::Character), "{rest:?}");
    }
    for name in ["", "%20", "%0a", "%1b%5b1m", "%c2%9b", &"x".repeat(33)] {
        assert_eq!(read(&format!("a?name={name}")), Err(LinkError::Name), "{name:?}");
    }
    let nowhere = [
        "",
        "10.0.0.7",
        "10.0.0.7:",
        ":8000",
        "10.0.0.7:0",
        "10.0.0.7:80",
        "10.0.0.7:1023",
        "10.0.0.7:65536",
        "10.0.0.7:08000",
        "010.0.0.7:8000",
        "10.0.7:8000",
        "0.0.0.0:8000",
        "0.1.2.3:8000",
        "255.255.255.255:8000",
        "224.0.0.1:8000",
        "239.255.255.250:8000",
        "bob:8000",
        "%5B::1%5D:8000",
        "167772167:8000",
        "10.0.0.7:8000%20",
    ];
    for address in nowhere {
        assert_eq!(read(&format!("a?at={address}")), Err(LinkError::Address), "{address:?}");
    }
    let many: Vec<String> = (1..=5).map(|host| format!("at=10.0.0.{host}:8000")).collect();
    for query in ["name=a&name=a", "at=10.0.0.7:8000&at=10.0.0.7:8000", "n%61me=a&name=b", &many.join("&")] {
        assert_eq!(read(&format!("a?{query}")), Err(LinkError::Twice), "{query:?}");
    }
    assert!(read(&format!("a?{}", many[..4].join("&"))).is_ok());
}

#[test]
fn a_label_that_looks_like_a_key_stays_a_label() {
    let label = LinkTo::Label(KEY.to_string());
    let link = PeerLink::new(label.clone(), None, []).unwrap();
    assert_eq!(PeerLink::parse(&link.to_string()).unwrap().to(), &label);
}

#[test]
fn a_link_is_never_too_long_and_never_leads_where_no_peer_can_be() {
    let label = LinkTo::Label("\u{1f600}".repeat(36));
    let places = (1..=9).map(|host| SocketAddrV4::new([192, 168, 200, 100 + host].into(), 50_000));
    let link = PeerLink::new(label, Some(&"\u{1f600}".repeat(32)), places).unwrap();
    assert!(link.to_string().len() <= 512 && link.name().is_none() && !link.addresses().is_empty(), "{link}");
    let nowhere =
        [at("0.0.0.0:8000"), at("224.0.0.1:8000"), at("10.0.0.7:53"), at("10.0.0.7:8000"), at("10.0.0.7:8000")];
    let link = PeerLink::new(LinkTo::Key(KEY), Some("\u{1b}[1m"), nowhere).unwrap();
    assert_eq!((link.addresses(), link.name()), (&[at("10.0.0.7:8000")][..], None));
    for label in ["", " bob@10.0.0.7", "a\nb", &"a".repeat(145)] {
        assert_eq!(PeerLink::new(LinkTo::Label(label.into()), None, []), None, "{label:?}");
    }
}

fn any_link() -> impl Strategy<Value = Option<PeerLink>> {
    let to = prop_oneof![
        any::<[u8; 32]>().prop_map(|key| LinkTo::Key(PublicKey(key))),
        "\\PC{1,60}".prop_map(LinkTo::Label),
        "[A-Za-z0-9_-]{43}".prop_map(LinkTo::Label),
    ];
    let places = prop::collection::vec((any::<[u8; 4]>(), any::<u16>()), 0..8);
    (to, prop::option::of("\\PC{0,40}"), places).prop_map(|(to, name, places)| {
        PeerLink::new(to, name.as_deref(), places.into_iter().map(|(ip, port)| SocketAddrV4::new(ip.into(), port)))
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(link in any_link()) {
        if let Some(link) = link {
            let text = link.to_string();
            prop_assert!(text.len() <= 512 && text.bytes().all(|byte| (b'!'..=b'~').contains(&byte)), "{}", text);
            prop_assert_eq!(PeerLink::parse(&text), Ok(link));
        }
    }

    #[test]
    fn whatever_is_read_is_written_and_read_the_same(text in "(peer://connect/)?[a-zA-Z0-9%?&=:@./_~#+ \\-\\PC]{0,80}") {
        if let Ok(link) = PeerLink::parse(&text) {
            prop_assert_eq!(PeerLink::parse(&link.to_string()), Ok(link));
        }
        let _ = PeerLink::is_meant(&text);
    }

    #[test]
    fn a_link_that_was_damaged_is_read_or_refused(
        link in any_link(),
        at in any::<prop::sample::Index>(),
        with in "\\PC{0,3}|%[0-9a-zA-Z%]{0,2}",
    ) {
        let mut text = link.map_or_else(String::new, |link| link.to_string());
        let place = at.index(text.len() + 1);
        text.insert_str(place, &with);
        if let Ok(link) = PeerLink::parse(&text) {
            prop_assert!(link.addresses().len() <= 4 && link.to_string().len() <= 512);
        }
    }
}
