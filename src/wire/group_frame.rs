//! The frame around everything that peers with a shared secret say (protocol.md §9.10).

use data_encoding::BASE64URL_NOPAD;

use super::{Sid, Style, Writer};

/// A sealed datagram of a group. It has the TYPE `PEER_DISCOVERY` and no USER_ID, so that older clients stay silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupFrame<'a> {
    /// The start of the sender: its part of the key.
    pub sid: Sid,
    /// Counts the frames of that start.
    pub counter: u64,
    /// What is authenticated besides the box: all before it.
    pub head: &'a [u8],
    boxed: &'a str,
}

impl<'a> GroupFrame<'a> {
    /// Reads a frame; `None` for what is none.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(b"TYPE:PEER_DISCOVERY\nSID:")?;
        let (sid, rest) = rest.split_at_checked(11)?;
        let sid = Sid::parse(std::str::from_utf8(sid).ok()?)?;
        let rest = rest.strip_prefix(b"\nNO:")?;
        let digits = rest.iter().position(|byte| *byte == b'\n').filter(|count| (1..=20).contains(count))?;
        let counter = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        let boxed = rest[digits..].strip_prefix(b"\nBOX:")?.strip_suffix(b"\n\n")?;
        let head = &bytes[..bytes.len() - boxed.len() - 2];
        Some(Self { sid, counter, head, boxed: std::str::from_utf8(boxed).ok()? })
    }

    /// Writes what stands before the box into `out`, which is emptied first.
    pub fn begin(sid: Sid, counter: u64, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Style::Tight, "PEER_DISCOVERY");
        sid.write("SID", &mut writer);
        writer.number("NO", counter);
        out.extend_from_slice(b"BOX:");
    }

    /// Writes the box behind what [`GroupFrame::begin`] wrote, and the end.
    pub fn end(boxed: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(BASE64URL_NOPAD.encode(boxed).as_bytes());
        out.extend_from_slice(b"\n\n");
    }

    /// The sealed bytes, if they are base64url.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        BASE64URL_NOPAD.decode(self.boxed.as_bytes()).ok()
    }
}
