//! Answers that have no end, or a late one.

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;

use super::super::{ErrorObject, EventObject, LineObject};
use super::{ClientError, garbled, gone};

/// Longest event or line, bytes: the longest text with its JSON escapes, and what stands around it.
const LONGEST: usize = 1 << 20;

/// What happens, as it happens.
#[derive(Debug)]
pub struct Events {
    parts: Parts,
    last: Option<u64>,
}

/// Lines of an export, as they come.
#[derive(Debug)]
pub struct Lines {
    parts: Parts,
}

impl Events {
    pub(super) fn new(body: Body) -> Self {
        Self { parts: Parts { body, held: Vec::new() }, last: None }
    }

    /// The number of the last event, from which [`EventQuery::since`](super::super::EventQuery::since) goes on.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// The next event; none when the peer has ended. Dropping the future early loses nothing.
    ///
    /// # Errors
    /// [`ClientError`]; the stream is of no more use.
    pub async fn next(&mut self) -> Result<Option<EventObject>, ClientError> {
        while let Some(part) = self.parts.next(b"\n\n").await? {
            let part = std::str::from_utf8(&part).map_err(garbled)?;
            let field = |name: &str| part.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            if let Some(id) = field("id") {
                self.last = id.parse().ok();
            }
            let Some((name, data)) = field("event").zip(field("data")) else { continue };
            // Events of later versions are passed over.
            if let Some(event) = EventObject::read(name, data) {
                return event.map(Some).map_err(garbled);
            }
        }
        Ok(None)
    }
}

impl Lines {
    pub(super) fn new(body: Body) -> Self {
        Self { parts: Parts { body, held: Vec::new() } }
    }

    /// The next line; none at the end. Dropping the future early loses nothing.
    ///
    /// # Errors
    /// [`ClientError`]; the lines so far are all that there are.
    pub async fn next(&mut self) -> Result<Option<LineObject>, ClientError> {
        let Some(line) = self.parts.next(b"\n").await? else { return Ok(None) };
        if let Ok(object) = serde_json::from_slice::<ErrorObject>(&line) {
            return Err(ClientError::Refused { status: 500, object: Box::new(object) });
        }
        serde_json::from_slice(&line).map(Some).map_err(garbled)
    }
}

/// A body in parts that end with the same bytes.
#[derive(Debug)]
struct Parts {
    body: Body,
    held: Vec<u8>,
}

impl Parts {
    /// The next part without its end; none at the end of the body. Dropping the future early loses nothing.
    async fn next(&mut self, end: &[u8]) -> Result<Option<Vec<u8>>, ClientError> {
        let mut looked_at = 0;
        loop {
            let found = memchr::memmem::find(self.held.get(looked_at..).unwrap_or_default(), end);
            if let Some(at) = found.map(|at| at + looked_at) {
                let rest = self.held.split_off(at + end.len());
                let mut part = std::mem::replace(&mut self.held, rest);
                part.truncate(at);
                return Ok(Some(part));
            }
            looked_at = self.held.len().saturating_sub(end.len());
            if self.held.len() > LONGEST {
                return Err(garbled("an endless line"));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(gone(error)),
                Some(Ok(frame)) => self.held.extend_from_slice(&frame.into_data().unwrap_or_else(|_| Bytes::new())),
            }
        }
    }
}
