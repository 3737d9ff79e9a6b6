//! `ACK`: a DM reached its reader (protocol.md §10.2).

use super::{DecodeError, Extension, Lines, MessageId, PublicKey, Style, Writer};

/// Says what became of a DM.
///
/// # Format
/// `MESSAGE_ID` (needed), `FOR` (needed in a signed one), `STATUS`: `RECEIVED` or `STORED`; anything else, and none,
/// counts as `RECEIVED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack<'a> {
    /// Of which message.
    pub message_id: MessageId<'a>,
    /// Who wrote that message. Somebody else may write one with the same MESSAGE_ID, and be sent an ACK for it: such an
    /// ACK says nothing about the other message. None of an older client.
    pub to: Option<PublicKey>,
    /// It is on the disk of its reader, not only in its program.
    pub stored: bool,
}

impl<'a> Ack<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut message_id, mut to, mut stored) = (None, None, false);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "MESSAGE_ID" => message_id = Some(MessageId::new(value).ok_or(DecodeError::Bad("MESSAGE_ID"))?),
                "FOR" => to = Some(PublicKey::parse(value).ok_or(DecodeError::Bad("FOR"))?),
                "STATUS" => stored = value.trim_ascii() == "STORED",
                _ => ext.take(key, value),
            }
        }
        Ok(Self { message_id: message_id.ok_or(DecodeError::Missing("MESSAGE_ID"))?, to, stored })
    }

    /// Writes the datagram into `out`, which is emptied first.
    pub fn encode(&self, ext: &Extension, style: Style, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, style, "ACK");
        writer.raw("MESSAGE_ID", self.message_id.as_str());
        if let Some(to) = &self.to {
            to.write("FOR", &mut writer);
        }
        writer.raw("STATUS", if self.stored { "STORED" } else { "RECEIVED" });
        ext.write(&mut writer);
        writer.end();
    }
}
