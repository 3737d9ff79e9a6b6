//! Numbers as they are shown: short, with their unit.

use super::super::render::grouped;

/// A way there and back.
pub(super) fn round_trip(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", micros / 1_000),
        1_000_000..60_000_000 => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
        _ => age(micros / 1_000_000),
    }
}

/// How long ago something was.
pub(super) fn age(seconds: u64) -> String {
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6_000 => format!("{} min", seconds / 60),
        6_000..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", grouped_u64(seconds / 86_400)),
    }
}

/// How long something lasts, in two units.
pub(super) fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min"),
        3_600..86_400 => format!("{hours} h {minutes} min"),
        _ => format!("{} d {hours} h", grouped_u64(days)),
    }
}

/// So many in a second.
pub(super) fn rate(each: f64) -> String {
    if each <= 0.0 || !each.is_finite() {
        "0/s".to_owned()
    } else if each < 0.05 {
        "<0.1/s".to_owned()
    } else if each < 9.95 {
        format!("{each:.1}/s")
    } else {
        format!("{}/s", short(each))
    }
}

/// So many bytes in a second.
pub(super) fn byte_rate(each: f64) -> String {
    if each <= 0.0 || !each.is_finite() {
        return "0 B/s".to_owned();
    }
    format!("{}/s", bytes_of(each))
}

/// So many bytes.
pub(super) fn bytes(count: u64) -> String {
    bytes_of(float(count))
}

fn bytes_of(count: f64) -> String {
    let mut left = count;
    for unit in ["B", "kB", "MB", "GB"] {
        if left < 999.5 {
            let short = if left < 9.95 && unit != "B" { format!("{left:.1}") } else { format!("{left:.0}") };
            return format!("{short} {unit}");
        }
        left /= 1_000.0;
    }
    format!("{left:.1} TB")
}

/// So many, in at most seven columns.
pub(super) fn count(count: u64) -> String {
    if count < 100_000 { grouped_u64(count) } else { short(float(count)) }
}

fn short(count: f64) -> String {
    if count < 9_999.5 {
        format!("{count:.0}")
    } else if count < 999_500.0 {
        format!("{:.0}k", count / 1_000.0)
    } else {
        format!("{:.1}M", count / 1_000_000.0)
    }
}

pub(super) fn grouped_u64(count: u64) -> String {
    grouped(usize::try_from(count).unwrap_or(usize::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "the first digits are shown")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_also_where_they_are_huge() {
        let shown = [round_trip(0), round_trip(560), round_trip(12_345), round_trip(1_250_000), round_trip(u64::MAX)];
        assert_eq!(shown, ["0.0 ms", "0.5 ms", "12 ms", "1.2 s", "213,503,982 d"]);
        assert_eq!([age(0), age(99), age(100), age(7_000), age(200_000)], ["0 s", "99 s", "1 min", "1 h", "2 d"]);
        assert_eq!([span(59), span(8_000), span(100_000)], ["59 s", "2 h 13 min", "1 d 3 h"]);
        assert_eq!(
            [rate(0.0), rate(0.01), rate(3.13), rate(12.6), rate(1e9)],
            ["0/s", "<0.1/s", "3.1/s", "13/s", "1000.0M/s"]
        );
        assert_eq!([rate(f64::NAN), byte_rate(f64::INFINITY)], ["0/s", "0 B/s"]);
        assert_eq!([byte_rate(999.0), byte_rate(1_500.0), bytes(123_456)], ["999 B/s", "1.5 kB/s", "123 kB"]);
        assert_eq!(bytes(u64::MAX), "18446744.1 TB");
    }
}
