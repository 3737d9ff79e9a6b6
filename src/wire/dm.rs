//! `DM`: text for one peer (protocol.md §4.4).

use super::{DecodeError, Extension, Lines, MessageId, Style, Token, UserId, Writer, field};

/// Text for one peer.
///
/// # Format
/// `FROM`, `TO`, `CONTENT` (all needed), `TIMESTAMP`, `MESSAGE_ID`; some older clients also `TOKEN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dm<'a> {
    /// Who wrote it.
    pub from: UserId<'a>,
    /// Whom it is for.
    pub to: UserId<'a>,
    /// The text, as it travels: escaped under `ESC:1`.
    pub content: &'a str,
    /// When, Unix seconds by the author's clock; a label.
    pub timestamp: Option<u64>,
    /// The message's id.
    pub message_id: Option<MessageId<'a>>,
}

impl<'a> Dm<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut from, mut to, mut content, mut timestamp, mut message_id) = (None, None, None, None, None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "FROM" => from = Some(value),
                "TO" => to = Some(value),
                "CONTENT" => content = Some(value),
                "TIMESTAMP" => timestamp = field::number(value),
                "MESSAGE_ID" => {
                    message_id = Some(MessageId::new(value).ok_or(DecodeError::Bad("MESSAGE_ID"))?);
                }
                _ => ext.take(key, value),
            }
        }
        let from = UserId::new(from.ok_or(DecodeError::Missing("FROM"))?).ok_or(DecodeError::Bad("FROM"))?;
        let to = UserId::new(to.ok_or(DecodeError::Missing("TO"))?).ok_or(DecodeError::Bad("TO"))?;
        let content = content.ok_or(DecodeError::Missing("CONTENT"))?;
        Ok(Self { from, to, content, timestamp, message_id })
    }

    /// Writes the datagram into `out`, which is emptied first.
    pub fn encode(&self, ext: &Extension, token: Option<Token<'_>>, style: Style, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, style, "DM");
        writer.raw("FROM", self.from.as_str());
        writer.raw("TO", self.to.as_str());
        writer.text("CONTENT", self.content);
        if let Some(timestamp) = self.timestamp {
            writer.number("TIMESTAMP", timestamp);
        }
        if let Some(id) = self.message_id {
            writer.raw("MESSAGE_ID", id.as_str());
        }
        if let Some(token) = token {
            token.write(&mut writer);
        }
        ext.write(&mut writer);
        writer.end();
    }
}
