//! Reads one variable's value, or says what is wrong with it, without the value: it may be secret.

use std::time::Duration;

use super::ConfigError;

/// A TTL above this is refused: Redis counts milliseconds in a signed 64-bit number, and a year is past any use.
const MAX_TTL_SECONDS: u64 = 365 * 24 * 60 * 60;
/// A timeout above this is refused: nobody waits longer for an HTTP answer.
const MAX_TIMEOUT_MS: u64 = 10 * 60 * 1000;

/// A value that cannot be used.
pub fn invalid<T>(variable: &'static str, why: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError { variable, why: why.into() })
}

/// Some text.
pub fn non_empty(variable: &'static str, value: String) -> Result<String, ConfigError> {
    if value.trim().is_empty() {
        return invalid(variable, "is empty");
    }
    Ok(value)
}

/// The key travels as a header's value, where control characters would end it.
pub fn header_safe(key: String) -> Result<String, ConfigError> {
    if http::HeaderValue::from_str(&key).is_err() {
        return invalid("data_api_key", "holds a character that no header can carry");
    }
    Ok(key)
}

/// A URL with one of these schemes, without slashes at its end.
pub fn url(variable: &'static str, schemes: &[&str], value: String) -> Result<String, ConfigError> {
    let value = value.trim().trim_end_matches('/');
    match schemes.iter().find_map(|scheme| value.strip_prefix(scheme)) {
        Some(rest) if !rest.is_empty() && !value.contains(char::is_whitespace) => Ok(value.to_owned()),
        _ => invalid(variable, format!("must be a URL that starts with {}", schemes.join(" or "))),
    }
}

/// A whole number within a range.
pub fn number(variable: &'static str, value: &str, min: u64, max: u64) -> Result<u64, ConfigError> {
    match value.trim().parse::<u64>() {
        Ok(n) if (min..=max).contains(&n) => Ok(n),
        _ => invalid(variable, format!("must be a whole number from {min} to {max}")),
    }
}

/// A time to live in seconds; zero is allowed.
pub fn ttl(variable: &'static str, value: &str) -> Result<Duration, ConfigError> {
    number(variable, value, 0, MAX_TTL_SECONDS).map(Duration::from_secs)
}

/// A time limit in milliseconds.
pub fn timeout(variable: &'static str, value: &str) -> Result<Duration, ConfigError> {
    number(variable, value, 1, MAX_TIMEOUT_MS).map(Duration::from_millis)
}

/// `true` or `false`.
pub fn flag(variable: &'static str, value: &str) -> Result<bool, ConfigError> {
    one_of(variable, value, [("true", true), ("false", false)])
}

/// One of two words.
pub fn one_of<T: Copy>(variable: &'static str, value: &str, choices: [(&str, T); 2]) -> Result<T, ConfigError> {
    let chosen = choices.iter().find(|(name, _)| *name == value.trim());
    match chosen {
        Some((_, choice)) => Ok(*choice),
        None => invalid(variable, format!("must be {} or {}", choices[0].0, choices[1].0)),
    }
}

/// The open collections. Names become parts of Redis keys and of paths, so they keep to letters, digits, `_`, `-` and `.`; `all` and
/// `system.…` are taken (by the routes and by MongoDB).
pub fn collections(list: &str) -> Result<Vec<String>, ConfigError> {
    let mut names: Vec<String> = Vec::new();
    for name in list.split(',').map(str::trim) {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || name.len() > 100 || !name.chars().all(plain) {
            return invalid(
                "collections",
                format!(
                    "holds {name:?}: a name has 1 to 100 letters, digits, `_`, `-` or `.`, and names are separated by commas"
                ),
            );
        }
        if name == "all" || name.starts_with("system.") {
            return invalid("collections", format!("holds {name:?}, which is a reserved name"));
        }
        if names.iter().any(|known| known == name) {
            return invalid("collections", format!("holds {name:?} twice"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}
