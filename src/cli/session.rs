//! One user's session: takes lines, events and notices, and shows what comes of them.

mod happened;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::engine::{Command, Instant, Reply};
use crate::node::{Handle, Node, Profile};
use crate::store::History;
use crate::web::{self, Client};

use super::added::Added;
use super::alarms::Alarms;
use super::crowd::Crowd;
use super::host::{self, Host};
use super::input::{Input, Typed};
use super::line::{Line, Question, Wish};
use super::marks::Marks;
use super::names::Names;
use super::popup::Popups;
use super::pulls::Pulls;
use super::reading::Reading;
use super::render::{self, Render};
use super::round::{Round, needs_peers};
use super::screen;
use super::screen::Screen;
use super::shared::Shared;
use super::signals::Signals;

/// So long alone, the likely cause is told once.
const ALONE: Duration = Duration::from_secs(10);

/// At the end of a pipe, answers that were asked for are waited for so long at most.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// At the end of a pipe, DMs that a peer has to answer first are waited for so long at most.
const LAST_DMS: Duration = Duration::from_secs(5);

/// At the end of a pipe, word that DMs have arrived is waited for so long at most.
const LAST_MARKS: Duration = Duration::from_millis(500);

/// At the end of a pipe, others have so long to fetch a long text.
pub(super) const LAST_LONG: Duration = Duration::from_secs(2);

/// A text that is longer is fetched, more or less, bytes.
pub(super) const SHORT: usize = 500;

/// Goodbye takes no longer.
const GOODBYE: Duration = Duration::from_millis(500);

/// Goodbye and the writing of the history take no longer: a disk may be slow.
const LAST_COMMITS: Duration = Duration::from_millis(2_500);

/// Goodbye and the writing of what was shown take no longer together.
const ENDING: Duration = Duration::from_millis(850);

/// A line may wait so long for a slow screen before the prompt comes back.
const SETTLE: Duration = Duration::from_millis(50);

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The user, the system or the reader of our output wanted it.
    Wanted,
    /// The peer failed.
    Failed,
}

/// A session with a running peer.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) handle: Handle,
    /// The way to it by the API, as other programs have it.
    pub(super) client: Client,
    /// Nobody else can speak to it.
    pub(super) is_hidden: bool,
    /// Addresses that are being tried.
    pub(super) adding: JoinSet<Added>,
    /// The page is shown at the start.
    page: bool,
    pub(super) render: Render,
    pub(super) screen: Screen,
    pub(super) profile: Arc<Mutex<Profile>>,
    stop: Arc<Notify>,
    pub(super) pulls: Pulls,
    pub(super) names: Names,
    pub(super) verbose: bool,
    pub(super) history: Option<History>,
    pub(super) reading: Option<Reading>,
    pub(super) marks: Marks,
    pub(super) quiet: bool,
    /// Notifications of the desktop; none on a pipe.
    pub(super) popups: Option<Popups>,
    question: Option<Question>,
    held: Option<Held>,
    round: Option<Round>,
    /// Who comes and goes; on a pipe every row stays.
    crowd: Option<Crowd>,
    /// Whose name was taken by a new key.
    alarms: Option<Alarms>,
    /// What others do with lists and on the board.
    shared: Shared,
    /// When the hint is due; none once a peer came or it was shown.
    hint_at: Option<Instant>,
    /// What is known of a discovery port that cannot be had.
    discovery: Option<String>,
    /// The input is at its end; answers are waited for until then.
    last: Option<Instant>,
}

/// A command that waits.
#[derive(Debug)]
struct Held {
    wish: Wish,
    /// Until then; none for the first round.
    until: Option<Instant>,
}

/// What became of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Acted {
    Done,
    /// Nothing happened; it can be tried again then.
    Later(Duration),
    /// The user has to answer this first.
    Ask(Question),
    Quit,
}

impl Session {
    /// A session that shows things in this form. Must be called inside a tokio runtime.
    pub(super) fn new(host: &Host, client: Option<Client>, render: Render, screen: Screen) -> Self {
        let (handle, history) = (host.node.handle.clone(), host.history.clone());
        let now = handle.now();
        let reading = history.clone().map(|history| Reading::start(history, screen.writing()));
        Self {
            round: render.pipe.then(|| Round::from(now)),
            crowd: (!render.pipe).then(Crowd::default),
            alarms: (!render.pipe).then(Alarms::default),
            shared: Shared::default(),
            hint_at: (!render.pipe).then(|| now + ALONE),
            names: Names::of(handle.peers()),
            handle,
            is_hidden: client.is_none(),
            client: client.unwrap_or_else(|| Client::local(web::router(host.context()))),
            adding: JoinSet::new(),
            page: false,
            render,
            screen,
            profile: Arc::clone(&host.profile),
            stop: Arc::clone(&host.stop),
            pulls: Pulls::default(),
            verbose: false,
            history,
            reading,
            marks: Marks::default(),
            quiet: false,
            popups: None,
            question: None,
            held: None,
            discovery: None,
            last: None,
        }
    }

    /// Shows DMs and mentions as notifications of the desktop, too.
    pub(super) fn with_popups(mut self, popups: Option<Popups>) -> Self {
        self.popups = popups;
        self
    }

    /// Shows the page at the start.
    pub(super) fn with_page(mut self, page: bool) -> Self {
        self.page = page;
        self
    }

    /// Runs until the end, says goodbye, and writes out all that was shown.
    pub(super) async fn run(mut self, node: Node, mut input: Input, mut signals: Signals, verbose: bool) -> End {
        let (reader, stop) = (self.screen.reader(), Arc::clone(&self.stop));
        // Apart from what is shown, so that a reader that has stopped does not keep us from ending.
        let end = tokio::select! {
            end = self.work(node, &mut input, verbose) => end,
            () = signals.came() => End::Wanted,
            () = reader.gone() => End::Wanted,
            () = stop.notified() => End::Wanted,
        };
        for dm in self.pulls.never_sent() {
            let line = self.render.never_sent(&dm.name, &dm.text, self.history.is_some());
            // A reader that has stopped does not keep us from ending.
            let _ = tokio::time::timeout(SETTLE, self.screen.show(line)).await;
        }
        let began = self.handle.now();
        let longest = if self.history.is_some() { LAST_COMMITS } else { GOODBYE };
        // A peer that hangs is not waited for.
        let left = tokio::time::timeout(longest, self.handle.leave());
        let noted = async {
            if let Some(reading) = self.reading.take() {
                reading.end(GOODBYE).await;
            }
        };
        let _ = tokio::join!(left, noted);
        if input.is_prompting() {
            screen::leave_line();
        }
        self.screen.end(ENDING.saturating_sub(self.handle.now().since(began))).await;
        end
    }

    async fn work(&mut self, node: Node, input: &mut Input, verbose: bool) -> End {
        let Node { handle: _, mut events, mut notices } = node;
        let mut shared = self.handle.data_events();
        self.greet(verbose).await;
        // What is wrong from the start is told, however short the input is.
        while let Ok(notice) = notices.try_recv() {
            if let Some(end) = self.noticed(notice).await {
                return end;
            }
        }
        loop {
            self.prompt(input).await;
            let now = self.handle.now();
            let wake = self.wake();
            let reading = self.held.is_none() && self.last.is_none();
            let end = tokio::select! {
                typed = input.next(), if reading => self.typed(typed).await,
                event = events.recv() => self.happened(event).await,
                event = happened::next_shared(&mut shared) => self.shared(&event).await,
                Some(notice) = notices.recv() => self.noticed(notice).await,
                Some(added) = self.adding.join_next() => self.added(added.ok()).await,
                () = sleep(wake, now) => self.woke().await,
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    async fn greet(&mut self, verbose: bool) {
        if let Ok(Reply::Me(me)) = self.handle.command(Command::WhoAmI).await {
            self.names.me(&me);
            self.shared.me(me.key);
            self.screen.show(self.render.greeting(&me)).await;
        }
        if let Some(history) = self.history.clone() {
            let unread = tokio::task::spawn_blocking(move || host::unread(&history)).await;
            if let Ok(Some(line)) = unread {
                self.info(&line).await;
            }
        }
        if self.page {
            self.act(&Wish::Web).await;
        }
        if verbose {
            self.act(&Wish::Verbose).await;
        }
    }

    /// Shows the prompt when the next line is wanted.
    async fn prompt(&mut self, input: &mut Input) {
        if self.held.is_some() || input.is_prompting() {
            return;
        }
        if !self.render.pipe {
            self.screen.settle(SETTLE).await;
        }
        match &self.question {
            Some(question) => input.ask(question.prompt(), false),
            None => input.ask("> ", true),
        }
    }

    async fn typed(&mut self, typed: Typed) -> Option<End> {
        let line = match typed {
            Typed::Line(line) => line,
            Typed::Wrong(why) => {
                self.error(why).await;
                return None;
            }
            Typed::End if self.is_idle() || !self.render.pipe => return Some(End::Wanted),
            Typed::End => {
                let longest = match () {
                    () if self.pulls.has_dms() || !self.adding.is_empty() => LAST_DMS,
                    () if self.pulls.has_long() => LAST_LONG,
                    () if self.pulls.has_answers() => LAST_ANSWERS,
                    () => LAST_MARKS,
                };
                self.last = Some(self.handle.now() + longest);
                return None;
            }
        };
        let line = match self.question.take() {
            Some(question) => question.answered(&line),
            None => Line::read(&line),
        };
        match line {
            Line::Empty => None,
            Line::Wish(wish) => self.wish(wish).await,
            Line::Ask(question) => {
                self.question = Some(question);
                None
            }
            Line::Unknown(line) => {
                let line = crate::wire::Safe::fitted(&line, 60);
                self.error(&format!("Not a command. To tell everyone: POST {line}")).await;
                None
            }
            Line::Usage(usage) => {
                self.error(&format!("Not understood. It goes: {usage} (a name of several words stands in quotes)"))
                    .await;
                None
            }
        }
    }

    async fn wish(&mut self, wish: Wish) -> Option<End> {
        if self.round.is_some() && needs_peers(&wish) {
            self.held = Some(Held { wish, until: None });
            return None;
        }
        match self.act(&wish).await {
            Acted::Done => None,
            Acted::Quit => Some(End::Wanted),
            Acted::Ask(question) => {
                self.question = Some(question);
                None
            }
            Acted::Later(after) => {
                self.held = Some(Held { wish, until: Some(self.handle.now() + after) });
                None
            }
        }
    }

    /// Whether no answer is waited for.
    fn is_idle(&self) -> bool {
        self.pulls.is_empty() && self.adding.is_empty()
    }

    /// When something is due next.
    fn wake(&self) -> Option<Instant> {
        let round = self.round.map(Round::over);
        let held = self.held.as_ref().and_then(|held| held.until);
        let crowd = self.crowd.as_ref().and_then(Crowd::due);
        let alarms = self.alarms.as_ref().and_then(Alarms::due);
        let popups = self.popups.as_ref().and_then(Popups::due);
        [round, held, crowd, alarms, self.shared.due(), self.marks.due(), popups, self.hint_at, self.last]
            .into_iter()
            .flatten()
            .min()
    }

    async fn woke(&mut self) -> Option<End> {
        let now = self.handle.now();
        if self.round.is_some_and(|round| round.over() <= now) {
            self.round = None;
        }
        if let Some(others) = self.crowd.as_mut().and_then(|crowd| crowd.summary(now)) {
            self.info(&others).await;
        }
        for alarm in self.alarms.as_mut().map(|alarms| alarms.summaries(now)).unwrap_or_default() {
            self.screen.show(self.render.alarm(&alarm)).await;
        }
        if let Some(more) = self.shared.summary(now) {
            self.info(&more).await;
        }
        if let Some(popups) = &mut self.popups {
            popups.woke(now);
        }
        for news in self.marks.overdue(now) {
            self.screen.show(self.render.marked(&news, &self.names)).await;
        }
        if self.hint_at.is_some_and(|at| at <= now) {
            self.hint_at = None;
            self.hint().await;
        }
        if self.last.is_some_and(|at| at <= now) {
            return Some(End::Wanted);
        }
        let due = self.held.as_ref().is_some_and(|held| held.until.map_or(self.round.is_none(), |until| until <= now));
        match self.held.take_if(|_| due) {
            Some(held) => self.wish(held.wish).await,
            None => None,
        }
    }

    async fn hint(&mut self) {
        if !self.handle.peers().is_empty() {
            return;
        }
        if let Ok(Reply::Me(me)) = self.handle.command(Command::WhoAmI).await {
            let hint = render::hint(&me, ALONE, self.discovery.as_deref());
            self.screen.show(self.render.info(&hint)).await;
        }
    }

    pub(super) async fn info(&self, text: &str) {
        self.screen.show(self.render.info(text)).await;
    }

    pub(super) async fn error(&self, text: &str) {
        self.screen.show(self.render.error(text)).await;
    }
}

async fn sleep(until: Option<Instant>, now: Instant) {
    match until {
        Some(until) => tokio::time::sleep(until.since(now)).await,
        None => std::future::pending().await,
    }
}
