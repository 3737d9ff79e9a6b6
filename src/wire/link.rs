//! `peer://connect/...`: a link that says where somebody is (protocol.md, Links). A hint: nothing is trusted by it.

use std::fmt::{self, Write};
use std::net::SocketAddrV4;

use super::{Name, PublicKey, UserId, is_clean};

/// Longest link, bytes.
const LINK_MAX: usize = 512;

/// Most addresses in a link.
const ADDRESSES: usize = 4;

/// What a link begins with; capital letters are the same.
const START: &str = "peer://connect/";

/// Whom a link is to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LinkTo {
    /// Whoever has this key.
    Key(PublicKey),
    /// Somebody without a key, by USER_ID.
    Label(String),
}

/// A link to somebody: who, what it is called, and where it may be. Written, it has at most 512 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerLink {
    to: LinkTo,
    name: Option<String>,
    addresses: Vec<SocketAddrV4>,
}

/// Why a text is no link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It begins with something else.
    #[error("a link begins with {START}")]
    Start,
    /// It is too long.
    #[error("a link has at most {LINK_MAX} bytes")]
    Long,
    /// It holds a character that has to be written as `%XX`, or a `%` before something else.
    #[error("a link holds letters, digits, '-', '.', '_', '~', ':', '@', and %XX for all else")]
    Character,
    /// It does not say to whom.
    #[error("a link says to whom: a key, or an id")]
    To,
    /// A name that cannot be shown.
    #[error("the name in the link is none")]
    Name,
    /// An address where no peer can be.
    #[error("an address in the link is none: IP:PORT of one host, with a port from 1024 on")]
    Address,
    /// Something stands twice, or there are too many addresses.
    #[error("a link has one name and at most {ADDRESSES} addresses, each once")]
    Twice,
}

impl PeerLink {
    /// A link with as many of the addresses as there may be, the first ones first, and with the name if it fits. Left
    /// out are a name that cannot be shown, and addresses where no peer can be. None for a label that cannot travel.
    #[must_use]
    pub fn new(to: LinkTo, name: Option<&str>, addresses: impl IntoIterator<Item = SocketAddrV4>) -> Option<Self> {
        if let LinkTo::Label(label) = &to
            && !is_label(label)
        {
            return None;
        }
        let mut link = Self { to, name: None, addresses: Vec::new() };
        for address in addresses.into_iter().filter(|address| is_peers(*address)) {
            if link.addresses.len() < ADDRESSES && !link.addresses.contains(&address) {
                link.addresses.push(address);
            }
        }
        while link.to_string().len() > LINK_MAX {
            link.addresses.pop()?;
        }
        let named = Self { name: name.filter(|name| is_name(name)).map(str::to_owned), ..link.clone() };
        Some(if named.to_string().len() > LINK_MAX { link } else { named })
    }

    /// Reads a link; spaces around it are dropped. What it says besides whom, name and addresses is passed over.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim_ascii();
        if text.len() > LINK_MAX {
            return Err(LinkError::Long);
        }
        let start = text.get(..START.len()).filter(|start| start.eq_ignore_ascii_case(START));
        let rest = start.and_then(|_| text.get(START.len()..)).ok_or(LinkError::Start)?;
        let (to, query) = rest.split_once('?').map_or((rest, None), |(to, query)| (to, Some(query)));
        let mut link = Self { to: whom(to)?, name: None, addresses: Vec::new() };
        for pair in query.into_iter().flat_map(|query| query.split('&')) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decoded(key)?, decoded(value)?);
            match key.as_str() {
                "name" if !is_name(&value) => return Err(LinkError::Name),
                "name" if link.name.is_some() => return Err(LinkError::Twice),
                "name" => link.name = Some(value),
                "at" => {
                    let address = address(&value).ok_or(LinkError::Address)?;
                    if link.addresses.len() == ADDRESSES || link.addresses.contains(&address) {
                        return Err(LinkError::Twice);
                    }
                    link.addresses.push(address);
                }
                _ => {}
            }
        }
        // As we write it, it may be longer.
        if link.to_string().len() > LINK_MAX { Err(LinkError::Long) } else { Ok(link) }
    }

    /// True for a text that is meant as a link, right or wrong.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.trim_ascii().get(..5).is_some_and(|start| start.eq_ignore_ascii_case("peer:"))
    }

    /// Whom it is to.
    #[must_use]
    pub fn to(&self) -> &LinkTo {
        &self.to
    }

    /// What that one is called, as whoever made the link says. To be shown through [`Safe`](super::Safe).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where it may be.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddrV4] {
        &self.addresses
    }
}

impl fmt::Display for PeerLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(START)?;
        match &self.to {
            LinkTo::Key(key) => write!(f, "{key}")?,
            // What looks like a key is read as one, unless something of it is encoded.
            LinkTo::Label(label) if PublicKey::parse(label).is_some() => {
                let (first, rest) = label.split_at(1);
                write!(f, "%{:02X}{rest}", first.as_bytes()[0])?;
            }
            LinkTo::Label(label) => encode(label, f)?,
        }
        let mut mark = '?';
        if let Some(name) = &self.name {
            write!(f, "{mark}name=")?;
            encode(name, f)?;
            mark = '&';
        }
        for address in &self.addresses {
            write!(f, "{mark}at={address}")?;
            mark = '&';
        }
        Ok(())
    }
}

fn whom(text: &str) -> Result<LinkTo, LinkError> {
    if let Some(key) = PublicKey::parse(text) {
        return Ok(LinkTo::Key(key));
    }
    let label = decoded(text)?;
    if is_label(&label) { Ok(LinkTo::Label(label)) } else { Err(LinkError::To) }
}

/// True for a label that travels and reads back as it is.
fn is_label(label: &str) -> bool {
    UserId::new(label).is_some_and(|id| id.as_str() == label)
}

fn is_name(name: &str) -> bool {
    (1..=Name::MAX).contains(&name.chars().count()) && is_clean(name) && !name.trim().is_empty()
}

/// The address of one host where a peer can be, in its one spelling.
fn address(text: &str) -> Option<SocketAddrV4> {
    let address: SocketAddrV4 = text.parse().ok()?;
    (address.to_string() == text && is_peers(address)).then_some(address)
}

/// True for an address where a peer can be.
fn is_peers(address: SocketAddrV4) -> bool {
    let ip = address.ip();
    address.port() >= 1024 && ip.octets()[0] != 0 && !ip.is_broadcast() && !ip.is_multicast()
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn encode(text: &str, out: &mut impl Write) -> fmt::Result {
    for byte in text.bytes() {
        if is_plain(byte) {
            out.write_char(char::from(byte))?;
        } else {
            write!(out, "%{byte:02X}")?;
        }
    }
    Ok(())
}

fn decoded(text: &str) -> Result<String, LinkError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            if !is_plain(*byte) && !b":@".contains(byte) {
                return Err(LinkError::Character);
            }
            bytes.push(*byte);
            continue;
        }
        let [high, low, after @ ..] = rest else { return Err(LinkError::Character) };
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return Err(LinkError::Character) };
        bytes.push(high << 4 | low);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| LinkError::Character)
}
