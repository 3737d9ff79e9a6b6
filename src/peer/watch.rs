//! What happens, as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_stream::Stream;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

use crate::{data, engine};

use super::Peer;

/// What happens from the moment on at which this was made. It ends when the peer does, and does not hold it up.
///
/// A reader that falls more than some hundred events behind loses the oldest: [`Watch::missed`] tells how many.
#[must_use = "what nobody reads is lost"]
pub struct Watch<T> {
    talk: Option<BroadcastStream<engine::Event>>,
    data: BroadcastStream<data::Event>,
    pick: Box<dyn FnMut(Happened) -> Option<T> + Send>,
    /// Which of the two is looked at first: none waits for the other to be silent.
    talk_first: bool,
    missed: u64,
}

/// Something that happened.
pub(super) enum Happened {
    Talk(engine::Event),
    Data(data::Event),
}

impl<T> Watch<T> {
    /// What happens with data.
    pub(super) fn data(peer: &Peer, mut pick: impl FnMut(data::Event) -> Option<T> + Send + 'static) -> Self {
        let pick = move |happened| match happened {
            Happened::Data(event) => pick(event),
            Happened::Talk(_) => None,
        };
        Self { talk: None, ..Self::all(peer, pick) }
    }

    /// All that happens.
    pub(super) fn all(peer: &Peer, pick: impl FnMut(Happened) -> Option<T> + Send + 'static) -> Self {
        Self {
            talk: Some(BroadcastStream::new(peer.handle().events())),
            data: BroadcastStream::new(peer.handle().data_events()),
            pick: Box::new(pick),
            talk_first: false,
            missed: 0,
        }
    }

    /// The next one; none after the end of the peer. Dropping the future early loses nothing.
    pub async fn next(&mut self) -> Option<T> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Events that were lost because nobody read them in time, of whatever kind.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The next of the one stream or the other; none when one of them has ended.
    fn poll_happened(&mut self, talk: bool, cx: &mut Context<'_>) -> Poll<Option<Happened>> {
        loop {
            let polled = match (&mut self.talk, talk) {
                (Some(events), true) => Pin::new(events).poll_next(cx).map(|next| next.map(|e| e.map(Happened::Talk))),
                (None, true) => Poll::Pending,
                (_, false) => Pin::new(&mut self.data).poll_next(cx).map(|next| next.map(|e| e.map(Happened::Data))),
            };
            match polled {
                Poll::Ready(Some(Err(BroadcastStreamRecvError::Lagged(count)))) => self.missed += count,
                Poll::Ready(Some(Ok(happened))) => return Poll::Ready(Some(happened)),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<T> Stream for Watch<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            self.talk_first = !self.talk_first;
            let first = self.talk_first;
            let happened = match self.poll_happened(first, cx) {
                Poll::Pending => self.poll_happened(!first, cx),
                ready => ready,
            };
            match happened {
                Poll::Ready(Some(happened)) => {
                    if let Some(item) = (self.pick)(happened) {
                        return Poll::Ready(Some(item));
                    }
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<T> fmt::Debug for Watch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("missed", &self.missed).finish_non_exhaustive()
    }
}
