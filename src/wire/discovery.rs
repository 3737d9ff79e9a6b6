//! `PEER_DISCOVERY`: here I am (protocol.md §4.1).

use super::{AvatarLabel, DecodeError, Extension, Lines, MessageId, Prekey, Style, UserId, Writer, field};

/// An announcement, an answer to one, an echo, or a goodbye.
///
/// # Format
/// `USER_ID` (needed), `PORT`, `TIMESTAMP`, `MESSAGE_ID`; ours also `DISPLAY_NAME`, `STATUS`, the avatar's label and
/// `PREKEY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discovery<'a> {
    /// Who.
    pub user_id: UserId<'a>,
    /// The port of the sender's unicast socket.
    pub port: Option<u16>,
    /// When, Unix seconds by the sender's clock; a label.
    pub timestamp: Option<u64>,
    /// The announcement's id.
    pub message_id: Option<MessageId<'a>>,
    /// What the sender wants to be called.
    pub display_name: Option<&'a str>,
    /// A line about the sender.
    pub status: Option<&'a str>,
    /// Which avatar can be pulled.
    pub avatar: Option<AvatarLabel>,
    /// What letters to the sender are sealed to (protocol.md §9.5).
    pub prekey: Option<Prekey>,
}

impl<'a> Discovery<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut user_id, mut port, mut timestamp, mut message_id) = (None, None, None, None);
        let (mut display_name, mut status, mut avatar, mut prekey) = (None, None, None, None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "USER_ID" => user_id = Some(value),
                "PORT" => port = field::port(value),
                "TIMESTAMP" => timestamp = field::number(value),
                "MESSAGE_ID" => message_id = MessageId::new(value),
                "DISPLAY_NAME" => display_name = Some(value),
                "STATUS" => status = Some(value),
                "AVATAR" => avatar = AvatarLabel::parse(value),
                "PREKEY" => prekey = Prekey::parse(value),
                _ => ext.take(key, value),
            }
        }
        let user_id = user_id.ok_or(DecodeError::Missing("USER_ID"))?;
        let user_id = UserId::new(user_id).ok_or(DecodeError::Bad("USER_ID"))?;
        Ok(Self { user_id, port, timestamp, message_id, display_name, status, avatar, prekey })
    }

    /// Writes the datagram into `out`, which is emptied first.
    pub fn encode(&self, ext: &Extension, style: Style, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, style, "PEER_DISCOVERY");
        writer.raw("USER_ID", self.user_id.as_str());
        if let Some(port) = self.port {
            writer.number("PORT", u64::from(port));
        }
        if let Some(timestamp) = self.timestamp {
            writer.number("TIMESTAMP", timestamp);
        }
        if let Some(id) = self.message_id {
            writer.raw("MESSAGE_ID", id.as_str());
        }
        if let Some(name) = self.display_name {
            writer.text("DISPLAY_NAME", name);
        }
        if let Some(status) = self.status {
            writer.text("STATUS", status);
        }
        if let Some(avatar) = self.avatar {
            avatar.write(&mut writer);
        }
        if let Some(prekey) = self.prekey {
            prekey.write(&mut writer);
        }
        ext.write(&mut writer);
        writer.end();
    }
}
