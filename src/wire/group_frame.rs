//! The frame around everything that peers with a shared secret say (protocol.md §9.10).

use data_encoding::BASE64URL_NOPAD;

use super::envelope::canonical_number;
use super::key::decoded;
use super::{MAX_DATAGRAM, Octets, Sid, Style, Writer};

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
    /// Reads a frame, in the one form that it has; `None` for what is none.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > MAX_DATAGRAM {
            return None;
        }
        let rest = bytes.strip_prefix(b"TYPE:PEER_DISCOVERY\nSID:")?;
        let (sid, rest) = rest.split_at_checked(11)?;
        let sid = Octets(u64::from_be_bytes(decoded(std::str::from_utf8(sid).ok()?)?));
        let rest = rest.strip_prefix(b"\nNO:")?;
        let digits = rest.iter().take(21).position(|byte| *byte == b'\n')?;
        let counter = canonical_number(std::str::from_utf8(&rest[..digits]).ok()?)?;
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
        let start = out.len();
        out.resize(start + BASE64URL_NOPAD.encode_len(boxed.len()), 0);
        BASE64URL_NOPAD.encode_mut(boxed, &mut out[start..]);
        out.extend_from_slice(b"\n\n");
    }

    /// The sealed bytes, if they are base64url in its one spelling.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        BASE64URL_NOPAD.decode(self.boxed.as_bytes()).ok()
    }
}
