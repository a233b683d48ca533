//! Spans of time as people write them in settings.

use std::time::Duration;

/// A day: far beyond any sensible limit, and well within what the wire protocol can carry.
const MAX_SPAN: Duration = Duration::from_secs(86_400);

/// Reads `300s`, `500ms`, `5m`, or a bare number of seconds.
///
/// # Errors
/// A sentence that says what is expected.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let span = text.parse().map(Duration::from_secs).or_else(|_| humantime::parse_duration(text));
    match span {
        Ok(span) if span >= Duration::from_millis(1) && span <= MAX_SPAN => Ok(span),
        _ => Err("expected a time between 1ms and a day, such as 500ms, 2s or 5m".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse("2"), Ok(Duration::from_secs(2)));
        assert_eq!(parse("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(parse("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
        for bad in ["", "s", "0s", "-1s", "0.5ms", "999us", "18446744073709551615s", "25h"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
