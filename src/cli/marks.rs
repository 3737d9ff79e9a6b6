//! What became of DMs of ours, as far as it is worth a line.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Instant, Mark, Peer};
use crate::wire::OwnMessageId;

/// A mark after which a better one may come at once is shown after this.
const PATIENCE: Duration = Duration::from_secs(1);

/// DMs that are watched at a time; of more, the oldest are watched no longer.
const MOST: usize = 4096;

/// The DMs that something may become of.
#[derive(Debug, Default)]
pub(super) struct Marks {
    open: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    id: OwnMessageId,
    /// What was shown last; none of one that was written elsewhere or in an earlier run.
    shown: Option<Mark>,
    /// What is shown then, if nothing better comes.
    held: Option<(News, Instant)>,
}

/// What became of a DM.
#[derive(Debug, Clone)]
pub(super) struct News {
    /// The message.
    pub(super) id: OwnMessageId,
    /// Whom it is for.
    pub(super) to: Peer,
    /// What became of it.
    pub(super) mark: Mark,
    /// The text, where the line about it was not shown by this run.
    pub(super) text: Option<Arc<str>>,
}

impl Marks {
    /// A line said that the DM was sent, or that it waits.
    pub(super) fn shown(&mut self, id: OwnMessageId, mark: Mark) {
        self.open.retain(|watched| watched.id != id);
        if self.open.len() >= MOST {
            self.open.remove(0);
        }
        self.open.push(Watched { id, shown: Some(mark), held: None });
    }

    /// What is to be shown of this now.
    pub(super) fn came(&mut self, news: News, now: Instant) -> Option<News> {
        let at = self.open.iter().position(|watched| watched.id == news.id);
        let shown = at.and_then(|at| self.open[at].shown);
        let text = if at.is_none() || matches!(news.mark, Mark::Failed(_)) { news.text.clone() } else { None };
        let news = News { text, ..news };
        match news.mark {
            Mark::Stored | Mark::Acknowledged | Mark::Failed(_) => {
                if let Some(at) = at {
                    self.open.remove(at);
                }
                Some(news)
            }
            Mark::Waiting if shown == Some(Mark::Waiting) => None,
            Mark::Waiting => {
                self.put(at, news.id, Some(Mark::Waiting), None);
                Some(news)
            }
            mark if shown == Some(mark) || (mark, shown) == (Mark::Sent, Some(Mark::Received)) => None,
            Mark::Sent | Mark::Received => {
                self.put(at, news.id, shown, Some((news, now + PATIENCE)));
                None
            }
        }
    }

    fn put(&mut self, at: Option<usize>, id: OwnMessageId, shown: Option<Mark>, held: Option<(News, Instant)>) {
        match at {
            Some(at) => self.open[at] = Watched { id, shown, held },
            None => self.open.push(Watched { id, shown, held }),
        }
    }

    /// When something is to be shown that was held back.
    pub(super) fn due(&self) -> Option<Instant> {
        self.open.iter().filter_map(|watched| watched.held.as_ref().map(|(_, due)| *due)).min()
    }

    /// What was held back long enough.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<News> {
        let mut news = Vec::new();
        for watched in &mut self.open {
            if let Some((held, _)) = watched.held.take_if(|(_, due)| *due <= now) {
                watched.shown = Some(held.mark);
                news.push(held);
            }
        }
        news
    }

    /// Whether a mark of this DM was shown as waiting.
    pub(super) fn waits(&self, id: OwnMessageId) -> bool {
        self.open.iter().any(|watched| watched.id == id && watched.shown == Some(Mark::Waiting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sample::{Sample, key};
    use crate::engine::{Failure, Trust};

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    struct Case {
        marks: Marks,
        to: Peer,
    }

    impl Case {
        fn new() -> Self {
            let mut lan = Sample::new();
            let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Known);
            Self { marks: Marks::default(), to: lan.get(bob) }
        }

        fn came(&mut self, number: u64, mark: Mark, millis: u64) -> Option<Mark> {
            let (id, to) = (OwnMessageId::new(number), self.to.clone());
            self.marks.came(News { id, to, mark, text: Some("hi".into()) }, at(millis)).map(|news| news.mark)
        }

        fn overdue(&mut self, millis: u64) -> Vec<Mark> {
            self.marks.overdue(at(millis)).into_iter().map(|news| news.mark).collect()
        }
    }

    #[test]
    fn a_dm_that_is_stored_at_once_gets_one_line() {
        let mut case = Case::new();
        case.marks.shown(OwnMessageId::new(1), Mark::Sent);
        assert_eq!(case.came(1, Mark::Sent, 1), None);
        assert_eq!(case.came(1, Mark::Received, 60), None);
        assert_eq!(case.came(1, Mark::Stored, 90), Some(Mark::Stored));
        assert_eq!(case.marks.due(), None);
        assert!(case.overdue(2_000).is_empty());
    }

    #[test]
    fn a_mark_that_stays_is_shown_after_a_second_and_once() {
        let mut case = Case::new();
        case.marks.shown(OwnMessageId::new(1), Mark::Sent);
        case.came(1, Mark::Received, 60);
        assert_eq!(case.marks.due(), Some(at(1_060)));
        assert!(case.overdue(1_059).is_empty());
        assert_eq!(case.overdue(1_060), [Mark::Received]);
        assert_eq!(case.came(1, Mark::Received, 1_100), None);
        assert_eq!(case.came(1, Mark::Sent, 1_200), None, "it goes to the disk of the other by and by");
        assert_eq!(case.came(1, Mark::Stored, 9_000), Some(Mark::Stored));
    }

    #[test]
    fn waiting_and_failing_are_told_at_once_and_once() {
        let mut case = Case::new();
        case.marks.shown(OwnMessageId::new(1), Mark::Sent);
        assert_eq!(case.came(1, Mark::Waiting, 30_000), Some(Mark::Waiting));
        assert!(case.marks.waits(OwnMessageId::new(1)));
        assert_eq!(case.came(1, Mark::Waiting, 40_000), None);
        assert_eq!(case.came(1, Mark::Sent, 50_000), None);
        assert_eq!(case.overdue(51_000), [Mark::Sent], "it waited, so this says something");
        let failed = Mark::Failed(Failure::Expired);
        assert_eq!(case.came(1, failed, 60_000), Some(failed));
    }

    #[test]
    fn what_an_earlier_run_wrote_is_told_with_its_text() {
        let mut case = Case::new();
        let (id, to) = (OwnMessageId::new(7), case.to.clone());
        let news = News { id, to, mark: Mark::Stored, text: Some("hi".into()) };
        let told = case.marks.came(news.clone(), at(0)).unwrap();
        assert_eq!(told.text.as_deref(), Some("hi"));
        case.marks.shown(id, Mark::Sent);
        assert_eq!(case.marks.came(news, at(0)).unwrap().text, None);
        for number in 0..10_000 {
            case.marks.shown(OwnMessageId::new(number), Mark::Sent);
        }
        assert_eq!(case.marks.open.len(), MOST);
    }
}
