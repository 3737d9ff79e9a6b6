//! `CARRY`: somebody else's signed datagram, passed on whole (protocol.md §10.5).

use super::envelope::canonical_number;
use super::key::decoded;
use super::{DecodeError, OWN_DATAGRAM_MAX, Octets, PublicKey, Sid, Style, Writer};

/// Most bytes that a CARRY adds to the datagram that it carries.
pub const CARRY_MAX: usize = 11 + 16 + 15 + 48 + 1;

/// Somebody else's signed datagram, exactly as it was signed, after the empty line. Nobody signs the CARRY itself: what it
/// holds proves itself, and where it comes from proves nothing.
///
/// # Format
/// `SID`, `AGE` (both needed), `FOR`, an empty line, a POST or DATA; with `FOR`, a DM or an ACK. It has this one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carry<'a> {
    /// The start of who passes it on.
    pub sid: Sid,
    /// For how long others have known it, seconds.
    pub age: u32,
    /// Whom it is for; none of a POST or DATA.
    pub to: Option<PublicKey>,
    /// The datagram, 1,200 bytes at most. Its TYPE is right; nothing more of it has been looked at.
    pub inner: &'a [u8],
}

impl<'a> Carry<'a> {
    const HEAD: &'static [u8] = b"TYPE:CARRY\n";

    /// Reads a CARRY; `None` for what is of another TYPE.
    ///
    /// # Errors
    /// [`DecodeError::Bad`] with `CARRY` when it has another form.
    pub fn of(bytes: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        let Some(rest) = bytes.strip_prefix(Self::HEAD) else { return Ok(None) };
        Self::parse(rest).map(Some).ok_or(DecodeError::Bad("CARRY"))
    }

    fn parse(rest: &'a [u8]) -> Option<Self> {
        let start = &rest[..rest.len().min(CARRY_MAX - Self::HEAD.len())];
        let end = start.windows(2).position(|pair| pair == b"\n\n")?;
        let (head, inner) = (std::str::from_utf8(&rest[..end]).ok()?, &rest[end + 2..]);
        let mut lines = head.split('\n');
        let sid = Octets(u64::from_be_bytes(decoded(lines.next()?.strip_prefix("SID:")?)?));
        let age = canonical_number(lines.next()?.strip_prefix("AGE:")?)?;
        let to = match lines.next() {
            Some(line) => Some(PublicKey::parse(line.strip_prefix("FOR:")?)?),
            None => None,
        };
        let carried = match to {
            Some(_) => inner.starts_with(b"TYPE:DM\n") || inner.starts_with(b"TYPE:ACK\n"),
            None => inner.starts_with(b"TYPE:POST\n") || inner.starts_with(b"TYPE:DATA\n"),
        };
        let good = lines.next().is_none() && carried && inner.len() <= OWN_DATAGRAM_MAX;
        good.then_some(Self { sid, age: u32::try_from(age).ok()?, to, inner })
    }

    /// Writes the datagram into `out`, which is emptied first.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Style::Tight, "CARRY");
        self.sid.write("SID", &mut writer);
        writer.number("AGE", u64::from(self.age));
        if let Some(to) = &self.to {
            to.write("FOR", &mut writer);
        }
        writer.end();
        out.extend_from_slice(self.inner);
    }
}
