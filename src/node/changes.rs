//! Waits for a change of the interfaces.
//!
//! On Linux the kernel tells over a netlink socket, so nothing is asked in between. Elsewhere the interfaces are looked
//! at every few seconds.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// Between two looks where the system does not tell.
const LOOK: Duration = Duration::from_secs(5);

/// When the interfaces may have changed.
#[derive(Debug)]
pub(super) struct Changes {
    #[cfg(target_os = "linux")]
    kernel: Option<netlink::Notices>,
    look: Option<Interval>,
}

impl Changes {
    pub(super) fn new() -> Self {
        #[cfg(target_os = "linux")]
        {
            let kernel = netlink::Notices::new();
            if let Err(error) = &kernel {
                tracing::warn!(%error, "the kernel does not tell of changes of interfaces");
            }
            Self { kernel: kernel.ok(), look: None }
        }
        #[cfg(not(target_os = "linux"))]
        Self { look: None }
    }

    /// Returns when they may have changed. Dropping the future early loses nothing.
    pub(super) async fn next(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(kernel) = &self.kernel {
            match kernel.next().await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(%error, "the kernel no longer tells of changes of interfaces");
                    self.kernel = None;
                }
            }
        }
        let look = self.look.get_or_insert_with(|| {
            let mut look = interval(LOOK);
            look.set_missed_tick_behavior(MissedTickBehavior::Delay);
            look.reset();
            look
        });
        look.tick().await;
    }
}

#[cfg(target_os = "linux")]
mod netlink {
    use std::io;

    use rustix::io::Errno;
    use rustix::net::netlink::SocketAddrNetlink;
    use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};

    use crate::node::watched::Watched;

    /// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR` and `RTMGRP_IPV4_ROUTE` of linux/rtnetlink.h.
    const GROUPS: u32 = 0x1 | 0x10 | 0x40;

    /// The kernel's notices about links, addresses and routes.
    #[derive(Debug)]
    pub(super) struct Notices(Watched);

    impl Notices {
        pub(super) fn new() -> io::Result<Self> {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
            bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
            Ok(Self(Watched::new(socket)?))
        }

        pub(super) async fn next(&self) -> io::Result<()> {
            let mut notice = [0; 4096];
            match self.0.read(|socket| Ok(recv(socket, &mut notice, RecvFlags::empty())?)).await {
                Ok(_) => self.drain(&mut notice),
                // More notices than the kernel keeps: there was a change, whichever.
                Err(error) if Errno::from_io_error(&error) == Some(Errno::NOBUFS) => {}
                Err(error) => return Err(error),
            }
            Ok(())
        }

        fn drain(&self, notice: &mut [u8]) {
            // A failure shows at the next wait.
            while recv(self.0.as_fd(), &mut *notice, RecvFlags::empty()).is_ok() {}
        }
    }
}
