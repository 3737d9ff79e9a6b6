//! `FOLLOW`, `UNFOLLOW` and their responses, as some older clients want them (protocol.md §4.7, §7.3).

use super::{DecodeError, Extension, Lines, MessageId, Style, Token, UserId, Writer};

/// How long a TOKEN of ours holds, and the TTL of a POST that carries one, seconds.
pub(super) const TOKEN_TTL: u64 = 3600;

/// Starts or ends following somebody.
///
/// # Format
/// `MESSAGE_ID`, `FROM`, `TO` (both needed), `TIMESTAMP`, `TOKEN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follow<'a> {
    /// Who follows.
    pub from: UserId<'a>,
    /// Whom.
    pub to: UserId<'a>,
    /// The message's id.
    pub message_id: Option<MessageId<'a>>,
}

/// Says whether a FOLLOW or UNFOLLOW took effect.
///
/// # Format
/// `MESSAGE_ID`, `FROM`, `TO` (both needed), `TIMESTAMP`, `STATUS` (`true` or `false`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowResponse<'a> {
    /// Who answers.
    pub from: UserId<'a>,
    /// Whom.
    pub to: UserId<'a>,
    /// The message's id.
    pub message_id: Option<MessageId<'a>>,
    /// Whether it took effect.
    pub accepted: bool,
}

impl<'a> Follow<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        FollowResponse::decode(lines, ext).map(|r| Self { from: r.from, to: r.to, message_id: r.message_id })
    }

    /// Writes the datagram into `out`, which is emptied first: a FOLLOW, or an UNFOLLOW.
    pub fn encode(
        &self,
        unfollow: bool,
        timestamp: u64,
        token: Token<'_>,
        ext: &Extension,
        style: Style,
        out: &mut Vec<u8>,
    ) {
        let mut writer = Writer::new(out, style, if unfollow { "UNFOLLOW" } else { "FOLLOW" });
        head(&mut writer, self.message_id, self.from, self.to, timestamp);
        token.write(&mut writer);
        ext.write(&mut writer);
        writer.end();
    }
}

impl<'a> FollowResponse<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut from, mut to, mut message_id, mut accepted) = (None, None, None, false);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "FROM" => from = Some(value),
                "TO" => to = Some(value),
                "MESSAGE_ID" => message_id = MessageId::new(value),
                "STATUS" => accepted = value.trim_ascii().eq_ignore_ascii_case("true"),
                _ => ext.take(key, value),
            }
        }
        let from = UserId::new(from.ok_or(DecodeError::Missing("FROM"))?).ok_or(DecodeError::Bad("FROM"))?;
        let to = UserId::new(to.ok_or(DecodeError::Missing("TO"))?).ok_or(DecodeError::Bad("TO"))?;
        Ok(Self { from, to, message_id, accepted })
    }

    /// Writes the datagram into `out`, which is emptied first: a FOLLOW_RESPONSE, or an UNFOLLOW_RESPONSE.
    pub fn encode(&self, unfollow: bool, timestamp: u64, ext: &Extension, style: Style, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, style, if unfollow { "UNFOLLOW_RESPONSE" } else { "FOLLOW_RESPONSE" });
        head(&mut writer, self.message_id, self.from, self.to, timestamp);
        writer.raw("STATUS", if self.accepted { "true" } else { "false" });
        ext.write(&mut writer);
        writer.end();
    }
}

fn head(writer: &mut Writer<'_>, id: Option<MessageId<'_>>, from: UserId<'_>, to: UserId<'_>, timestamp: u64) {
    if let Some(id) = id {
        writer.raw("MESSAGE_ID", id.as_str());
    }
    writer.raw("FROM", from.as_str());
    writer.raw("TO", to.as_str());
    writer.number("TIMESTAMP", timestamp);
}
