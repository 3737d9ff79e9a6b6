//! A Linux file descriptor that tokio waits for.

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

    /// Reads once it is readable. Dropping the future early loses nothing.
    pub(super) async fn read<R>(&self, mut read: impl FnMut(BorrowedFd<'_>) -> io::Result<R>) -> io::Result<R> {
        loop {
            let mut ready = self.0.readable().await?;
            if let Ok(result) = ready.try_io(|fd| read(fd.get_ref().as_fd())) {
                return result;
            }
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}
