//! Asks the running peer, again and again, and waits for it where it has ended.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::node::unix_now;
use crate::web::{Client, ClientError, ConversationObject, EventObject, EventQuery};

use super::seen::{Doctor, News};

/// The peer answers within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// The doctor looks around for some seconds, and may wait for tools that hang.
const LOOKING: Duration = Duration::from_secs(60);

/// Between two looks for a peer that has ended.
const AGAIN: Duration = Duration::from_millis(500);

/// What changes seldom is asked for no more often than that, as long as no event tells of it.
const SELDOM: Duration = Duration::from_secs(5);

/// Events that come at once are answered by one look.
const TOGETHER: Duration = Duration::from_millis(100);

/// So many times longer than the peer took to answer it is left in peace.
const REST: u32 = 10;

/// Asks for the doctor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Consult;

/// Asks one peer after the other, if it is started again.
pub(super) struct Asker {
    pub(super) api_file: PathBuf,
    pub(super) interval: Duration,
    pub(super) news: mpsc::Sender<News>,
    pub(super) wanted: mpsc::Receiver<Consult>,
}

/// Why it goes on no longer: nobody looks any more.
struct Closed;

/// Why the peer is asked no more.
enum End {
    Lost(String),
    Closed,
}

impl From<Closed> for End {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<ClientError> for End {
    fn from(error: ClientError) -> Self {
        Self::Lost(match error {
            // A token of the peer before: another one runs by now.
            ClientError::Refused { status: 401, .. } => "The peer has ended".to_owned(),
            ClientError::Gone(_) => "The peer has ended, or does not answer".to_owned(),
            ClientError::Refused { .. } | ClientError::File(_) | ClientError::Full | ClientError::Garbled(_) => {
                error.to_string()
            }
        })
    }
}

/// When something is to be asked for again, by the clock of the day.
struct Turn {
    at: Duration,
    /// Not before; the peer has other things to do.
    earliest: Duration,
    /// When this was decided: a clock that was put back must not make us wait.
    decided: Duration,
    apart: Duration,
}

impl Turn {
    fn every(apart: Duration) -> Self {
        Self { at: Duration::ZERO, earliest: Duration::ZERO, decided: Duration::ZERO, apart }
    }

    fn is_due(&self, now: Duration) -> bool {
        now >= self.at || now < self.decided
    }

    /// Something happened: soon.
    fn hurry(&mut self, now: Duration) {
        self.at = self.at.min((now + TOGETHER).max(self.earliest));
    }

    /// It was asked for at that time.
    fn done(&mut self, begin: Duration, now: Duration) {
        let rest = now.saturating_sub(begin) * REST;
        self.decided = now;
        self.earliest = now + rest;
        self.at = now + self.apart.max(rest);
    }
}

impl Asker {
    /// Goes on until nobody wants to know any more.
    pub(super) async fn run(mut self, first: Client) {
        let mut client = first;
        loop {
            let End::Lost(why) = self.watch(&client).await else { return };
            let Ok(next) = self.find(why).await else { return };
            client = next;
        }
    }

    async fn tell(&self, news: News) -> Result<(), Closed> {
        self.news.send(news).await.map_err(|_| Closed)
    }

    /// Waits until a peer runs.
    async fn find(&mut self, mut why: String) -> Result<Client, Closed> {
        loop {
            self.tell(News::Lost(why)).await?;
            while self.wanted.try_recv().is_ok() {
                self.tell(News::Doctor(Doctor::Failed("No peer runs that could look around".to_owned()))).await?;
            }
            tokio::time::sleep(AGAIN).await;
            why = match Client::connect(&self.api_file).await {
                Ok(Some(client)) => {
                    self.tell(News::Back).await?;
                    return Ok(client);
                }
                Ok(None) => "No peer runs".to_owned(),
                Err(error) => error.to_string(),
            };
        }
    }

    /// Asks one peer until it has ended.
    async fn watch(&mut self, client: &Client) -> End {
        match self.follow(client).await {
            Err(end) => end,
            Ok(()) => End::Lost("The peer has ended".to_owned()),
        }
    }

    async fn follow(&mut self, client: &Client) -> Result<(), End> {
        let query = EventQuery::default();
        let mut events = within(client.events(&query)).await?;
        let mut people = Turn::every(self.interval.max(Duration::from_secs(1)));
        let mut talk = Turn::every(self.interval.max(SELDOM));
        let mut links = Turn::every(self.interval.max(SELDOM));
        let mut traffic = Turn::every(self.interval);
        let mut counted: Option<Duration> = None;
        loop {
            let now = unix_now();
            if people.is_due(now) {
                self.tell(News::Peers(within(client.peers(true)).await?)).await?;
                people.done(now, unix_now());
            }
            if talk.is_due(now) {
                self.tell(News::Status(Box::new(within(client.status()).await?))).await?;
                self.tell(News::Conversations(within(conversations(client)).await?)).await?;
                talk.done(now, unix_now());
            }
            if links.is_due(now) {
                self.tell(News::Network(Box::new(within(client.network()).await?))).await?;
                links.done(now, unix_now());
            }
            if traffic.is_due(now) {
                let begin = unix_now();
                let answer = within(client.traffic()).await?;
                let after = counted.replace(begin).map(|before| begin.saturating_sub(before));
                self.tell(News::Traffic(Box::new(answer), after)).await?;
                traffic.done(begin, unix_now());
            }
            let now = unix_now();
            let next = [people.at, talk.at, links.at, traffic.at].into_iter().min().unwrap_or(now);
            // A clock that is put back must not make us wait.
            let pause = next.saturating_sub(now).min(self.interval.max(SELDOM));
            tokio::select! {
                event = events.next() => match event? {
                    None => return Ok(()),
                    Some(EventObject::Peer(_)) => people.hurry(unix_now()),
                    Some(EventObject::Line(_)) => talk.hurry(unix_now()),
                    Some(
                        EventObject::Mark(_)
                        | EventObject::List(_)
                        | EventObject::Progress(_)
                        | EventObject::Cache(_)
                        | EventObject::Message(_)
                        | EventObject::Call(_),
                    ) => {}
                    Some(EventObject::News(_)) => {
                        for turn in [&mut people, &mut talk, &mut links] {
                            turn.hurry(unix_now());
                        }
                    }
                },
                wanted = self.wanted.recv() => match wanted {
                    Some(Consult) => self.consult(client).await?,
                    None => return Err(End::Closed),
                },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Has the doctor look around, while all else goes on.
    async fn consult(&self, client: &Client) -> Result<(), Closed> {
        self.tell(News::Doctor(Doctor::Asked)).await?;
        let (client, news) = (client.clone(), self.news.clone());
        tokio::spawn(async move {
            let found = match tokio::time::timeout(LOOKING, client.doctor(None)).await {
                Ok(Ok(found)) => Doctor::Found(Box::new(found)),
                Ok(Err(error)) => Doctor::Failed(error.to_string()),
                Err(_) => Doctor::Failed(format!("The doctor has not answered for {} s", LOOKING.as_secs())),
            };
            // Nobody may want to know any more.
            let _ = news.send(News::Doctor(found)).await;
        });
        Ok(())
    }
}

/// None where the history cannot be read, or none is kept.
pub(super) async fn conversations(client: &Client) -> Result<Vec<ConversationObject>, ClientError> {
    match client.conversations().await {
        Err(ClientError::Refused { status: 500.., .. }) => Ok(Vec::new()),
        answer => answer,
    }
}

async fn within<T>(asked: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(ClientError::Gone(format!("no answer for {} s", PATIENCE.as_secs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_turn_comes_when_its_time_is_over_and_sooner_when_something_happens() {
        let mut turn = Turn::every(ms(1_000));
        assert!(turn.is_due(ms(5_000)));
        turn.done(ms(5_000), ms(5_020));
        assert!(!turn.is_due(ms(6_019)) && turn.is_due(ms(6_020)));
        // What happens at once is one look, and the first of it says when.
        turn.hurry(ms(5_200));
        turn.hurry(ms(5_250));
        assert!(!turn.is_due(ms(5_299)) && turn.is_due(ms(5_300)));
    }

    #[test]
    fn a_slow_peer_is_asked_less_often() {
        let mut turn = Turn::every(ms(1_000));
        turn.done(ms(5_000), ms(5_500));
        turn.hurry(ms(5_600));
        assert!(!turn.is_due(ms(10_499)) && turn.is_due(ms(10_500)));
    }

    #[test]
    fn a_clock_that_is_put_back_makes_nobody_wait() {
        let mut turn = Turn::every(ms(1_000));
        turn.done(ms(9_000_000), ms(9_000_010));
        assert!(turn.is_due(ms(1_000)));
    }
}
