//! Reads one Spin variable's value, or says what is wrong with it, without the value: it may be secret.

use std::time::Duration;

use http::uri::Authority;

/// A variable whose value is invalid. Every route answers 500 and names the variable, rather than guess.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable `{variable}` {reason}")]
pub struct VariableError {
    /// The Spin variable's name.
    pub variable: &'static str,
    /// What is wrong with its value, without the value.
    pub reason: String,
}

/// A TTL above this is refused: Redis counts milliseconds in a signed 64-bit number, and a year is past any use.
const MAX_TTL_SECONDS: u64 = 365 * 24 * 60 * 60;
/// A timeout above this is refused: nobody waits longer for an HTTP answer.
const MAX_TIMEOUT_MS: u64 = 10 * 60 * 1000;

/// The error for an invalid value.
pub fn invalid<T>(variable: &'static str, reason: impl Into<String>) -> Result<T, VariableError> {
    Err(VariableError { variable, reason: reason.into() })
}

/// Text that is not blank.
pub fn non_empty(variable: &'static str, value: String) -> Result<String, VariableError> {
    if value.trim().is_empty() {
        return invalid(variable, "is empty");
    }
    Ok(value)
}

/// Text that can be sent as a header's value, where a control character would end it.
pub fn header_value(variable: &'static str, value: String) -> Result<String, VariableError> {
    if http::HeaderValue::from_str(&value).is_err() {
        return invalid(variable, "contains a character that a header cannot carry");
    }
    Ok(value)
}

/// A URL with one of these schemes and a host, without slashes at its end.
pub fn url(variable: &'static str, schemes: &[&str], value: String) -> Result<String, VariableError> {
    let value = value.trim().trim_end_matches('/');
    if !schemes.iter().any(|scheme| value.starts_with(scheme)) {
        return invalid(variable, format!("must be a URL that starts with {}", schemes.join(" or ")));
    }
    if value.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#') {
        return invalid(variable, "contains a space, a control character or a #, which a URL spells %20 or %23");
    }
    let authority = authority(value);
    // A user's name and password may hold nearly anything, and are for who connects to understand.
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    match address.parse::<Authority>() {
        Ok(parsed) if !parsed.host().is_empty() && is_port(&address[parsed.host().len()..]) => Ok(value.to_owned()),
        _ => invalid(variable, "must be a URL whose host is a name or an address, with a port from 1 to 65535 or none"),
    }
}

/// What stands between a URL's scheme and its path or query.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    &rest[..rest.find(['/', '?']).unwrap_or(rest.len())]
}

/// Such a URL without a user's name and password, which no HTTP request carries in its address.
pub fn url_without_credentials(
    variable: &'static str,
    schemes: &[&str],
    value: String,
) -> Result<String, VariableError> {
    let value = url(variable, schemes, value)?;
    if authority(&value).contains('@') {
        return invalid(
            variable,
            "must not contain a user's name or password; data_api_key is what the Data API is shown",
        );
    }
    Ok(value)
}

/// Whether what follows a host is a port, or nothing.
fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse().is_ok_and(|port: u16| port > 0)
        }
        None => text.is_empty(),
    }
}

/// The URL of a Redis: its path is the number of a database, or nothing.
pub fn redis_url(variable: &'static str, value: String) -> Result<String, VariableError> {
    let value = url(variable, &["redis://", "rediss://"], value)?;
    let path = value.splitn(4, '/').nth(3).unwrap_or_default();
    let database = path.split('?').next().unwrap_or_default();
    if database.is_empty() || database.parse::<u32>().is_ok() {
        return Ok(value);
    }
    invalid(variable, "has a path that is not the number of a database: redis://host:port/0")
}

/// A whole number within a range.
pub fn number(variable: &'static str, value: &str, min: u64, max: u64) -> Result<u64, VariableError> {
    match value.trim().parse::<u64>() {
        Ok(n) if (min..=max).contains(&n) => Ok(n),
        _ => invalid(variable, format!("must be a whole number from {min} to {max}")),
    }
}

/// A time to live in seconds; zero is allowed.
pub fn ttl(variable: &'static str, value: &str) -> Result<Duration, VariableError> {
    number(variable, value, 0, MAX_TTL_SECONDS).map(Duration::from_secs)
}

/// A time limit in milliseconds.
pub fn timeout(variable: &'static str, value: &str) -> Result<Duration, VariableError> {
    number(variable, value, 1, MAX_TIMEOUT_MS).map(Duration::from_millis)
}

/// `true` or `false`.
pub fn flag(variable: &'static str, value: &str) -> Result<bool, VariableError> {
    one_of(variable, value, [("true", true), ("false", false)])
}

/// One of two words.
pub fn one_of<T: Copy>(variable: &'static str, value: &str, choices: [(&str, T); 2]) -> Result<T, VariableError> {
    let chosen = choices.iter().find(|(name, _)| *name == value.trim());
    match chosen {
        Some((_, choice)) => Ok(*choice),
        None => invalid(variable, format!("must be {} or {}", choices[0].0, choices[1].0)),
    }
}

/// The open collections, separated by commas. Names become parts of Redis keys and of paths, so they consist of letters,
/// digits, `_`, `-` and `.`; `all` and `system.…` are reserved (by the routes and by MongoDB).
pub fn collections(list: &str) -> Result<Vec<String>, VariableError> {
    let mut names: Vec<String> = Vec::new();
    for name in list.split(',').map(str::trim) {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || name.len() > 100 || !name.chars().all(plain) {
            return invalid(
                "collections",
                format!(
                    "contains {name:?}: a name has 1 to 100 letters, digits, `_`, `-` or `.`; names are separated by commas"
                ),
            );
        }
        if name == "all" || name.starts_with("system.") {
            return invalid("collections", format!("contains {name:?}, which is a reserved name"));
        }
        if names.iter().any(|known| known == name) {
            return invalid("collections", format!("contains {name:?} twice"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}
