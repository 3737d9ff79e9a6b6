//! `PEER_LIST_REQUEST` and `PEER_LIST_RESPONSE`: whom do you know? (protocol.md §4.6)

use super::{DecodeError, Extension, Lines, MessageId, Style, UserId, Writer, field};

/// Asks a peer whom it knows.
///
/// # Format
/// `FROM` (needed), `TIMESTAMP`, `MESSAGE_ID`; ours also `PAD`, so that the answer may be longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerListRequest<'a> {
    /// Who asks.
    pub from: UserId<'a>,
    /// When, Unix seconds by the asker's clock; a label.
    pub timestamp: Option<u64>,
    /// The request's id.
    pub message_id: Option<MessageId<'a>>,
}

/// Tells whom a peer knows: hints, not facts.
///
/// # Format
/// `FROM` (needed), `PEERS` (a JSON array of ids), `COUNT`, `TIMESTAMP`, `MESSAGE_ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerListResponse<'a> {
    /// Who answers.
    pub from: UserId<'a>,
    /// The JSON array, as it came.
    peers: &'a str,
    /// How many there are, as the sender says.
    pub count: Option<u64>,
}

/// Bytes that a request of ours is padded to: buys a list of 1,200 bytes under the rule of three.
const REQUEST_SIZE: usize = 400;

impl<'a> PeerListRequest<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut from, mut timestamp, mut message_id) = (None, None, None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "FROM" => from = Some(value),
                "TIMESTAMP" => timestamp = field::number(value),
                "MESSAGE_ID" => message_id = MessageId::new(value),
                _ => ext.take(key, value),
            }
        }
        let from = UserId::new(from.ok_or(DecodeError::Missing("FROM"))?).ok_or(DecodeError::Bad("FROM"))?;
        Ok(Self { from, timestamp, message_id })
    }

    /// Writes the datagram into `out`, which is emptied first.
    pub fn encode(&self, ext: &Extension, style: Style, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, style, "PEER_LIST_REQUEST");
        writer.raw("FROM", self.from.as_str());
        if let Some(timestamp) = self.timestamp {
            writer.number("TIMESTAMP", timestamp);
        }
        if let Some(id) = self.message_id {
            writer.raw("MESSAGE_ID", id.as_str());
        }
        ext.write(&mut writer);
        let missing = REQUEST_SIZE.saturating_sub(writer.len() + "PAD:\n\n".len());
        if missing > 0 {
            writer.raw("PAD", &"0".repeat(missing));
        }
        writer.end();
    }
}

impl<'a> PeerListResponse<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut from, mut peers, mut count) = (None, None, None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "FROM" => from = Some(value),
                "PEERS" => peers = Some(value),
                "COUNT" => count = field::number(value),
                _ => ext.take(key, value),
            }
        }
        let from = UserId::new(from.ok_or(DecodeError::Missing("FROM"))?).ok_or(DecodeError::Bad("FROM"))?;
        Ok(Self { from, peers: peers.unwrap_or("[]"), count })
    }

    /// The ids in the list that keep to the grammar of an id, at most `max`.
    ///
    /// The escapes `\"`, `\\`, `\/` and `\uXXXX` are read; a string with another one is passed over, for no id needs it.
    #[must_use]
    pub fn ids(&self, max: usize) -> Vec<String> {
        let mut ids = Vec::new();
        let mut rest = self.peers;
        while ids.len() < max {
            let Some((text, after)) = json_string(rest) else { break };
            rest = after;
            if let Some(text) = text
                && UserId::new(&text).is_some()
            {
                ids.push(text);
            }
        }
        ids
    }

    /// Writes a response with as many of `ids` as fit into `room` bytes; returns how many did.
    pub fn encode<'i>(
        from: UserId<'_>,
        ids: impl Iterator<Item = &'i str>,
        timestamp: u64,
        message_id: MessageId<'_>,
        ext: &Extension,
        room: usize,
        out: &mut Vec<u8>,
    ) -> usize {
        let mut array = String::from("[");
        let (mut count, frame) = (0, 180 + from.as_str().len());
        for id in ids {
            let quoted = id.replace('\\', "\\\\").replace('"', "\\\"");
            if frame + array.len() + quoted.len() + 4 > room {
                break;
            }
            if count > 0 {
                array.push_str(", ");
            }
            array.push('"');
            array.push_str(&quoted);
            array.push('"');
            count += 1;
        }
        array.push(']');
        let mut writer = Writer::new(out, Style::Tight, "PEER_LIST_RESPONSE");
        writer.raw("FROM", from.as_str());
        writer.text("PEERS", &array);
        writer.number("COUNT", count as u64);
        writer.number("TIMESTAMP", timestamp);
        writer.raw("MESSAGE_ID", message_id.as_str());
        ext.write(&mut writer);
        writer.end();
        count
    }
}

/// The next JSON string in `text` with what follows it; the string is `None` when its escapes are broken.
fn json_string(text: &str) -> Option<(Option<String>, &str)> {
    let start = text.find('"')? + 1;
    let (mut value, mut good) = (String::new(), true);
    let mut chars = text[start..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((good.then_some(value), &text[start + at + 1..])),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some(c @ ('"' | '\\' | '/')) => value.push(c),
                Some('u') => {
                    let unit = hex_unit(&mut chars);
                    let pair = unit.is_some_and(|unit| (0xd800..0xdc00).contains(&unit))
                        && chars.next().is_some_and(|(_, c)| c == '\\')
                        && chars.next().is_some_and(|(_, c)| c == 'u');
                    let second = if pair { hex_unit(&mut chars) } else { None };
                    match char::decode_utf16(unit.into_iter().chain(second)).next() {
                        Some(Ok(c)) => value.push(c),
                        _ => good = false,
                    }
                }
                _ => good = false,
            },
            c => value.push(c),
        }
    }
    None
}

/// The number in the four hex digits of a `\u`.
fn hex_unit(chars: &mut std::str::CharIndices<'_>) -> Option<u16> {
    let hex: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
    u16::from_str_radix(&hex, 16).ok()
}
