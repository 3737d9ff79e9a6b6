//! What stands after an option.

use std::time::Duration;

use crate::data::message::{Pattern, Topic, TopicError};
use crate::engine::CatchUp;
use crate::node::{Profile, ProfileError, StartError, check_peer};
use crate::wire::{Name, NameError};

/// Longest time that history may be kept: a hundred years.
const LONGEST_KEPT: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Smallest size that history may have, bytes.
const SMALLEST: u64 = 1 << 20;

/// How long history is kept; none for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepTime(pub Option<Duration>);

/// Hours of the day, by the local clock, in which nothing pops up; from and to, minutes after midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: u16,
    to: u16,
}

impl QuietHours {
    /// Whether this minute of the day is one of them. They may go over midnight.
    #[must_use]
    pub fn holds(self, minute: u16) -> bool {
        if self.from <= self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

/// Who may read `GET /metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum MetricsFor {
    /// Who shows the token.
    Token,
    /// Every program of this computer.
    Open,
}

pub(super) fn name(text: &str) -> Result<Name, NameError> {
    Name::new(text)
}

/// The name of a profile.
pub(super) fn profile(text: &str) -> Result<String, ProfileError> {
    Profile::check_name(text).map(|()| text.to_owned())
}

/// `HOST[:PORT]`; what is empty between two commas counts as nothing.
pub(super) fn peer(text: &str) -> Result<String, StartError> {
    match text.trim() {
        "" => Ok(String::new()),
        host => check_peer(host).map(|()| host.to_owned()),
    }
}

pub(super) fn heartbeat(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if (Duration::from_secs(1)..=Duration::from_secs(100)).contains(&time) {
        Ok(time)
    } else {
        Err("must be 1s to 100s: an older client forgets a peer for ever that it did not hear for 300 s".to_owned())
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if time <= Duration::from_secs(86_400) { Ok(time) } else { Err("must be at most a day (24h)".to_owned()) }
}

pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if (Duration::from_millis(100)..=Duration::from_secs(3600)).contains(&time) {
        Ok(time)
    } else {
        Err("must be 100ms to 1h".to_owned())
    }
}

/// How long something is good in the cache.
pub(super) fn ttl(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if (Duration::from_secs(1)..=Duration::from_secs(7 * 86_400)).contains(&time) {
        Ok(time)
    } else {
        Err("must be 1s to 7d".to_owned())
    }
}

/// How long an answer is waited for.
pub(super) fn patience(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if (Duration::from_millis(1)..=Duration::from_secs(600)).contains(&time) {
        Ok(time)
    } else {
        Err("must be 1ms to 10m".to_owned())
    }
}

/// A field of an item: `artist=Somebody`.
pub(super) fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    if !(1..=32).contains(&name.len()) || !name.bytes().all(good) {
        return Err("a name of a field has 1 to 32 of the characters a-z, 0-9, _ and -".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn topic(text: &str) -> Result<Topic, TopicError> {
    Topic::new(text)
}

pub(super) fn pattern(text: &str) -> Result<Pattern, TopicError> {
    Pattern::new(text)
}

/// An age such as `2h`, `30d` or `3weeks`.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if time <= LONGEST_KEPT { Ok(time) } else { Err("must be at most 100 years".to_owned()) }
}

pub(super) fn keep_time(text: &str) -> Result<KeepTime, String> {
    if text.trim().eq_ignore_ascii_case("forever") {
        return Ok(KeepTime(None));
    }
    let time = age(text)?;
    if time < Duration::from_secs(60) {
        return Err("must be at least a minute, or forever; --history off keeps nothing".to_owned());
    }
    Ok(KeepTime(Some(time)))
}

/// `500MB`, `1GiB`, or bytes without a unit. All units are powers of 1,024.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "write a size such as 500MB or 1GB".to_owned();
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let shift = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return Err(wrong()),
    };
    match number.checked_mul(1 << shift) {
        Some(bytes) if (SMALLEST..1 << 50).contains(&bytes) => Ok(bytes),
        Some(_) | None => Err("must be at least 1MB; --history off keeps nothing".to_owned()),
    }
}

/// `none`, so many posts, an age, or both with a comma.
pub(super) fn catch_up(text: &str) -> Result<CatchUp, String> {
    let mut wanted = CatchUp::default();
    if text.trim().eq_ignore_ascii_case("none") {
        return Ok(CatchUp { posts: 0, ..wanted });
    }
    for part in text.split(',').map(str::trim) {
        if let Ok(posts) = part.parse() {
            wanted.posts = posts;
            continue;
        }
        let age = parse_duration(part).map_err(|_| "write none, a count of posts, or an age such as 12h".to_owned())?;
        if age > Duration::from_secs(7 * 86_400) {
            return Err("nobody passes on what is older than 7 days".to_owned());
        }
        wanted.age = age;
    }
    Ok(wanted)
}

pub(super) fn quiet_hours(text: &str) -> Result<QuietHours, String> {
    let minute = |text: &str| {
        let (hours, minutes) = text.trim().split_once(':')?;
        let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
        (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
    };
    let hours = text.split_once('-').and_then(|(from, to)| Some(QuietHours { from: minute(from)?, to: minute(to)? }));
    hours.ok_or_else(|| "write two times of the day, such as 22:00-07:00".to_owned())
}

/// `30s`, `5m`, `1h 30m`, `30d`, or seconds without a unit. A day has 24 hours.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time such as 30s, 5m or 1h".to_owned();
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    // A month or a year has no fixed length.
    let time = span.to_duration(days).map_err(|_| "write a time in weeks, days or less, such as 30d".to_owned())?;
    Duration::try_from(time).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_or_are_seconds() {
        for (text, seconds) in [
            ("30", 30.0),
            ("30s", 30.0),
            ("5m", 300.0),
            ("1h", 3600.0),
            ("1m 30s", 90.0),
            ("2.5", 2.5),
            ("2d", 172_800.0),
        ] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_secs_f64(seconds), "{text}");
        }
        for text in ["", "-3s", "-1", "x", "3 parsecs", "1e400", "nan", "1mo"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert_eq!(age("3weeks").unwrap(), Duration::from_secs(21 * 86_400));
    }

    #[test]
    fn sizes_times_and_catch_up_are_read_or_refused() {
        assert_eq!(size("500MB").unwrap(), 500 << 20);
        assert_eq!(size(" 2 GiB ").unwrap(), 2 << 30);
        for wrong in ["", "MB", "1", "-1MB", "99999999999GB", "1TB x"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert_eq!(keep_time("forever").unwrap(), KeepTime(None));
        assert_eq!(keep_time("30d").unwrap(), KeepTime(Some(Duration::from_secs(30 * 86_400))));
        assert!(keep_time("10s").is_err());
        let hour = Duration::from_secs(3600);
        for (text, posts, age) in
            [("none", 0, hour * 24), ("100", 100, hour * 24), ("2h", 500, hour * 2), ("100, 2h", 100, hour * 2)]
        {
            assert_eq!(catch_up(text).unwrap(), CatchUp { posts, age }, "{text}");
        }
        assert!(catch_up("8d").is_err() && catch_up("some").is_err());
    }

    #[test]
    fn quiet_hours_may_go_over_midnight() {
        let night = quiet_hours("22:00-07:00").unwrap();
        assert_eq!(
            [21 * 60 + 59, 22 * 60, 0, 7 * 60 - 1, 7 * 60].map(|at| night.holds(at)),
            [false, true, true, true, false]
        );
        let noon = quiet_hours("12:00 - 13:30").unwrap();
        assert_eq!([719, 720, 809, 810].map(|at| noon.holds(at)), [false, true, true, false]);
        for wrong in ["", "22-7", "24:00-07:00", "22:60-07:00", "22:00"] {
            assert!(quiet_hours(wrong).is_err(), "{wrong}");
        }
    }
}
