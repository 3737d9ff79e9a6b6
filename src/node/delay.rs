//! One thing that is to be done a while later.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// Waits for nothing until it is armed, and never wakes anybody before.
#[derive(Debug, Default)]
pub(super) struct Delay(Option<Pin<Box<Sleep>>>);

impl Delay {
    /// Starts the wait, unless one is under way.
    pub(super) fn arm(&mut self, wait: Duration) {
        if self.0.is_none() {
            self.0 = Some(Box::pin(sleep(wait)));
        }
    }

    /// Returns at the end of the wait, which can be armed again then. Dropping the future early loses nothing.
    pub(super) async fn over(&mut self) {
        match &mut self.0 {
            Some(wait) => wait.as_mut().await,
            None => std::future::pending().await,
        }
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_is_not_prolonged_by_arming_it_again() {
        let start = tokio::time::Instant::now();
        let mut delay = Delay::default();
        delay.arm(Duration::from_millis(50));
        sleep(Duration::from_millis(30)).await;
        delay.arm(Duration::from_millis(50));
        delay.over().await;
        assert_eq!(start.elapsed().as_millis(), 50);
        assert!(tokio::time::timeout(Duration::from_secs(9), delay.over()).await.is_err(), "not armed");
    }
}
