//! `POST`: text for everyone (protocol.md §4.3).

use super::{DecodeError, Extension, Lines, MessageId, Style, Token, UserId, Writer, field};

/// Text for everyone, sent to each known peer by unicast.
///
/// # Format
/// `USER_ID`, `CONTENT` (both needed), `TIMESTAMP`, `MESSAGE_ID`; some older clients also `TTL` and `TOKEN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Post<'a> {
    /// Who wrote it.
    pub user_id: UserId<'a>,
    /// The text, as it travels: escaped under `ESC:1`.
    pub content: &'a str,
    /// When, Unix seconds by the author's clock; a label.
    pub timestamp: Option<u64>,
    /// The message's id.
    pub message_id: Option<MessageId<'a>>,
}

impl<'a> Post<'a> {
    #[inline(always)]
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut user_id, mut content, mut timestamp, mut message_id) = (None, None, None, None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "USER_ID" => user_id = Some(value),
                "CONTENT" => content = Some(value),
                "TIMESTAMP" => timestamp = field::number(value),
                "MESSAGE_ID" => {
                    message_id = Some(MessageId::new(value).ok_or(DecodeError::Bad("MESSAGE_ID"))?);
                }
                _ => ext.take(key, value),
            }
        }
        let user_id = user_id.ok_or(DecodeError::Missing("USER_ID"))?;
        let user_id = UserId::new(user_id).ok_or(DecodeError::Bad("USER_ID"))?;
        let content = content.ok_or(DecodeError::Missing("CONTENT"))?;
        Ok(Self { user_id, content, timestamp, message_id })
    }

    /// Writes the datagram into `out`, which is emptied first.
    #[inline]
    pub fn encode(&self, ext: &Extension, token: Option<Token<'_>>, style: Style, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, style, "POST");
        writer.raw("USER_ID", self.user_id.as_str());
        writer.text("CONTENT", self.content);
        if let Some(timestamp) = self.timestamp {
            writer.number("TIMESTAMP", timestamp);
        }
        if let Some(id) = self.message_id {
            writer.raw("MESSAGE_ID", id.as_str());
        }
        if let Some(token) = token {
            writer.number("TTL", super::follow::TOKEN_TTL);
            token.write(&mut writer);
        }
        ext.write(&mut writer);
        writer.end();
    }
}
