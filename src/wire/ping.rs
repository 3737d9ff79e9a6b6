//! `PING`: here I am, as other clients of the family say it (protocol.md §4.2).

use super::{DecodeError, Extension, Lines, Style, UserId, Writer, field};

/// A sign of life.
///
/// # Format
/// `USER_ID` (needed), `PORT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping<'a> {
    /// Who.
    pub user_id: UserId<'a>,
    /// The port of the sender's unicast socket.
    pub port: Option<u16>,
}

impl<'a> Ping<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut user_id, mut port) = (None, None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "USER_ID" => user_id = Some(value),
                "PORT" => port = field::port(value),
                _ => ext.take(key, value),
            }
        }
        let user_id = user_id.ok_or(DecodeError::Missing("USER_ID"))?;
        let user_id = UserId::new(user_id).ok_or(DecodeError::Bad("USER_ID"))?;
        Ok(Self { user_id, port })
    }

    /// Writes the datagram into `out`, which is emptied first.
    pub fn encode(&self, ext: &Extension, style: Style, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, style, "PING");
        writer.raw("USER_ID", self.user_id.as_str());
        if let Some(port) = self.port {
            writer.number("PORT", u64::from(port));
        }
        ext.write(&mut writer);
        writer.end();
    }
}
