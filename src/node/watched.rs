//! A Linux file descriptor that tokio waits for.

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor that becomes readable now and then.
#[derive(Debug)]
pub(super) struct Watched(AsyncFd<OwnedFd>);

impl Watched {
    /// Takes a non-blocking descriptor.
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        #[expect(deprecated, reason = "its successor is unsafe; what it asks for holds, as this owns its descriptor")]
        AsyncFd::with_interest(fd, Interest::READABLE).map(Self)
    }

    /// Reads once it is readable. Dropping the future early loses nothing. For one task at a time: the one that asked last
    /// is woken.
    pub(super) async fn read<R>(&self, mut read: impl FnMut(BorrowedFd<'_>) -> io::Result<R>) -> io::Result<R> {
        loop {
            let mut ready = poll_fn(|context| self.0.poll_read_ready(context)).await?;
            if let Ok(result) = ready.try_io(|fd| read(fd.get_ref().as_fd())) {
                return result;
            }
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}
