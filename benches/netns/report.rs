//! The table of targets and what was measured.

use std::time::Duration;

/// What was measured so far.
pub(crate) struct Report {
    judged: bool,
    rows: Vec<Row>,
}

struct Row {
    what: String,
    target: String,
    measured: String,
    held: Option<bool>,
}

impl Report {
    /// A report whose figures are judged, or shown only; what must work at all is judged always.
    pub(crate) fn new(judged: bool) -> Self {
        Self { judged, rows: Vec::new() }
    }

    /// A figure with its target.
    pub(crate) fn figure(&mut self, what: &str, target: &str, measured: String, held: bool) {
        let held = self.judged.then_some(held);
        self.row(what, target, measured, held);
    }

    /// Something that must be so on any machine.
    pub(crate) fn must(&mut self, what: &str, target: &str, measured: String, held: bool) {
        self.row(what, target, measured, Some(held));
    }

    /// A figure without a target.
    pub(crate) fn fact(&mut self, what: &str, measured: String) {
        self.row(what, "", measured, None);
    }

    fn row(&mut self, what: &str, target: &str, measured: String, held: Option<bool>) {
        println!("{what}: {measured}");
        self.rows.push(Row { what: what.to_owned(), target: target.to_owned(), measured, held });
    }

    /// Prints the table; true when nothing was missed.
    pub(crate) fn print(&self) -> bool {
        let wide = |of: fn(&Row) -> &str| self.rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0).max(8);
        let (what, target, measured) = (wide(|row| &row.what), wide(|row| &row.target), wide(|row| &row.measured));
        println!("\n{:what$}  {:target$}  {:measured$}  held", "what", "target", "measured");
        for row in &self.rows {
            let held = row.held.map_or("", |held| if held { "yes" } else { "NO" });
            println!("{:what$}  {:target$}  {:measured$}  {held}", row.what, row.target, row.measured);
        }
        self.rows.iter().all(|row| row.held != Some(false))
    }
}

/// Times, in ascending order.
#[derive(Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Adds one.
    pub(crate) fn add(&mut self, time: Duration) {
        let at = self.0.partition_point(|other| *other <= time);
        self.0.insert(at, time);
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many are at most `limit`.
    pub(crate) fn within(&self, limit: Duration) -> usize {
        self.0.partition_point(|time| *time <= limit)
    }

    /// The time that so many percent do not exceed; 100 for the longest.
    pub(crate) fn percent(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or(Duration::MAX)
    }
}

/// Milliseconds, for people.
pub(crate) fn ms(time: Duration) -> String {
    if time == Duration::MAX { "none".to_owned() } else { format!("{:.2} ms", time.as_secs_f64() * 1e3) }
}
