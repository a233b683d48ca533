//! The value syntax of the instance-reuse flags: one value, or a range that each instance draws from.

use std::fmt::Display;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::str::FromStr;
use std::time::Duration;

/// A setting that is either fixed or drawn anew, evenly, for every instance: `8`, or `1..8` (8 excluded).
///
/// Spin offers ranges so that instances which started together do not end together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range<T> {
    /// The same for every instance.
    Value(T),
    /// Drawn from `start..end`; `start < end` always holds.
    Bounds(T, T),
}

impl Range<usize> {
    /// Reads `8` or `1..8`.
    ///
    /// # Errors
    /// A sentence that repeats the text and says what was expected.
    pub fn parse_count(text: &str) -> Result<Self, String> {
        parse(text, |part| number(part, "a number, such as 8, or a range, such as 1..8"))
    }

    /// One value of the range.
    #[must_use]
    pub fn draw(self) -> usize {
        match self {
            Self::Value(value) => value,
            Self::Bounds(start, end) => start + (random() % (end - start) as u64) as usize,
        }
    }
}

impl Range<Duration> {
    /// Reads `5`, `5s`, `250ms`, `100us`, `100ns`, or a range of these, such as `1s..8s`. No suffix means seconds.
    ///
    /// # Errors
    /// A sentence that repeats the text and says what was expected.
    pub fn parse_duration(text: &str) -> Result<Self, String> {
        parse(text, duration)
    }

    /// One value of the range.
    #[must_use]
    pub fn draw(self) -> Duration {
        match self {
            Self::Value(value) => value,
            Self::Bounds(start, end) => {
                let span = u64::try_from((end - start).as_nanos()).unwrap_or(u64::MAX).max(1);
                start + Duration::from_nanos(random() % span)
            }
        }
    }
}

fn parse<T: PartialOrd>(text: &str, one: impl Fn(&str) -> Result<T, String>) -> Result<Range<T>, String> {
    let Some((start, end)) = text.split_once("..") else {
        return Ok(Range::Value(one(text)?));
    };
    let (start, end) = (one(start)?, one(end)?);
    if start >= end {
        return Err(format!("the range {text:?} is empty: its end must be larger than its start"));
    }
    Ok(Range::Bounds(start, end))
}

/// Makes a duration of so many seconds, milliseconds, …
type Unit = fn(u64) -> Duration;

fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, Unit); 5] = [
        ("ms", Duration::from_millis),
        ("us", Duration::from_micros),
        ("μs", Duration::from_micros),
        ("ns", Duration::from_nanos),
        ("s", Duration::from_secs),
    ];
    let (digits, unit) = UNITS
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
        .unwrap_or((text, Duration::from_secs));
    let expected = "a whole number with s, ms, us or ns behind it, such as 250ms (no suffix: seconds)";
    number(digits, expected).map(unit).map_err(|_| format!("expected {expected}; got {text:?}"))
}

fn number<T: FromStr<Err: Display>>(text: &str, expected: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("expected {expected}; got {text:?} ({error})"))
}

/// A random number from the standard library's own source of randomness (the seeds of its hash maps): good enough to
/// spread instances, and no dependency.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_a_value_or_a_range() {
        assert_eq!(Range::parse_count("128"), Ok(Range::Value(128)));
        assert_eq!(Range::parse_count("1..8"), Ok(Range::Bounds(1, 8)));
        for wrong in ["", "x", "-1", "1..", "..8", "8..1", "3..3", "1s"] {
            assert!(Range::parse_count(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn durations_know_their_suffixes_and_mean_seconds_without_one() {
        for (text, nanos) in [
            ("2", 2_000_000_000),
            ("2s", 2_000_000_000),
            ("2ms", 2_000_000),
            ("2us", 2_000),
            ("2μs", 2_000),
            ("2ns", 2),
        ] {
            let expected = Range::Value(Duration::from_nanos(nanos));
            assert_eq!(Range::parse_duration(text), Ok(expected), "{text:?}");
        }
        let range = Range::Bounds(Duration::from_millis(10), Duration::from_secs(1));
        assert_eq!(Range::parse_duration("10ms..1s"), Ok(range));
        for wrong in ["", "s", "1m", "1.5s", "-1s", "2s..1s"] {
            let error = Range::parse_duration(wrong).unwrap_err();
            assert!(error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn a_drawn_value_lies_in_its_range() {
        for _ in 0..200 {
            assert!((3..6).contains(&Range::Bounds(3, 6).draw()));
            let (low, high) = (Duration::from_millis(5), Duration::from_millis(6));
            assert!((low..high).contains(&Range::Bounds(low, high).draw()));
        }
        assert_eq!(Range::Value(7).draw(), 7);
    }
}
