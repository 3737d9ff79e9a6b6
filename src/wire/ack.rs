//! `ACK`: a DM reached its reader (protocol.md §10.2).

use super::{DecodeError, Extension, Lines, MessageId, Style, Writer};

/// Says what became of a DM.
///
/// # Format
/// `MESSAGE_ID` (needed), `STATUS`: `RECEIVED` or `STORED`; anything else, and none, counts as `RECEIVED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack<'a> {
    /// Of which message.
    pub message_id: MessageId<'a>,
    /// It is on the disk of its reader, not only in its program.
    pub stored: bool,
}

impl<'a> Ack<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut message_id, mut stored) = (None, false);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "MESSAGE_ID" => message_id = Some(MessageId::new(value).ok_or(DecodeError::Bad("MESSAGE_ID"))?),
                "STATUS" => stored = value.trim_ascii() == "STORED",
                _ => ext.take(key, value),
            }
        }
        Ok(Self { message_id: message_id.ok_or(DecodeError::Missing("MESSAGE_ID"))?, stored })
    }

    /// Writes the datagram into `out`, which is emptied first.
    pub fn encode(&self, ext: &Extension, style: Style, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, style, "ACK");
        writer.raw("MESSAGE_ID", self.message_id.as_str());
        writer.raw("STATUS", if self.stored { "STORED" } else { "RECEIVED" });
        ext.write(&mut writer);
        writer.end();
    }
}
