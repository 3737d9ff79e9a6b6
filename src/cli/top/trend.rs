//! What the counters of the last hour tell: rates, delivery times, and how they went.

use std::time::Duration;

use crate::web::{SampleObject, TrafficObject};

use super::figures::float;

/// As far back as a trend goes, milliseconds.
const HOUR: i64 = 3_600_000;

/// Signs from low to high.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How many of something there were in a second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Rates {
    pub(super) received: f64,
    pub(super) received_bytes: f64,
    pub(super) sent: f64,
    pub(super) sent_bytes: f64,
    pub(super) dropped: f64,
    pub(super) retries: f64,
}

impl Rates {
    /// Those of now: since the answer before, or else since the sample before.
    pub(super) fn now(traffic: &TrafficObject, before: Option<&(TrafficObject, Duration)>) -> Option<Self> {
        let newest = traffic.samples.last()?;
        if let Some((old, after)) = before {
            return Some(Self::between(old.samples.last()?, newest, after.as_secs_f64()));
        }
        let passed = |old: &&SampleObject| when(newest).zip(when(old)).map_or(0, |(new, old)| new - old);
        let old = traffic.samples.iter().rev().find(|old| passed(old) >= 1_000)?;
        Some(Self::between(old, newest, float(u64::try_from(passed(&old)).unwrap_or_default()) / 1_000.0))
    }

    fn between(old: &SampleObject, new: &SampleObject, seconds: f64) -> Self {
        // A clock that jumps must not make a rate without bounds.
        let seconds = seconds.max(0.05);
        let each = |old: u64, new: u64| float(new.saturating_sub(old)) / seconds;
        Self {
            received: each(old.received, new.received),
            received_bytes: each(old.received_bytes, new.received_bytes),
            sent: each(old.sent, new.sent),
            sent_bytes: each(old.sent_bytes, new.sent_bytes),
            dropped: each(old.dropped, new.dropped),
            retries: each(old.retries, new.retries),
        }
    }
}

/// Milliseconds since 1970.
pub(super) fn when(sample: &SampleObject) -> Option<i64> {
    moment(&sample.at)
}

/// The same of a moment as the API writes it.
pub(super) fn moment(stamp: &str) -> Option<i64> {
    stamp.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// How many DMs were acknowledged in each step of the time that it took, in the last hour.
pub(super) fn delivered(traffic: &TrafficObject) -> Vec<u64> {
    let Some(last) = traffic.samples.last() else { return Vec::new() };
    match traffic.samples.first() {
        Some(first) if traffic.samples.len() > 1 => steps(first, last),
        _ => last.latency.clone(),
    }
}

fn steps(old: &SampleObject, new: &SampleObject) -> Vec<u64> {
    let old = old.latency.iter().copied().chain(std::iter::repeat(0));
    new.latency.iter().zip(old).map(|(new, old)| new.saturating_sub(old)).collect()
}

/// The step in which this part of all of them was reached, such as 0.5 for the median.
pub(super) fn quantile(steps: &[u64], part: f64) -> Option<usize> {
    let all = steps.iter().fold(0_u64, |all, count| all.saturating_add(*count));
    let wanted = (part * float(all)).ceil().max(1.0);
    let mut reached = 0_u64;
    steps.iter().position(|count| {
        reached = reached.saturating_add(*count);
        float(reached) >= wanted
    })
}

/// Its upper end in words.
pub(super) fn step(step: usize, bounds: &[u64]) -> String {
    let time = |ms: u64| if ms < 1_000 { format!("{ms} ms") } else { format!("{} s", ms / 1_000) };
    match (bounds.get(step), bounds.last()) {
        (Some(end), _) => format!("≤{}", time(*end)),
        (None, Some(last)) => format!(">{}", time(*last)),
        (None, None) => "?".to_owned(),
    }
}

/// How the last hour went, the newest at the right: one sign for each part of it.
pub(super) fn line(samples: &[SampleObject], of: impl Fn(&SampleObject) -> u64, width: usize) -> String {
    let parts = parts(samples, of, width);
    let most = parts.iter().flatten().copied().fold(0.0, f64::max);
    parts.iter().map(|part| part.map_or(' ', |part| level(part, most))).collect()
}

/// How the median time of delivery went.
pub(super) fn latency_line(traffic: &TrafficObject, width: usize) -> String {
    let count = traffic.latency_bounds_ms.len() + 1;
    let each: Vec<Vec<Option<f64>>> = (0..count)
        .map(|step| parts(&traffic.samples, |sample| sample.latency.get(step).copied().unwrap_or_default(), width))
        .collect();
    let part = |at: usize| {
        let steps = each.iter().map(|parts| parts.get(at).copied().flatten().unwrap_or_default());
        let steps: Vec<f64> = steps.collect();
        let half = steps.iter().sum::<f64>() / 2.0;
        let mut reached = 0.0;
        let median = steps.iter().position(|count| {
            reached += count;
            half > 0.0 && reached >= half
        });
        // The first step is the lowest sign, the last one the highest.
        median.map_or(' ', |step| LEVELS[step * (LEVELS.len() - 1) / (count - 1).max(1)])
    };
    (0..width).map(part).collect()
}

/// How something that goes up and down went.
pub(super) fn height(samples: &[SampleObject], of: impl Fn(&SampleObject) -> u64, width: usize) -> String {
    let points: Vec<(i64, u64)> = samples.iter().filter_map(|sample| Some((when(sample)?, of(sample)))).collect();
    let Some(&(end, _)) = points.last() else { return " ".repeat(width) };
    let most = points.iter().map(|(_, count)| *count).max().unwrap_or_default();
    let wide = i64::try_from(width).unwrap_or_default();
    let mut rest = points.iter().peekable();
    let mut last = None;
    (1..=wide)
        .map(|at| {
            let until = end.saturating_sub(HOUR) + HOUR * at / wide;
            while let Some((_, count)) = rest.next_if(|(at, _)| *at <= until) {
                last = Some(*count);
            }
            last.map_or(' ', |count| level(float(count), float(most)))
        })
        .collect()
}

fn level(part: f64, most: f64) -> char {
    if part <= 0.0 || most <= 0.0 {
        return LEVELS[0];
    }
    let at = (1..LEVELS.len()).find(|at| part <= most * float(*at as u64) / float(LEVELS.len() as u64 - 1));
    LEVELS[at.unwrap_or(LEVELS.len() - 1)]
}

/// What was counted in each part of the last hour; none before the first sample.
fn parts(samples: &[SampleObject], of: impl Fn(&SampleObject) -> u64, width: usize) -> Vec<Option<f64>> {
    let points: Vec<(i64, u64)> = samples.iter().filter_map(|sample| Some((when(sample)?, of(sample)))).collect();
    let Some((&(begin, _), &(end, _))) = points.first().zip(points.last()) else { return vec![None; width] };
    let wide = i64::try_from(width).unwrap_or_default();
    let edge = |at: i64| end.saturating_sub(HOUR) + HOUR * at / wide.max(1);
    let mut next = 0;
    // Counted until then; between two samples it grows evenly.
    let mut counted = |until: i64| {
        while points.get(next).is_some_and(|(at, _)| *at < until) {
            next += 1;
        }
        let Some((at, count)) = points.get(next) else { return points.last().map_or(0.0, |(_, count)| float(*count)) };
        let Some((before, old)) = next.checked_sub(1).and_then(|at| points.get(at)) else { return float(*count) };
        let share = float(until.abs_diff(*before)) / float(at.abs_diff(*before).max(1));
        float(*old) + float(count.saturating_sub(*old)) * share
    };
    let mut last = counted(edge(0));
    (1..=wide)
        .map(|at| {
            let now = counted(edge(at));
            let part = (now - last).max(0.0);
            last = now;
            (edge(at) > begin).then_some(part)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seconds: i64, received: u64) -> SampleObject {
        SampleObject {
            at: jiff::Timestamp::from_second(1_700_000_000 + seconds).unwrap().to_string(),
            received,
            received_bytes: received.saturating_mul(100),
            sent: 0,
            sent_bytes: 0,
            dropped: 0,
            retries: 0,
            peers: 0,
            latency: vec![0, received, 0],
        }
    }

    fn traffic(samples: Vec<SampleObject>) -> TrafficObject {
        TrafficObject {
            v: 1,
            kind: "traffic".to_owned(),
            since: samples.first().map(|sample| sample.at.clone()).unwrap_or_default(),
            counters: Default::default(),
            drops: Default::default(),
            tables: Vec::new(),
            latency_bounds_ms: vec![1, 5_000],
            samples,
        }
    }

    #[test]
    fn rates_are_those_since_the_answer_before() {
        let old = traffic(vec![sample(0, 100)]);
        let new = traffic(vec![sample(0, 100), sample(10, 130), sample(10, 140)]);
        let rates = Rates::now(&new, Some(&(old, Duration::from_secs(2)))).unwrap();
        assert_eq!((rates.received, rates.received_bytes), (20.0, 2_000.0));
        // Without one, since the sample before.
        assert_eq!(Rates::now(&new, None).unwrap().received, 4.0);
        assert_eq!(Rates::now(&traffic(vec![sample(0, 5)]), None), None);
        assert_eq!(Rates::now(&traffic(Vec::new()), None), None);
    }

    #[test]
    fn counters_that_went_back_and_clocks_that_jumped_make_no_nonsense() {
        let old = traffic(vec![sample(0, 100)]);
        let new = traffic(vec![sample(-500, 7)]);
        assert_eq!(Rates::now(&new, Some(&(old, Duration::ZERO))).unwrap(), Rates::default());
        let mixed = [sample(0, 100), sample(-500, 7), sample(3_600, u64::MAX), sample(5, 0)];
        assert_eq!(line(&mixed, |sample| sample.received, 7).chars().count(), 7);
    }

    #[test]
    fn the_hour_is_drawn_with_the_newest_at_the_right() {
        let samples: Vec<_> =
            (0..=360).map(|at| sample(at * 10, if at < 180 { 0 } else { (at as u64 - 180) * 4 })).collect();
        assert_eq!(line(&samples, |sample| sample.received, 8), "▁▁▁▁████");
        // A short life fills the right end only, a pause is even.
        let short = [sample(0, 0), sample(900, 0), sample(1_800, 70)];
        assert_eq!(line(&short, |sample| sample.received, 8), "    ▁▁██");
        assert_eq!(line(&[], |sample| sample.received, 3), "   ");
        assert_eq!(line(&short, |sample| sample.received, 0), "");
    }

    #[test]
    fn quantiles_are_the_steps_in_which_they_are_reached() {
        let steps = [0, 98, 1, 1];
        assert_eq!([0.5, 0.99, 1.0].map(|part| quantile(&steps, part)), [Some(1), Some(2), Some(3)]);
        assert_eq!(quantile(&[0, 0], 0.5), None);
        assert_eq!(quantile(&[u64::MAX, u64::MAX], 0.5), Some(0));
        assert_eq!([step(0, &[1, 5_000]), step(1, &[1, 5_000]), step(2, &[1, 5_000])], ["≤1 ms", "≤5 s", ">5 s"]);
    }

    #[test]
    fn delivery_is_that_of_the_last_hour() {
        let all = traffic(vec![sample(0, 10), sample(3_000, 14)]);
        assert_eq!(delivered(&all), [0, 4, 0]);
        assert_eq!(latency_line(&all, 6), " ▄▄▄▄▄");
    }
}
