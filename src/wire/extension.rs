//! The keys that any TYPE may carry, and that older clients pass over (protocol.md §3.4).

use super::{Caps, Nonce, Sid, Writer, field};

/// The keys of ours that any TYPE may carry (protocol.md §3.4). What does not keep to its grammar counts as absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extension {
    /// `PV`: the highest protocol version that the sender speaks.
    pub version: Option<u8>,
    /// `SID`: the random number of this start of the sender.
    pub sid: Option<Sid>,
    /// `CAP`: what the sender's program can do.
    pub caps: Option<Caps>,
    /// `BEAT`: seconds between the sender's announcements, 1 to 3600.
    pub beat: Option<u16>,
    /// `ASK`: answer this with the same bytes in `ANS`.
    pub ask: Option<Nonce>,
    /// `ANS`: the bytes of an `ASK`.
    pub ans: Option<Nonce>,
    /// `BYE`: the start with this SID ends.
    pub bye: Option<Sid>,
    /// `POSTS`: how many posts the sender has written: the POST_NO of its last (protocol.md §10.4).
    pub posts: Option<u64>,
    /// `SCAN:1`: the sender only looks around; it is not to be listed.
    pub scan: bool,
    /// `ESC:1`: the text is escaped (protocol.md §2.4).
    pub escaped: bool,
    /// `PK`, `SEQ` or `SIG` is there: it is signed, or it is nothing (protocol.md §9.2).
    pub signed: bool,
    /// A TOKEN is there, as some older clients send and want it.
    pub token: bool,
}

impl Extension {
    /// Takes a line that the message itself does not know.
    #[inline]
    pub(super) fn take(&mut self, key: &str, value: &str) {
        match key {
            "PV" => self.version = field::number(value).and_then(|n| u8::try_from(n).ok()),
            "SID" => self.sid = Sid::parse(value),
            "CAP" => self.caps = Some(Caps::parse(value)),
            "BEAT" => {
                self.beat = field::number(value).and_then(|n| u16::try_from(n).ok()).filter(|s| (1..=3600).contains(s));
            }
            "ASK" => self.ask = Nonce::parse(value),
            "ANS" => self.ans = Nonce::parse(value),
            "BYE" => self.bye = Sid::parse(value),
            "POSTS" => self.posts = field::number(value).filter(|count| *count < u64::MAX),
            "SCAN" => self.scan = value.trim_ascii() == "1",
            "ESC" => self.escaped = value.trim_ascii() == "1",
            "PK" | "SEQ" | "SIG" => self.signed = true,
            "TOKEN" => self.token = true,
            _ => {}
        }
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) {
        if let Some(version) = self.version {
            out.number("PV", u64::from(version));
        }
        if let Some(sid) = self.sid {
            sid.write("SID", out);
        }
        if let Some(caps) = self.caps {
            caps.write(out);
        }
        if let Some(beat) = self.beat {
            out.number("BEAT", u64::from(beat));
        }
        if let Some(ans) = self.ans {
            ans.write("ANS", out);
        }
        if let Some(ask) = self.ask {
            ask.write("ASK", out);
        }
        if let Some(bye) = self.bye {
            bye.write("BYE", out);
        }
        if let Some(posts) = self.posts {
            out.number("POSTS", posts);
        }
        if self.scan {
            out.raw("SCAN", "1");
        }
        if self.escaped {
            out.raw("ESC", "1");
        }
    }
}
