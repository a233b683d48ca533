//! Spans of time as people write them in settings.

use std::time::Duration;

/// Reads `300s`, `500ms`, `5m`, or a bare number of seconds.
///
/// # Errors
/// A sentence that says what is expected.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        _ => 0,
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(millis)) {
        // A day is far beyond any sensible limit, and well within what the wire protocol can carry.
        Some(millis @ 1..=86_400_000) => Ok(Duration::from_millis(millis)),
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
        for bad in ["", "s", "0s", "-1s", "1.5s", "2h", "2 s", "18446744073709551615s", "25000m"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
