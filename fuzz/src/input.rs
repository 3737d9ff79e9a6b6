//! The input of a fuzzer, taken bit by bit.

use std::net::{Ipv4Addr, SocketAddrV4};

/// What is left of it.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn number(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// Up to the next zero byte.
    pub fn part(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let (part, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        part
    }

    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.part()).into_owned()
    }

    pub fn address(&mut self) -> SocketAddrV4 {
        let (host, port) = (self.byte(), self.byte());
        let ip = match host {
            0..=199 => Ipv4Addr::new(10, 0, 0, host % 16),
            200..=219 => Ipv4Addr::new(127, 0, 0, host - 199),
            220..=239 => Ipv4Addr::new(172, 16, 0, host),
            240..=247 => Ipv4Addr::new(10, 0, 0, 255),
            _ => Ipv4Addr::new(224, 0, 0, host),
        };
        SocketAddrV4::new(ip, if port < 250 { 8000 + u16::from(port % 8) } else { u16::from(port) })
    }
}
