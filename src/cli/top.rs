//! `peer top`: who is here, what comes and goes, and what is wrong, in the terminal.
//!
//! What the running peer tells becomes a model ([`seen`]), the model and what the user chose become lines ([`picture`]),
//! and lines become cells ([`draw`]). Only [`ask`] speaks to the peer, only [`stage`] to the terminal.

mod ask;
mod draw;
mod figures;
mod panes;
mod people;
mod picture;
mod plain;
mod seen;
mod stage;
#[cfg(test)]
mod tests;
mod text;
mod trend;
mod view;

use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use crate::web::Client;

use super::args::{Options, TopArgs};
use super::oneshot::{Trouble, api_file, nobody_runs, running, say};
use super::signals::Signals;
use super::terminal;
use ask::{Asker, Consult};
use seen::{News, Seen};
use stage::{Signal, Stage};
use view::{View, Wish};

/// What may wait until it is shown.
const WAITING: usize = 16;

/// Keys that one picture may answer.
const KEYS: usize = 256;

/// Shows the overview until the user has seen enough.
pub(super) async fn top(options: &Options, args: &TopArgs) -> Result<(), Trouble> {
    let signals = Signals::listen().map_err(|error| Trouble::failed(error.to_string()))?;
    let Some(client) = running(options).await? else { return Err(nobody_runs(options)) };
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if args.once || dumb || !terminal::is_interactive() {
        return once(&client).await;
    }
    let (news, told) = mpsc::channel(WAITING);
    let (consult, wanted) = mpsc::channel(1);
    let asker = Asker { api_file: api_file(options)?, interval: args.interval, news, wanted };
    tokio::spawn(asker.run(client));
    let stage = Stage::enter(terminal::is_colored()).map_err(lost)?;
    Screen { stage, seen: Seen::default(), view: View::default(), consult }.run(told, signals).await
}

/// Prints all once.
async fn once(client: &Client) -> Result<(), Trouble> {
    let mut seen = Seen::default();
    seen.take(News::Status(Box::new(client.status().await?)));
    seen.take(News::Peers(client.peers(true).await?));
    seen.take(News::Conversations(ask::conversations(client).await?));
    seen.take(News::Network(Box::new(client.network().await?)));
    seen.take(News::Traffic(Box::new(client.traffic().await?), None));
    plain::lines(&seen, &TimeZone::system()).iter().try_for_each(|line| say(line))
}

fn lost(error: std::io::Error) -> Trouble {
    Trouble::failed(format!("cannot use the terminal: {error}"))
}

struct Screen {
    stage: Stage,
    seen: Seen,
    view: View,
    consult: mpsc::Sender<Consult>,
}

impl Screen {
    async fn run(mut self, mut told: mpsc::Receiver<News>, mut signals: Signals) -> Result<(), Trouble> {
        let zone = TimeZone::system();
        let mut keys = stage::listen().map_err(lost)?;
        loop {
            let (width, height) = self.stage.measured().map_err(lost)?;
            let lines = picture::picture(&self.seen, &mut self.view, &zone, width, height);
            self.stage.show(&lines).map_err(lost)?;
            tokio::select! {
                news = told.recv() => {
                    let Some(news) = news else { return Err(Trouble::failed("the peer is asked no more")) };
                    self.take(news);
                }
                key = keys.recv() => match key {
                    Some(key) if self.react(key)? => {}
                    _ => return Ok(()),
                },
                () = signals.came() => return Ok(()),
            }
            // What came meanwhile is shown by the same picture.
            while let Ok(news) = told.try_recv() {
                self.take(news);
            }
            for _ in 0..KEYS {
                let Ok(key) = keys.try_recv() else { break };
                if !self.react(key)? {
                    return Ok(());
                }
            }
        }
    }

    fn take(&mut self, news: News) {
        let moves = matches!(news, News::Peers(_) | News::Conversations(_));
        self.seen.take(news);
        if moves {
            self.view.arrange(&self.seen);
        }
    }

    /// False when that was all.
    fn react(&mut self, signal: Signal) -> Result<bool, Trouble> {
        let press = match signal {
            Signal::Key(press) => press,
            Signal::Resized => return Ok(true),
            Signal::Gone => return Ok(false),
        };
        match self.view.press(press, &self.seen) {
            Wish::Nothing => {}
            Wish::Quit => return Ok(false),
            Wish::Suspend => self.stage.suspend().map_err(lost)?,
            Wish::Redraw => self.stage.redraw().map_err(lost)?,
            Wish::Doctor => {
                // Where it is asked for already, once is enough.
                if !matches!(self.seen.doctor, seen::Doctor::Asked) {
                    let _ = self.consult.try_send(Consult);
                }
            }
        }
        Ok(true)
    }
}
