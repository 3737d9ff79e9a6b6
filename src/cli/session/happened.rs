//! What happens to the peer, as far as the user is told.

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::data;
use crate::engine::{Event, Mark, Peer, Trust};
use crate::node::Notice;

use super::super::marks::News;
use super::super::names;
use super::super::render;
use super::{End, Session};

impl Session {
    pub(super) async fn happened(&mut self, event: Result<Event, RecvError>) -> Option<End> {
        let event = match event {
            Ok(event) => event,
            Err(RecvError::Lagged(count)) => {
                self.names.refresh();
                self.error(&format!("{count} events came too fast and are not shown")).await;
                self.remind().await;
                return None;
            }
            Err(RecvError::Closed) => {
                self.error("The peer has ended: start again").await;
                return Some(End::Failed);
            }
        };
        if let Event::Here(_) = event {
            self.hint_at = None;
            if let Some(round) = &mut self.round {
                round.came(self.handle.now());
            }
        }
        self.names.learn(&event);
        if let Event::Renamed { .. } = event
            && let Ok(me) = self.me().await
        {
            self.names.me(&me);
        }
        let now = self.handle.now();
        if let Event::Marked { id, to, mark, text } = &event {
            let news = News { id: *id, to: to.clone(), mark: *mark, text: Some(text.clone()) };
            self.marked(news).await;
        }
        let told = !is_unwanted(&event)
            && !self.is_unasked(&event)
            && self.crowd.as_mut().is_none_or(|crowd| crowd.tells(&event, now))
            && self.alarms.as_mut().is_none_or(|alarms| alarms.tells(&event, now));
        let time = if let Event::Traced { .. } = event { time_of_day() } else { String::new() };
        if told {
            let lines = self.render.event(&event, &self.names, now, &time);
            self.screen.show_all(lines).await;
            if let Event::Post { told, .. } | Event::Dm { told, .. } = &event {
                self.seen(told.row);
                if let Some(popups) = self.popups.as_mut().filter(|_| !self.quiet) {
                    popups.happened(&event, &self.names, self.names.own(), now);
                }
            }
        }
        self.pulled(&event).await;
        self.ends_when_idle()
    }

    /// Shows what others did with lists and on the board.
    pub(super) async fn shared(&mut self, event: &data::Event) -> Option<End> {
        let peers = self.handle.peers();
        let line = self.shared.happened(event, || peers.snapshot(), &self.names, self.render, self.handle.now());
        if let Some(line) = line {
            self.screen.show(line).await;
        }
        None
    }

    /// At the end of the input, the end once nothing more is waited for.
    pub(in crate::cli) fn ends_when_idle(&self) -> Option<End> {
        (self.last.is_some() && self.is_idle()).then_some(End::Wanted)
    }

    /// Shows what became of a DM, if that says something.
    async fn marked(&mut self, news: News) {
        let now = self.handle.now();
        if news.mark == Mark::Sent && self.marks.waits(news.id) && self.pulls.waits(news.id) {
            let text = news.text.clone().unwrap_or_default();
            let line = self.render.sent(&news.to, &text, news.to.is_private(), &self.names, now);
            self.screen.show(line).await;
            self.marks.shown(news.id, Mark::Sent);
            return;
        }
        if let Some(news) = self.marks.came(news, now) {
            self.screen.show(self.render.marked(&news, &self.names)).await;
        }
    }

    /// True for a picture that somebody else wanted to see.
    fn is_unasked(&self, event: &Event) -> bool {
        matches!(event, Event::Avatar { peer, .. } | Event::AvatarFailed(peer) if !self.pulls.has_avatar(peer.id()))
    }

    /// New keys are never silent, also where the event about one is lost.
    async fn remind(&self) {
        let mut changed = self.handle.peers().snapshot();
        changed.retain(|peer| peer.trust() == Trust::Changed && !peer.is_blocked());
        if !changed.is_empty() {
            let list = render::some(changed.iter().map(|peer| self.names.label(peer)));
            self.screen.show(self.render.alarm(&format!("With a new key and a known name: {list}. See PEER"))).await;
        }
    }

    pub(super) async fn noticed(&mut self, notice: Notice) -> Option<End> {
        let text = render::notice(&notice);
        self.screen.show(self.render.info(&text)).await;
        match notice {
            Notice::DiscoveryClosed { .. } => self.discovery = Some(text),
            Notice::DiscoveryOpen { .. } => self.discovery = None,
            Notice::Ended { .. } => return Some(End::Failed),
            Notice::NoInterface { .. }
            | Notice::Interface { .. }
            | Notice::Unresolved { .. }
            | Notice::Interfaces { .. }
            | Notice::PortMoved { .. }
            | Notice::SetAside { .. }
            | Notice::NotKept { .. }
            | Notice::History { .. }
            | Notice::Data { .. } => {}
        }
        None
    }
}

/// The next thing that happens in the data space; of what was missed, lists and the board tell. That the peer has ended, its
/// other events tell.
pub(super) async fn next_shared(events: &mut Receiver<data::Event>) -> data::Event {
    loop {
        match events.recv().await {
            Ok(event) => return event,
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// True for what a blocked peer does. What became of our own messages is told all the same.
fn is_unwanted(event: &Event) -> bool {
    let own = matches!(event, Event::Marked { .. });
    !own && names::subject(event).is_some_and(Peer::is_blocked)
}

fn time_of_day() -> String {
    let now = crate::node::unix_now();
    let seconds = i64::try_from(now.as_secs()).unwrap_or_default();
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system());
    time.strftime("%H:%M:%S").to_string()
}
