//! The data space beside the engine: its requests, its disk, its values.

use std::collections::BTreeMap;

use tokio::sync::{broadcast, mpsc, oneshot};

use crate::data::cache::{Command as CacheCommand, Key, Reply as CacheReply, Work, Worked};
use crate::data::{Command, Error, Event, Job, Output, Reply, Space, Step, Ticket};
use crate::engine::{Data, Engine, Instant};

use super::handle::DataRequest;
use super::stock::{self, Shelf};
use super::values::Values;

/// The data space of a node, and what it needs.
#[derive(Debug)]
pub(super) struct Beside {
    /// None of a peer without a key, or one that only looks around.
    pub(super) space: Option<Space>,
    pub(super) shelf: Shelf,
    /// None where values cannot be kept.
    pub(super) values: Option<(Values, mpsc::UnboundedReceiver<Worked>)>,
    /// None when nobody can ask any more.
    pub(super) requests: Option<mpsc::Receiver<DataRequest>>,
    pub(super) events: broadcast::Sender<Event>,
    /// Who waits for what is done later.
    pub(super) jobs: BTreeMap<Job, Waiting>,
}

type Answer = oneshot::Sender<Result<Reply, Error>>;

#[derive(Debug)]
pub(super) struct Waiting {
    reply: Answer,
    /// What the one who waits may be told to make.
    make: Option<Key>,
}

/// What there is to do.
#[derive(Debug)]
pub(super) enum News {
    Request(DataRequest),
    Stock(stock::News),
    Worked(Worked),
}

impl Beside {
    /// What comes next. Dropping the future early loses nothing.
    pub(super) async fn news(&mut self) -> News {
        let Self { shelf, requests, values, .. } = self;
        tokio::select! {
            request = next(requests) => News::Request(request),
            news = shelf.news() => News::Stock(news),
            worked = worked(values) => News::Worked(worked),
        }
    }

    /// Takes what came; a line that the user must know.
    pub(super) fn take(&mut self, news: News, engine: &mut Engine, now: Instant) -> Option<String> {
        match news {
            News::Request(request) => {
                self.asked(request, engine, now);
                None
            }
            News::Worked(worked) => {
                if let Some(space) = &mut self.space {
                    space.handle_value(worked, engine, now);
                }
                None
            }
            News::Stock(stock::News::Kept(outcomes)) => {
                self.kept(outcomes, engine, now);
                None
            }
            News::Stock(stock::News::Trouble(line)) => Some(line),
            News::Stock(stock::News::Stopped(outcomes, line)) => {
                self.kept(outcomes, engine, now);
                Some(line.to_owned())
            }
        }
    }

    /// Takes what the engine found.
    pub(super) fn hear(&mut self, data: Data, engine: &mut Engine, now: Instant) {
        if let Some(space) = &mut self.space {
            space.handle_data(data, engine, now);
        }
    }

    /// Does what is due.
    pub(super) fn timeout(&mut self, engine: &mut Engine, now: Instant) {
        if let Some(space) = &mut self.space {
            space.handle_timeout(engine, now);
        }
    }

    /// Does all that the data space says: whether there was anything, and when something is due. The engine may have more
    /// to say after it.
    pub(super) fn drain(&mut self, engine: &mut Engine, now: Instant) -> (bool, Option<Instant>) {
        let mut any = false;
        loop {
            let Some(space) = &mut self.space else { return (false, None) };
            match space.poll() {
                Output::Wait(until) => return (any, until),
                Output::Event(event) => {
                    // Nobody may be listening.
                    let _ = self.events.send(event);
                }
                Output::Keep(ticket, rows) => {
                    if let Some(kept) = self.shelf.keep(ticket, rows) {
                        space.handle_kept(ticket, kept, engine, now);
                    }
                }
                Output::Done(job, outcome) => {
                    if let Some(waiting) = self.jobs.remove(&job) {
                        self.answer(waiting, outcome, engine, now);
                    }
                }
                Output::Value(work) => self.work(work, engine, now),
            }
            any = true;
        }
    }

    fn kept(&mut self, outcomes: Vec<(Ticket, bool)>, engine: &mut Engine, now: Instant) {
        let Some(space) = &mut self.space else { return };
        for (ticket, kept) in outcomes {
            space.handle_kept(ticket, kept, engine, now);
        }
    }

    fn asked(&mut self, DataRequest { command, reply }: DataRequest, engine: &mut Engine, now: Instant) {
        if reply.is_closed() {
            // Nobody waits any more, and nothing was begun.
            return;
        }
        let make =
            if let Command::Cache(CacheCommand::GetOrMake { key }) = &command { Some(key.clone()) } else { None };
        let waiting = Waiting { reply, make };
        let Some(space) = &mut self.space else { return self.answer(waiting, Err(Error::NoKey), engine, now) };
        match space.handle_command(command, engine, now) {
            Ok(Step::Later(job)) => drop(self.jobs.insert(job, waiting)),
            Ok(Step::Now(reply)) => self.answer(waiting, Ok(reply), engine, now),
            Err(error) => self.answer(waiting, Err(error), engine, now),
        }
    }

    fn answer(
        &mut self,
        Waiting { reply, make }: Waiting,
        outcome: Result<Reply, Error>,
        engine: &mut Engine,
        now: Instant,
    ) {
        let made = matches!(outcome, Ok(Reply::Cache(CacheReply::Make)));
        // Nobody may wait any more; what that one was to make, somebody else may.
        if reply.send(outcome).is_err()
            && let (true, Some(key), Some(space)) = (made, make, &mut self.space)
        {
            let _ = space.handle_command(Command::Cache(CacheCommand::GiveUp { key }), engine, now);
        }
    }

    fn work(&mut self, work: Work, engine: &mut Engine, now: Instant) {
        if let Some((values, _)) = &self.values {
            return values.work(work);
        }
        let done = match work {
            Work::Write { job, .. } => Worked::Written(job, false),
            Work::Read { job, .. } => Worked::Read(job, None),
            Work::Fetch { job, .. } => Worked::Fetched(job, Err(false)),
            Work::Drop { .. } | Work::Only { .. } | Work::Serve { .. } => return,
        };
        if let Some(space) = &mut self.space {
            space.handle_value(done, engine, now);
        }
    }
}

async fn worked(values: &mut Option<(Values, mpsc::UnboundedReceiver<Worked>)>) -> Worked {
    let done = match values {
        Some((_, done)) => done.recv().await,
        None => None,
    };
    match done {
        Some(done) => done,
        None => {
            *values = None;
            std::future::pending().await
        }
    }
}

async fn next(requests: &mut Option<mpsc::Receiver<DataRequest>>) -> DataRequest {
    let request = match requests {
        Some(open) => open.recv().await,
        None => None,
    };
    match request {
        Some(request) => request,
        None => {
            *requests = None;
            std::future::pending().await
        }
    }
}
