//! Which user of this computer a connection is from, where the system tells.

use std::net::SocketAddr;

/// Both ends of a connection.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "no other system tells whose a socket is"))]
pub(super) struct Ends {
    /// Who asks.
    pub(super) client: SocketAddr,
    /// Us.
    pub(super) server: SocketAddr,
}

impl Ends {
    /// True when another user than ours and root asks. Linux tells; elsewhere nobody is known as another.
    #[cfg(target_os = "linux")]
    pub(super) fn is_from_another_user(self) -> bool {
        let table = if self.client.is_ipv4() { "/proc/self/net/tcp" } else { "/proc/self/net/tcp6" };
        let Ok(table) = std::fs::read_to_string(table) else { return false };
        let user = linux::user(&table, self.client, self.server);
        user.is_some_and(|user| user != 0 && user != rustix::process::geteuid().as_raw())
    }

    /// True when another user than ours and root asks. Linux tells; elsewhere nobody is known as another.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn is_from_another_user(self) -> bool {
        false
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::net::{IpAddr, SocketAddr};

    /// The user whose socket has these ends, by the system's table.
    pub(super) fn user(table: &str, own: SocketAddr, other: SocketAddr) -> Option<u32> {
        let (own, other) = (written(own), written(other));
        table.lines().skip(1).find_map(|line| {
            let mut fields = line.split_ascii_whitespace().skip(1);
            let ends = (fields.next()?, fields.next()?);
            // State, queues, timer and retransmissions stand between.
            let user = fields.nth(4)?;
            if ends == (own.as_str(), other.as_str()) { user.parse().ok() } else { None }
        })
    }

    /// An address as it stands in the table: words of four bytes in the order of this computer.
    fn written(address: SocketAddr) -> String {
        let octets = match address.ip() {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        let words = octets.chunks_exact(4).map(|word| {
            let word = <[u8; 4]>::try_from(word).map_or(0, u32::from_ne_bytes);
            format!("{word:08X}")
        });
        format!("{}:{:04X}", words.collect::<String>(), address.port())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        #[cfg(target_endian = "little")]
        fn the_row_of_the_client_tells_its_user() {
            let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:9C40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11 1 0
   1: 0100007F:9C40 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 12 1 0
   2: 0100007F:D431 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1001        0 13 1 0
";
            let address = |text: &str| text.parse::<SocketAddr>().unwrap();
            assert_eq!(user(table, address("127.0.0.1:54321"), address("127.0.0.1:40000")), Some(1001));
            assert_eq!(user(table, address("127.0.0.1:40000"), address("127.0.0.1:54321")), Some(1000));
            assert_eq!(user(table, address("127.0.0.1:54322"), address("127.0.0.1:40000")), None);
            assert_eq!(written(address("[::1]:255")), "00000000000000000000000001000000:00FF");
        }

        #[test]
        fn a_socket_of_ours_is_ours() {
            for listener in ["127.0.0.1:0", "[::1]:0"].map(std::net::TcpListener::bind).into_iter().flatten() {
                let server = listener.local_addr().unwrap();
                let client = std::net::TcpStream::connect(server).unwrap();
                let table = if server.is_ipv4() { "/proc/self/net/tcp" } else { "/proc/self/net/tcp6" };
                let table = std::fs::read_to_string(table).unwrap();
                let own = rustix::process::geteuid().as_raw();
                assert_eq!(user(&table, client.local_addr().unwrap(), server), Some(own));
            }
        }
    }
}
