//! Datagrams written by hand.

use std::net::SocketAddrV4;

/// Somebody on the network of [`Lan::hosts`](lsnp::sim::Lan::hosts) who is no program.
pub(crate) fn stranger() -> SocketAddrV4 {
    "10.0.200.7:8500".parse().unwrap()
}

/// A datagram with these keys.
pub(crate) fn datagram(kind: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("TYPE:{kind}\n");
    for (key, value) in fields {
        text.push_str(&format!("{key}:{value}\n"));
    }
    text.push('\n');
    text.into_bytes()
}

/// An announcement with these keys more.
pub(crate) fn announcement(user: &str, port: u16, more: &[(&str, &str)]) -> Vec<u8> {
    let port = port.to_string();
    let mut fields = vec![("USER_ID", user), ("PORT", port.as_str()), ("TIMESTAMP", "1728938500"), ("MESSAGE_ID", "1")];
    fields.extend(more);
    datagram("PEER_DISCOVERY", &fields)
}

/// Eleven characters of base64url for a number.
pub(crate) fn octets(number: u64) -> String {
    lsnp::wire::Octets(number).to_string()
}

/// One datagram of every TYPE, from `from` to `to`, with these keys more.
pub(crate) fn one_of_each(from: &str, to: &str, more: &[(&str, &str)]) -> Vec<Vec<u8>> {
    let id = "00112233aabbccdd";
    let user = |extra: &[(&'static str, &'static str)]| -> Vec<(&'static str, String)> {
        let mut fields = vec![("USER_ID", from.to_owned())];
        fields.extend(extra.iter().map(|(k, v)| (*k, (*v).to_owned())));
        fields
    };
    let pair = |extra: &[(&'static str, &'static str)]| -> Vec<(&'static str, String)> {
        let mut fields = vec![("FROM", from.to_owned()), ("TO", to.to_owned()), ("MESSAGE_ID", id.to_owned())];
        fields.extend(extra.iter().map(|(k, v)| (*k, (*v).to_owned())));
        fields
    };
    let all: Vec<(&str, Vec<(&str, String)>)> = vec![
        ("PEER_DISCOVERY", user(&[("PORT", "8000"), ("TIMESTAMP", "1"), ("MESSAGE_ID", id)])),
        ("PEER_DISCOVERY", user(&[("PORT", "8000"), ("BYE", "AAAAAAAAAAA")])),
        ("PEER_DISCOVERY", user(&[("PORT", "8000"), ("ANS", "AAAAAAAAAAA")])),
        ("PING", user(&[])),
        ("POST", user(&[("CONTENT", "hello"), ("MESSAGE_ID", id)])),
        ("DM", pair(&[("CONTENT", "hello")])),
        ("PROFILE", user(&[("DISPLAY_NAME", "Somebody"), ("STATUS", "here")])),
        ("PEER_LIST_REQUEST", pair(&[])),
        ("PEER_LIST_RESPONSE", pair(&[("PEERS", "[\"x@10.0.0.200\", \"y@10.0.0.201\"]"), ("COUNT", "2")])),
        ("FOLLOW", pair(&[("TOKEN", "x|1|follow")])),
        ("UNFOLLOW", pair(&[("TOKEN", "x|1|follow")])),
        ("FOLLOW_RESPONSE", pair(&[("STATUS", "true")])),
        ("UNFOLLOW_RESPONSE", pair(&[("STATUS", "true")])),
        ("ACK", vec![("MESSAGE_ID", id.to_owned()), ("STATUS", "RECEIVED".to_owned())]),
        ("LIKE", pair(&[("ACTION", "LIKE")])),
        ("REVOKE", user(&[])),
        ("GROUP_CREATE", pair(&[("GROUP_ID", "g")])),
        ("FILE_OFFER", pair(&[("FILENAME", "f")])),
        ("TICTACTOE_INVITE", pair(&[("GAMEID", "g1")])),
        ("CHUNK_REQUEST", pair(&[("HASH", "AAAAAAAAAAAAAAAAAAAAAA")])),
        ("CHUNK", pair(&[("DATA", "aGVsbG8")])),
        ("SOMETHING_NEW", user(&[])),
    ];
    all.into_iter()
        .map(|(kind, fields)| {
            let mut fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
            fields.extend(more);
            datagram(kind, &fields)
        })
        .collect()
}
