//! `PROFILE`: what I am called, my status, my avatar (protocol.md §4.5, §6).

use data_encoding::BASE64;

use super::{DecodeError, Extension, Lines, MessageId, PieceHash, Style, UserId, Writer, field};

/// What a peer tells about itself.
///
/// # Format
/// `USER_ID` (needed), `DISPLAY_NAME`, `STATUS`, `TIMESTAMP`, `MESSAGE_ID`; ours `AVATAR` (a label, the picture is
/// pulled); older clients `AVATAR_TYPE`, `AVATAR_ENCODING:base64`, `AVATAR_DATA` (the picture itself).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile<'a> {
    /// Who.
    pub user_id: UserId<'a>,
    /// What the sender wants to be called.
    pub display_name: Option<&'a str>,
    /// A line about the sender.
    pub status: Option<&'a str>,
    /// When, Unix seconds by the sender's clock; a label.
    pub timestamp: Option<u64>,
    /// The message's id.
    pub message_id: Option<MessageId<'a>>,
    /// Which avatar can be pulled.
    pub avatar: Option<AvatarLabel>,
    /// The avatar itself, of and for older clients.
    pub avatar_data: Option<AvatarData<'a>>,
}

/// The two kinds of picture that may be an avatar, told by their first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AvatarKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

impl AvatarKind {
    /// The kind of these bytes by their magic, whatever a sender calls them.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else {
            None
        }
    }

    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }
}

/// Names an avatar that can be pulled: `AVATAR:<kind>,<bytes>,<hash of the manifest>` (protocol.md §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AvatarLabel {
    /// What it is.
    pub kind: AvatarKind,
    /// Its size, bytes, 1 to 20,480.
    pub size: u16,
    /// The hash of its manifest.
    pub root: PieceHash,
}

impl AvatarLabel {
    /// Largest avatar, bytes.
    pub const MAX: usize = 20_480;

    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim_ascii().split(',');
        let kind = match parts.next()? {
            "png" => AvatarKind::Png,
            "jpeg" => AvatarKind::Jpeg,
            _ => return None,
        };
        let size = parts.next()?.parse().ok().filter(|size| (1..=Self::MAX).contains(&usize::from(*size)))?;
        let root = PieceHash::parse(parts.next()?)?;
        parts.next().is_none().then_some(Self { kind, size, root })
    }

    pub(super) fn write(self, out: &mut Writer<'_>) {
        let kind = match self.kind {
            AvatarKind::Png => "png",
            AvatarKind::Jpeg => "jpeg",
        };
        out.raw("AVATAR", &format!("{kind},{},{}", self.size, self.root));
    }
}

/// A picture inside a PROFILE, as older clients send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvatarData<'a>(&'a str);

impl AvatarData<'_> {
    /// The picture's bytes, when they are PNG or JPEG of at most 20,480 bytes.
    #[must_use]
    pub fn bytes(&self) -> Option<(AvatarKind, Vec<u8>)> {
        let text = self.0.trim_ascii();
        if text.len() > AvatarLabel::MAX.div_ceil(3) * 4 {
            return None;
        }
        let bytes = BASE64.decode(text.as_bytes()).ok().filter(|bytes| bytes.len() <= AvatarLabel::MAX)?;
        AvatarKind::of(&bytes).map(|kind| (kind, bytes))
    }
}

impl<'a> Profile<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut user_id, mut display_name, mut status) = (None, None, None);
        let (mut timestamp, mut message_id, mut avatar, mut avatar_data) = (None, None, None, None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "USER_ID" => user_id = Some(value),
                "DISPLAY_NAME" => display_name = Some(value),
                "STATUS" => status = Some(value),
                "TIMESTAMP" => timestamp = field::number(value),
                "MESSAGE_ID" => message_id = MessageId::new(value),
                "AVATAR" => avatar = AvatarLabel::parse(value),
                "AVATAR_DATA" => avatar_data = Some(AvatarData(value)),
                _ => ext.take(key, value),
            }
        }
        let user_id = user_id.ok_or(DecodeError::Missing("USER_ID"))?;
        let user_id = UserId::new(user_id).ok_or(DecodeError::Bad("USER_ID"))?;
        Ok(Self { user_id, display_name, status, timestamp, message_id, avatar, avatar_data })
    }

    /// Writes the datagram into `out`, which is emptied first; `picture` goes along as older clients send it.
    pub fn encode(&self, ext: &Extension, picture: Option<(AvatarKind, &[u8])>, style: Style, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, style, "PROFILE");
        writer.raw("USER_ID", self.user_id.as_str());
        if let Some(name) = self.display_name {
            writer.text("DISPLAY_NAME", name);
        }
        if let Some(status) = self.status {
            writer.text("STATUS", status);
        }
        if let Some(timestamp) = self.timestamp {
            writer.number("TIMESTAMP", timestamp);
        }
        if let Some(id) = self.message_id {
            writer.raw("MESSAGE_ID", id.as_str());
        }
        if let Some(avatar) = self.avatar {
            avatar.write(&mut writer);
        }
        if let Some((kind, bytes)) = picture {
            writer.raw("AVATAR_TYPE", kind.media_type());
            writer.raw("AVATAR_ENCODING", "base64");
            writer.raw("AVATAR_DATA", &BASE64.encode(bytes));
        }
        ext.write(&mut writer);
        writer.end();
    }
}
