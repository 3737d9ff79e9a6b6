//! Sends one payload to many addresses. An address that cannot be sent to never stops the rest.

use std::io;
use std::net::SocketAddrV4;
use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

use crate::engine::Transmit;

use super::socket::UdpSocket;

/// How long one transmission waits for room in the system's queue in all. Datagrams for neighbours that do not answer
/// on the link can fill it for seconds; the rest of the protocol does not wait for them.
const PATIENCE: Duration = Duration::from_millis(250);

/// Sends, and remembers whether the system's queue was full the last time: then nothing waits for it again until there
/// is room, or each transmission would.
#[derive(Debug, Default)]
pub(super) struct Sender {
    clogged: bool,
}

/// What became of one transmission.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Addresses that the system refused.
    pub(super) refused: u64,
    /// Addresses given up, because the system's queue stayed full.
    pub(super) given_up: u64,
    /// What the system said last.
    pub(super) error: Option<io::Error>,
}

impl Sender {
    /// Sends to every address.
    pub(super) async fn send(&mut self, socket: &UdpSocket, transmit: &Transmit) -> Sent {
        let patience = if self.clogged { Duration::ZERO } else { PATIENCE };
        let sent = send(socket, transmit, patience).await;
        self.clogged = sent.given_up > 0;
        sent
    }
}

/// Sends to every address.
async fn send(socket: &UdpSocket, transmit: &Transmit, patience: Duration) -> Sent {
    let mut sent = Sent::default();
    let mut rest = &transmit.to[..];
    let mut patience = pin!(sleep(patience));
    while !rest.is_empty() {
        match send_some(socket, &transmit.payload, rest) {
            Ok(count) => rest = &rest[count.clamp(1, rest.len())..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let in_time = tokio::select! {
                    biased;
                    writable = socket.writable() => writable.is_ok(),
                    () = &mut patience => false,
                };
                if !in_time {
                    sent.given_up += rest.len() as u64;
                    sent.error = Some(error);
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                sent.refused += 1;
                sent.error = Some(error);
                rest = &rest[1..];
            }
        }
    }
    sent
}

/// Sends to the first of the addresses, and to more where that costs no more calls; tells to how many. An error is
/// about the first.
#[cfg(target_os = "linux")]
fn send_some(socket: &UdpSocket, payload: &[u8], to: &[SocketAddrV4]) -> io::Result<usize> {
    use std::io::IoSlice;

    use arrayvec::ArrayVec;
    use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};

    /// Datagrams in one call.
    const BATCH: usize = 32;

    if let [only] = to {
        return socket.try_send_to(payload, (*only).into()).map(|_| 1);
    }
    let addresses: ArrayVec<SocketAddrAny, BATCH> = to.iter().take(BATCH).map(|to| (*to).into()).collect();
    let slices = [IoSlice::new(payload)];
    let mut controls: [SendAncillaryBuffer<'_, '_, '_>; BATCH] = Default::default();
    let headers = addresses.iter().zip(&mut controls);
    let mut headers: ArrayVec<MMsgHdr<'_>, BATCH> =
        headers.map(|(to, control)| MMsgHdr::new_with_addr(to, &slices, control)).collect();
    Ok(sendmmsg(socket, &mut headers, SendFlags::empty())?)
}

/// Sends to the first of the addresses. An error is about that one.
#[cfg(not(target_os = "linux"))]
fn send_some(socket: &UdpSocket, payload: &[u8], to: &[SocketAddrV4]) -> io::Result<usize> {
    let Some(first) = to.first() else { return Ok(0) };
    socket.try_send_to(payload, (*first).into()).map(|_| 1)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::node::socket;

    fn transmit(to: Vec<SocketAddrV4>) -> Transmit {
        Transmit { to: to.into(), payload: b"payload".as_slice().into() }
    }

    #[tokio::test]
    async fn a_hundred_addresses_get_one_payload_each_and_bad_ones_stop_nobody() {
        let from = socket::open_unicast(0).unwrap();
        let ours = socket::open_unicast(0).unwrap();
        let good = SocketAddrV4::new(Ipv4Addr::LOCALHOST, socket::port(&ours).unwrap());
        // Port 0 is refused by every system, at the beginning of a batch, inside it and at its end.
        let bad = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        let mut to = vec![good; 100];
        for at in [0, 1, 40, 70] {
            to[at] = bad;
        }
        to.push(bad);
        let sent = Sender::default().send(&from, &transmit(to)).await;
        assert_eq!((sent.refused, sent.given_up), (5, 0));
        assert!(sent.error.is_some());

        let mut buffer = socket::buffer();
        let mut count = 0;
        let all = async {
            while count < 96 {
                ours.readable().await.unwrap();
                while let Ok((length, _)) = ours.try_recv_from(&mut buffer) {
                    assert_eq!(&buffer[..length], b"payload");
                    count += 1;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(5), all).await.unwrap();
    }

    #[tokio::test]
    async fn nowhere_is_fine() {
        let from = socket::open_unicast(0).unwrap();
        assert_eq!(Sender::default().send(&from, &transmit(Vec::new())).await.refused, 0);
    }
}
